"""A whole study on generated audio: a network, an ensemble, and a student of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from training.cache import AudioCache
from training.metrics import softmax
from training.recipe import SAME_FOLD
from training.results import find_results, is_finished, load_result, result_folder
from training.study import Row, Study, load_study, run_study
from training.teachers import average

_BASE = """
title = "{title}"
model = "{model}"
stages = [{{ epochs = 1, shrink = [4, 8] }}]
batch_size = 8
{more}
[corpora.ravdess]
clips_per_epoch = 16
{corpus}
"""


def _recipe(folder: Path, name: str, model: str, more: str = "", corpus: str = "") -> None:
    text = _BASE.format(title=name, model=model, more=more, corpus=corpus)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """The student comes before what it learns from, as in a study that several processes share."""
    _recipe(tmp_path, "one", "cnn-lstm")
    _recipe(tmp_path, "two", "lstm")
    _recipe(tmp_path, "both", "ensemble", 'teachers = ["one", "two"]')
    _recipe(
        tmp_path,
        "student",
        "cnn-lstm",
        'teachers = ["one", "two"]\nloss = { distillation = 1.0 }',
        "labelled = false",
    )
    rows = tuple(
        Row(recipe=name, folds={"speaker-independent": 1})
        for name in ("student", "one", "two", "both")
    )
    return Study(rows, tmp_path)


def test_a_student_waits_for_its_teachers_and_learns_from_them(
    cache: AudioCache, study: Study, tmp_path: Path
) -> None:
    runs, said = tmp_path / "runs", list[str]()
    run_study(cache, study, runs, workers=0, say=said.append)
    assert said == [
        "student, speaker-independent, fold-1: waits for one, two",
        "one, speaker-independent, fold-1",
        "two, speaker-independent, fold-1",
        "both, speaker-independent, fold-1",
    ]
    said.clear()
    run_study(cache, study, runs, workers=0, say=said.append)
    assert said == ["student, speaker-independent, fold-1"]
    results = {name: found[0] for (name, _), found in find_results(runs).items()}
    assert set(results) == {"student", "one", "two", "both"}
    for name, result in results.items():
        assert result.about["recipe"] == name
        assert result.about["protocol"] == "speaker-independent"
        assert set(result.speakers) == {"01"}
        # A multiplication and an addition per weight at the very least, recurrent ones included.
        assert result.about["flops"] > 2 * result.about["parameters"]
    member = [softmax(results[name].window_logits["telephone"]) for name in ("one", "two")]
    np.testing.assert_allclose(
        softmax(results["both"].window_logits["telephone"]), np.mean(member, axis=0), atol=1e-5
    )
    # Nothing that it trained on has a label: there is no accuracy on it to count.
    assert results["student"].about["history"][0]["train_accuracy"] == 0
    assert results["both"].about["parameters"] == sum(
        results[name].about["parameters"] for name in ("one", "two")
    )
    said.clear()
    run_study(cache, study, runs, workers=0, say=said.append)
    assert said == [], "what is finished stays"


def test_an_ensemble_answers_the_same_clips(
    cache: AudioCache, study: Study, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    run_study(cache, Study(study.rows[1:2], study.recipes), runs, workers=0, say=lambda _: None)
    folder = result_folder(runs, "one", "speaker-independent", "fold-1")
    assert is_finished(folder)
    one, other = load_result(folder), load_result(folder)
    object.__setattr__(other, "names", tuple(reversed(other.names)))
    with pytest.raises(ValueError, match="different clips"):
        average([one, other])


@pytest.mark.parametrize("name", ["study.toml", "study-encoder.toml"])
def test_a_study_names_teachers_before_their_students(name: str) -> None:
    import training

    study = load_study(Path(training.__file__).parent / name)
    seen: set[str] = set()
    for row in study.rows:
        recipe = study.recipe(row.recipe)
        assert set(recipe.teachers) <= seen
        if recipe.initial.startswith(SAME_FOLD):
            assert recipe.initial.removeprefix(SAME_FOLD) in seen
        seen.add(row.recipe)
