"""Temperature, threshold and scores from corpora that were left out, on answers made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import soundfile
from typer.testing import CliRunner

from emolive.errors import EmoliveError
from emolive.types import FloatArray
from tests.models import waveform_metadata
from training import __main__ as command_line
from training import publish as publishing
from training.cache import CachedClip, prepare
from training.corpora import read_corpora
from training.labels import LABELS
from training.metrics import softmax
from training.results import FoldResult
from training.splits import Split
from training.unseen import (
    Answers,
    every_corpus,
    measure_answers,
    measure_unseen,
    write_file,
    write_unseen,
)


def _result(name: str, logits: np.ndarray, labels: np.ndarray) -> FoldResult:
    n = labels.size
    return FoldResult(
        {"fold": f"without-{name}"},
        names=tuple(map(str, range(n))),
        labels=labels,
        corpora=(name,) * n,
        speakers=("one",) * n,
        genders=("",) * n,
        window_logits={"clean": logits.astype(np.float32)},
        clip_probabilities={},
        validation_logits=np.zeros((0, 8), np.float32),
        validation_labels=np.zeros(0, np.int64),
    )


def _sure_of_itself(name: str, factor: float, seed: int) -> FoldResult:
    """Answers drawn from honest probabilities, whose logits are then made `factor` too large."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 2, (4000, len(LABELS)))
    labels = np.array([rng.choice(len(LABELS), p=p) for p in softmax(honest)])
    return _result(name, honest * factor, labels)


def _together(one: FoldResult, two: FoldResult) -> FoldResult:
    """The same answers as those of one training that left out both corpora."""
    both = _result(
        "both",
        np.concatenate([one.window_logits["clean"], two.window_logits["clean"]]),
        np.concatenate([one.labels, two.labels]),
    )
    return replace(both, corpora=one.corpora + two.corpora)


