"""The related systems' part of the report: measures, rows with votes, and what others kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the training extra")

from tests.training.report.made_up import independent
from training.faithfulness import ORDERS, ClipRow, Faithfulness
from training.labels import LABELS
from training.pairs import OTHERS, Pair, Pairs
from training.report.document import Section, Table
from training.report.numbers import mean_interval
from training.report.rows import gather
from training.report.sections.kept import functionals, saliency
from training.report.sections.related import related
from training.report.sections.votes import distances, voted
from training.results import FoldResult, result_folder

_STUDY = """
[[row]]
recipe = "light-mlp"
group = "light models"
folds = { cremad = 5, cross-corpus = 2 }
[[row]]
recipe = "ldl"
group = "EM2LDL"
base = "light-mlp"
folds = { cremad = 5, cross-corpus = 2 }
[[row]]
recipe = "emosphere"
group = "EmoSphere-SER"
folds = { speaker-independent = 6 }
"""


def _tables(section: Section | None) -> dict[str, Table]:
    assert section is not None
    return {block.caption: block for block in section.blocks if isinstance(block, Table)}


def _voted(result: FoldResult, rng: np.random.Generator) -> FoldResult:
    """As of CREMA-D: listeners heard the right class mostly; one clip nobody voted on."""
    votes = np.zeros((len(result.labels), len(LABELS)), np.float32)
    votes[np.arange(len(votes)), result.labels] = 0.7
    votes[np.arange(len(votes)), rng.integers(0, 8, len(votes))] += 0.3
    votes[0] = np.nan
    return replace(result, votes=votes, corpora=("cremad",) * len(votes))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, skill in (("light-mlp", 0.5), ("ldl", 0.8)):
        for i, result in enumerate(independent(skill, 1, 2, title=name)):
            result.about["fold"] = f"fold-{i + 1}"
            _voted(result, rng).save(result_folder(tmp_path, name, "cremad", f"fold-{i + 1}"))
    for i, result in enumerate(independent(0.9, 3, 2, title="the sphere")):
        told = rng.normal(0, 0.1, (len(result.labels), 3)).astype(np.float32)
        placed = replace(result, dimensions=told)
        placed.save(result_folder(tmp_path, "emosphere", "speaker-independent", f"fold-{i + 1}"))
    (tmp_path / "study.toml").write_text(_STUDY)
    return tmp_path


def test_measures_between_distributions() -> None:
    told = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    assert distances(told, told) == pytest.approx(
        {"Chebyshev": 0, "Clark": 0, "Canberra": 0, "KL": 0, "cosine": 1, "intersection": 1},
        abs=1e-6,
    )
    found = distances(np.array([[0.75, 0.25]]), np.array([[0.25, 0.75]]))
    assert found["Chebyshev"] == pytest.approx(0.5)
    assert found["Canberra"] == pytest.approx(1.0)
    assert found["Clark"] == pytest.approx(np.sqrt(0.5))
    assert found["KL"] == pytest.approx(0.5 * np.log(3))
    assert found["cosine"] == pytest.approx(0.6)
    assert found["intersection"] == pytest.approx(0.5)


def test_rows_of_the_related_systems(runs: Path) -> None:
    rows = gather(runs, runs / "study.toml")
    tables = _tables(related(rows))
    likeness = next(t for c, t in tables.items() if c.startswith("Against the listeners"))
    by_title = {row[0]: [float(v) for v in row[3:]] for row in likeness.rows}
    # What is right more often is nearer to votes that mostly are: distances fall, likeness rises.
    assert by_title["ldl"][0] < by_title["light-mlp"][0]
    assert by_title["ldl"][-1] > by_title["light-mlp"][-1]
    scores = tables["Test speakers apart, and each corpus left out"]
    assert "SAVEE UA %" in scores.header  # the last such table, EmoSphere-SER's
    places = next(t for c, t in tables.items() if c.startswith("Concordance"))
    told, derived = (row for row in places.rows if "norms" in row[2])
    assert float(told[4]) < 0.2 < float(derived[4])
    pairs = next(t for c, t in tables.items() if c.startswith("Pairs"))
    assert all(0 <= float(row[-2]) <= float(row[-1]) <= 100 for row in pairs.rows)


def test_clips_without_votes_are_left_out(runs: Path) -> None:
    row = gather(runs, runs / "study.toml").get("ldl")
    assert row is not None
    results = row.of("cremad")
    found = voted(results)
    assert found is not None
    answers, votes = found
    assert len(answers) == len(votes) == sum(len(r.labels) - 1 for r in results)
    np.testing.assert_allclose(answers.probabilities.sum(1), 1, atol=1e-6)
    assert not np.isnan(votes).any()


def test_an_interval_is_of_whole_units() -> None:
    values = np.array([0.0, 0.0, 1.0, 1.0])
    mean, low, high = mean_interval(values, np.array(["a", "a", "b", "b"]))
    assert (mean, low, high) == (0.5, 0.0, 1.0)
    assert mean_interval(np.full(4, 0.3), np.array(list("abcd"))) == pytest.approx((0.3, 0.3, 0.3))


def test_what_other_commands_kept(tmp_path: Path) -> None:
    assert functionals(tmp_path) is None
    assert saliency(tmp_path) is None
    common = {
        "features": "eGeMAPSv02", "classifier": "logistic regression", "classes": 4, "clips": 90,
        "speakers": 9, "low": 0.3, "high": 0.8,
    }  # fmt: skip
    scores = {
        ("a", "a"): 0.7,
        ("b", "b"): 0.6,
        ("a", "b"): 0.4,
        ("b", "a"): 0.5,
        (OTHERS, "a"): 0.5,
    }
    pairs = [Pair(trained=t, tested=o, uar=uar, **common) for (t, o), uar in scores.items()]
    (tmp_path / "pairs.json").write_text(Pairs(pairs=tuple(pairs)).model_dump_json())
    tables = list(_tables(functionals(tmp_path)).values())
    assert tables[0].rows[0] == ("eGeMAPSv02, logistic regression", "65.0", "45.0", "50.0", "−20.0")
    assert tables[1].rows[0] == ("a", "70.0 [30.0, 80.0] / 4", "40.0 [30.0, 80.0] / 4")
    clips = [
        ClipRow(
            corpus="ravdess", speaker=str(i), emotion="angry", answer="angry", probability=0.9,
            deletion=dict(zip(ORDERS, (0.2, 0.3, 0.5), strict=True)),
            insertion=dict(zip(ORDERS, (0.6, 0.5, 0.3), strict=True)),
            met={"salient": 4, "window": 3, "random": 2},
            judged={"salient": 5, "window": 5, "random": 5}, stretch_s=0.8,
        )
        for i in range(3)
    ]  # fmt: skip
    kept = Faithfulness(model="tiny", clips=tuple(clips))
    (tmp_path / "faithfulness-tiny.json").write_text(kept.model_dump_json())
    curves, cues = _tables(saliency(tmp_path)).values()
    assert curves.rows[0][2:] == (
        "0.200", "0.300", "0.500", "−0.300 [−0.300, −0.300]", "−0.100 [−0.100, −0.100]",
    )  # fmt: skip
    assert cues.rows[0] == ("tiny: every class", "15", "80.0", "60.0", "40.0")
