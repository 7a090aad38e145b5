"""An ordinary past, and a session that is nothing like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.baseline import Evidence, ExpectedMix, FixedBaseline, RunningBaseline, StreamBaseline
from emolive.baseline.evidence import SessionEvidence
from emolive.features import model_input
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.decision import Decision, DecisionConfig, calibrated
from emolive.inference.loading import open_model
from emolive.types import FeatureWindow, FloatArray, ModelOutput, Prediction
from tests.baseline.answers import ANGRY, NEUTRAL, answers, usual_mix
from tests.models import LABELS

HOP = 8_000
WINDOW = 48_000
BIAS = {ANGRY: 1.5, NEUTRAL: -0.5}
MINUTES = 5


def past(sessions: int, heard: Callable[[int], FloatArray]) -> Evidence:
    """What so many sessions of five minutes leave."""
    known = Evidence.none(len(LABELS))
    for number in range(sessions):
        session = SessionEvidence(len(LABELS))
        rows = heard(number)
        for row in rows:
            session.add(row, 60 * MINUTES / len(rows))
        known = known.after(session.evidence())
    return known


def running(known: Evidence, sessions: int, neutral: float | None = 0.45) -> RunningBaseline:
    return RunningBaseline("line", known, sessions, ExpectedMix(neutral), LABELS)


def decided(rows: FloatArray, baseline: StreamBaseline | None) -> list[Prediction]:
    """The answers of a stream that speaks all the time."""
    decision = Decision(LABELS, 1.0, 0.47, DecisionConfig(), 0.5, 16_000, baseline=baseline)
    found = []
    for number, row in enumerate(rows):
        window = FeatureWindow(
            "line", number * HOP, number * HOP + WINDOW, np.empty(0, np.float32), 1.0
        )
        found.append(decision.decide(window, ModelOutput(np.log(row)[None])))
    return found


def kept(raw: list[Prediction], adapted: list[Prediction]) -> float:
    """The share of decided labels that are the same afterwards."""
    pairs = [(a.label, b.label) for a, b in zip(raw, adapted, strict=True) if a.label is not None]
    assert len(pairs) > 50
    return sum(a == b for a, b in pairs) / len(pairs)


def test_the_first_session_begins_as_it_is_and_grows() -> None:
    baseline = running(Evidence.none(len(LABELS)), 0)
    found = decided(answers(usual_mix(), 1_200, bias=BIAS), baseline)
    first, last = found[0], found[-1]
    assert np.array_equal(first.probabilities, first.raw_probabilities)
    assert (first.baseline.minutes, first.baseline.strength) == (0, 0)
    strengths = [one.baseline.strength for one in found]
    assert strengths == sorted(strengths)
    assert last.baseline.minutes == pytest.approx(9, abs=1.1)
    assert last.baseline.strength > 0.2
    assert not np.array_equal(last.probabilities, last.raw_probabilities)
    assert last.raw_probabilities == pytest.approx(answers(usual_mix(), 1_200, bias=BIAS)[-1])


def test_false_alarms_become_fewer() -> None:
    known = past(30, lambda n: answers(usual_mix(), 200, seed=n, bias=BIAS))
    calm = answers({NEUTRAL: 1.0}, 6_000, seed=99, bias={ANGRY: 2.0})
    raw = [one.label for one in decided(calm, None)]
    found = [one.label for one in decided(calm, running(known, 30))]
    assert raw.count("angry") > 20
    assert found.count("angry") < raw.count("angry") / 2


@pytest.mark.parametrize("neutral", [0.45, 0.7])
def test_a_session_that_is_angry_throughout_stays_angry(neutral: float) -> None:
    """An hour of it, after thirty ordinary sessions."""
    known = past(30, lambda n: answers(usual_mix(), 200, seed=n, bias=BIAS))
    angry = answers({ANGRY: 1.0}, 7_200, seed=99, bias=BIAS)
    baseline = running(known, 30, neutral)
    raw, found = decided(angry, None), decided(angry, baseline)
    assert kept(raw, found) >= 0.9
    # Its end is judged as its beginning was.
    assert kept(raw[-600:], found[-600:]) >= 0.9
    frozen = FixedBaseline(known.vector(ExpectedMix(neutral), LABELS), baseline.told)
    assert kept(decided(angry, frozen), found) >= 0.97


@pytest.fixture(scope="module")
def bundled() -> OnnxClassifier:
    return open_model(None, "cpu", 1)


@pytest.mark.corpora
def test_real_speakers_who_are_angry_throughout_stay_angry(
    corpora: Path, bundled: OnnxClassifier
) -> None:
    """Four actors that the bundled model never heard, through the model itself."""
    metadata = bundled.metadata
    heard: dict[str, list[FloatArray]] = {}
    for actor in ("01", "11", "20", "21"):
        for path in sorted((corpora / "ravdess" / f"Actor_{actor}").glob("03-01-*.flac")):
            samples, rate = sf.read(path, dtype="float32")
            assert rate == 16_000
            start = max(0, (len(samples) - WINDOW) // 2)
            cut = samples[start : start + WINDOW]
            cut = np.pad(cut, (0, WINDOW - len(cut)))
            logits = bundled.predict(model_input(cut, metadata.front_end)[None]).logits
            answer = calibrated(logits, metadata.temperature)[0]
            heard.setdefault(path.stem.split("-")[2], []).append(answer)
    neutral, angry = np.array(heard["01"]), np.array(heard["05"])
    others = np.array([row for code, rows in heard.items() if code != "01" for row in rows])

    def ordinary(number: int) -> FloatArray:
        rng = np.random.default_rng(number)
        calm, rest = rng.integers(len(neutral), size=70), rng.integers(len(others), size=30)
        return np.concatenate([neutral[calm], others[rest]])

    known = past(30, ordinary)
    whole = np.repeat(angry[np.random.default_rng(0).integers(len(angry), size=800)], 3, axis=0)
    raw = decided(whole, None)
    found = decided(whole, running(known, 30))
    assert sum(one.label == "angry" for one in raw) > 800
    assert kept(raw, found) >= 0.9
