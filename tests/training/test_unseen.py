"""Temperature, threshold and scores from corpora that were left out, on answers made for it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from training.labels import LABELS
from training.metrics import softmax
from training.results import FoldResult
from training.unseen import measure_unseen, write_unseen


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
    assert unseen.coverage == pytest.approx(decided.mean(), abs=0.02)
    assert unseen.coverage_80 == unseen.coverage


def test_nothing_is_decided_where_nothing_is_known() -> None:
    labels = np.arange(800) % 8
    unseen = measure_unseen([_result("a", np.zeros((800, 8)), labels)], right=0.7)
    assert unseen.threshold == 1.0
    assert unseen.coverage == 0.0


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