def test_temperature_and_threshold_hold_on_what_was_left_out() -> None:
    results = [_sure_of_itself("a", 2.5, 1), _sure_of_itself("b", 2.5, 2)]
    unseen = measure_unseen(results, right=0.8)
    assert unseen.temperature == pytest.approx(2.5, rel=0.1)
    assert unseen.ece < 0.03
    # Of all windows above the threshold, not only of those at it, 80 % are right.
    logits = np.concatenate([one.window_logits["clean"] for one in results])
    labels = np.concatenate([one.labels for one in results])
    probabilities = softmax(logits, unseen.temperature)
    decided = probabilities.max(1) >= unseen.threshold
    assert (probabilities.argmax(1) == labels)[decided].mean() == pytest.approx(0.8, abs=0.02)
    assert unseen.right >= 0.8
    first = np.argsort(-probabilities.max(1), kind="stable")[: len(labels) // 10]
    assert unseen.surest[1] == pytest.approx(
        (probabilities.argmax(1) == labels)[first].mean(), abs=0.02
    )
    assert unseen.coverage == pytest.approx(decided.mean(), abs=0.02)
    assert unseen.coverage_80 == pytest.approx(unseen.coverage, abs=0.001)


def test_corpora_that_were_left_out_together_are_told_apart() -> None:
    one, two = _sure_of_itself("a", 2.0, 1), _sure_of_itself("b", 2.0, 2)
    apart = measure_unseen([one, two], right=0.7)
    together = measure_unseen([_together(one, two)], right=0.7)
    assert together == replace(apart, source=together.source)
    assert "in turn" in write_unseen(apart)
    assert "in groups" in write_unseen(together)


def test_a_corpus_left_out_in_a_group_counts_where_it_was_never_left_out_alone() -> None:
    a, b, c, d = (_sure_of_itself(name, 1.0, 1) for name in "abcd")
    nobody = _result("c", np.zeros((0, 8)), np.zeros(0, np.int64))
    groups = [_together(a, b), _together(c, d)]
    found = every_corpus([a, b, nobody], groups)
    assert [sorted(set(one.corpora)) for one in found] == [["a"], ["b"], ["c", "d"]]
    unseen = measure_unseen(found, right=0.8)
    assert [one.corpus for one in unseen.corpora] == ["a", "b", "c", "d"]
    assert unseen.source.endswith("each corpus left out of training in turn; c, d at once")
    other = replace(_sure_of_itself("d", 1.0, 4), about={"recipe": "other"})
    mine = replace(a, about={"recipe": "mine"})
    found = every_corpus([mine], [other], groups)
    assert [sorted(set(one.corpora)) for one in found] == [["a"], ["d"]], "c was not left out alone"
    source = measure_unseen(found, right=0.8).source
    assert source == ("Recipe `mine` (a) and `other` (d), each corpus left out of training in turn")
    assert measure_unseen(groups, 0.8).source.endswith("corpora left out in groups")


def test_nothing_is_decided_where_nothing_is_known() -> None:
    labels = np.arange(800) % 8
    unseen = measure_unseen([_result("a", np.zeros((800, 8)), labels)], right=0.7)
    assert unseen.threshold == 1.0
    assert unseen.coverage == 0.0


def test_what_is_told_of_a_corpus_was_not_fitted_on_it() -> None:
    """Three corpora that are as sure as they are right, and one that is right less often."""
    honest = [_sure_of_itself(name, 1.0, seed) for name, seed in (("a", 1), ("b", 2), ("e", 3))]
    labels = np.where(np.arange(4000) % 5, honest[0].labels, (honest[0].labels + 1) % len(LABELS))
    wrong = _result("c", honest[0].window_logits["clean"], labels)
    alone, unseen = measure_unseen(honest, right=0.8), measure_unseen([*honest, wrong], right=0.8)
    assert alone.nested is not None
    assert unseen.nested is not None
    # The corpora that choose are righter than what is asked of the one that has no say.
    assert alone.right == pytest.approx(alone.nested[1], abs=0.02)
    assert unseen.right > alone.right
    assert unseen.nested[1] >= 0.8
    assert unseen.threshold > alone.threshold
    assert f"{100 * unseen.nested[1]:.1f} % of them correctly" in write_unseen(unseen)
    assert measure_unseen([honest[0], wrong], right=0.95).threshold == 1.0


def test_speech_for_measuring_only_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []

    def embeddings(
        _: object, __: object, clips: tuple[CachedClip, ...], *___: object
    ) -> FloatArray:
        asked.append({clip.corpus for clip in clips})
        return np.random.default_rng(len(asked)).normal(size=(64, 6)).astype(np.float32)

    monkeypatch.setattr(publishing, "embeddings", embeddings)
    clips = tuple(
        CachedClip(f"{corpus}{i}", corpus, "1", "male", "en", "sad", 0, 1, f"{corpus}{i}")
        for corpus in ("tess", "meld", "urdu")
        for i in range(3)
    )
    classifier = SimpleNamespace(metadata=waveform_metadata(corpora=("tess",)))
    split = Split(clips[:3], (), ())
    cache = SimpleNamespace(clips=clips)
    shift = publishing._shift(classifier, cache, None, split)  # type: ignore[arg-type]
    assert shift is not None
    assert asked == [{"tess"}, {"urdu"}]
    only = SimpleNamespace(clips=clips[:6])
    assert publishing._shift(classifier, only, None, split) is None  # type: ignore[arg-type]


def test_scores_of_a_corpus_by_hand() -> None:
    """Two classes; the answer leans to a third one, which the corpus lacks, and to "angry"."""
    neutral, angry, calm = (LABELS.index(k) for k in ("neutral", "angry", "calm"))
    logits = np.full((40, 8), -20.0)
    labels = np.array([neutral] * 20 + [angry] * 20)
    logits[:20, neutral], logits[:20, angry] = 0.0, 1.0
    logits[20:, neutral], logits[20:, angry] = 0.0, 3.0
    logits[:, calm] = 5.0
    unseen = measure_unseen([_result("two", logits, labels)], right=0.7)
    (corpus,) = unseen.corpora
    assert corpus.corpus == "two"
    assert corpus.uar == 0.0
    assert corpus.uar_within == 0.5
    assert corpus.uar_centred == 1.0
    assert corpus.angry_auc == 1.0
    assert corpus.valence_uar is None  # nothing positive in it
    assert corpus.false_alarms == 0.0
    assert "| two | 40 | 0.0 | 50.0 | 100.0 | 1.00 |" in write_unseen(unseen)


def test_false_alarms_are_counted_per_hour_of_calm_speech() -> None:
    neutral, angry = LABELS.index("neutral"), LABELS.index("angry")
    labels = np.array([neutral] * 40 + [angry] * 360)
    logits = np.full((400, 8), -20.0) + np.arange(400)[:, None] * 1e-3
    logits[:10, angry] = logits[10:40, neutral] = logits[40:, angry] = 9.0
    unseen = measure_unseen([_result("two", logits, labels)], right=0.7)
    assert unseen.corpora[0].false_alarms == pytest.approx(300)


def test_a_threshold_that_was_given_is_kept() -> None:
    """At 0.5 the first corpus is decided and half right, the second never."""
    happy, sad = LABELS.index("happy"), LABELS.index("sad")
    sure, unsure = np.zeros((10, 8)), np.zeros((10, 8))
    sure[:, happy] = 9.0
    labels = np.array([happy, sad] * 5)
    unseen = measure_answers([Answers("a", sure, labels), Answers("b", unsure, labels)], 1.0, 0.5)
    assert unseen.threshold == 0.5
    assert (unseen.coverage, unseen.right) == pytest.approx((0.5, 0.5))
    first, second = unseen.corpora
    assert (first.coverage, first.right) == pytest.approx((1.0, 0.5))
    assert (second.coverage, second.right) == (0.0, None)
    assert "| b | 10 | 0.0 | 50.0 | 50.0 | – | 50.0 | – | – | 0.0 | – |" in write_file(unseen)


def test_a_file_is_measured_on_what_it_was_not_trained_on(
    cache_folder: Path, generated_corpora: Path, tmp_path: Path
) -> None:
    """`fast` and a corpus that it never heard: two classes of URDU, of generated sounds."""
    for name, code in {"Sad": "04", "Angry": "05"}.items():
        (tmp_path / "urdu" / name).mkdir(parents=True)
        for i, clip in enumerate(sorted(generated_corpora.rglob(f"03-01-{code}-*.wav"))):
            samples, rate = soundfile.read(clip)
            path = tmp_path / "urdu" / name / f"SM{i % 2}_F{i}_{name[0]}{i:02d}.wav"
            soundfile.write(path, samples, rate)
    clips, _ = read_corpora(tmp_path, ("urdu",))
    assert prepare(clips, tmp_path, tmp_path / "other") == []
    recipe = Path(command_line.__file__).parent / "recipes" / "resnet34.toml"

    def told(*given: str | Path) -> tuple[str, BaseException | None]:
        found = CliRunner().invoke(command_line.app, ["unseen", str(recipe), *map(str, given)])
        return found.stdout, found.exception

    text, error = told("fast", "--cache", tmp_path / "other")
    assert error is None
    assert "| urdu | 16 |" in text
    # It was trained on RAVDESS; and there are no trainings without a corpus here.
    for given in (("fast", "--cache", cache_folder), ("--runs", tmp_path / "runs")):
        _, error = told(*given)
        assert isinstance(error, EmoliveError)


def test_a_file_is_not_written_without_the_answers_that_were_to_decide(
    cache_folder: Path, tmp_path: Path
) -> None:
    recipe = Path(command_line.__file__).parent / "recipes" / "resnet34-taught.toml"
    given = ["--cache", str(cache_folder), "--runs", str(tmp_path), "--left-out", "quick-taught"]
    found = CliRunner().invoke(command_line.app, ["export", str(recipe), *given])
    assert isinstance(found.exception, EmoliveError)
    assert "holds no answers of quick-taught on corpora left out" in str(found.exception)
