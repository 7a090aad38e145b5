from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.inference.decision import Decision, DecisionConfig, calibrated
from emolive.types import FeatureWindow, ModelOutput, Prediction, SpeechState

LABELS = ("neutral", "happy", "sad", "angry")
RATE = 16_000
WINDOW = 48_000
NOTHING = np.empty((0, 0), np.float32)


def window(index: int, hop_s: float = 0.5) -> FeatureWindow:
    start = round(index * hop_s * RATE)
    return FeatureWindow("mono", start, start + WINDOW, NOTHING, 0.8)


def logits(**probabilities: float) -> ModelOutput:
    """Logits whose softmax gives these probabilities; the rest is shared by the other labels."""
    rest = (1 - sum(probabilities.values())) / (len(LABELS) - len(probabilities))
    shares = [probabilities.get(label, rest) for label in LABELS]
    return ModelOutput(np.log([shares]).astype(np.float32))


def decision(
    threshold: float = 0.3, hop_s: float = 0.5, temperature: float = 1.0, **config: float
) -> Decision:
    return Decision(LABELS, temperature, threshold, DecisionConfig(**config), hop_s, RATE)


def run(
    decider: Decision, answers: list[ModelOutput | None], hop_s: float = 0.5
) -> list[Prediction]:
    return [decider.decide(window(i, hop_s), answer) for i, answer in enumerate(answers)]


def shown(predictions: list[Prediction]) -> list[str]:
    return [prediction.label or str(prediction.state) for prediction in predictions]


# calibration


@given(
    st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=8),
    st.floats(0.1, 10),
    st.floats(-1000, 1000),
)
def test_calibration_is_the_tempered_softmax(
    values: list[float], temperature: float, shift: float
) -> None:
    found = calibrated(np.array(values, np.float32), temperature)
    exponents = [math.exp((value - max(values)) / temperature) for value in values]
    np.testing.assert_allclose(found, np.array(exponents) / sum(exponents), rtol=1e-5, atol=1e-7)
    assert found.dtype == np.float32
    assert found.sum() == pytest.approx(1, abs=1e-5)
    shifted = calibrated(np.array(values, np.float64) + shift, temperature)
    np.testing.assert_allclose(shifted, found, atol=1e-5)


def test_calibration_of_a_batch_and_of_huge_logits() -> None:
    batch = np.array([[1e4, 0.0], [0.0, -1e4]], np.float32)
    np.testing.assert_allclose(calibrated(batch, 1.0), [[1, 0], [1, 0]])


def test_a_higher_temperature_is_less_sure() -> None:
    sure, unsure = (
        decision(temperature=t).decide(window(0), logits(happy=0.9)).confidence for t in (1.0, 3.0)
    )
    assert sure == pytest.approx(0.9, abs=1e-5)
    assert unsure < 0.6


# what a prediction says


def test_the_prediction_carries_the_window() -> None:
    prediction = decision().decide(window(3), logits(happy=0.9), latency_s=0.02)
    assert (prediction.stream, prediction.start_sample, prediction.end_sample) == (
        "mono",
        24_000,
        72_000,
    )
    assert prediction.state is SpeechState.SPEECH
    assert prediction.label == "happy"
    assert prediction.speech_ratio == 0.8
    assert prediction.latency_s == 0.02
    assert prediction.probabilities is not None
    assert prediction.probabilities[1] == pytest.approx(0.9, abs=1e-6)


def test_probabilities_are_those_of_the_window_alone() -> None:
    predictions = run(decision(), [logits(happy=0.9), logits(sad=0.7)])
    assert predictions[1].probabilities is not None
    assert predictions[1].probabilities[2] == pytest.approx(0.7, abs=1e-6)
    assert predictions[1].confidence != pytest.approx(0.7, abs=0.05)


def test_confidence_is_that_of_the_label_shown() -> None:
    predictions = run(decision(margin=0.5), [logits(happy=0.8), *[logits(sad=0.6)] * 20])
    assert predictions[-1].label == "happy"
    assert predictions[-1].confidence == pytest.approx(0.4 / 3, abs=1e-3)


# smoothing


def test_the_mean_moves_by_the_time_constant() -> None:
    predictions = run(
        decision(smoothing_s=2.0, min_dwell_s=0.0, threshold=0.0),
        [logits(happy=0.97), *[logits(sad=0.97)] * 4],
    )
    # After 4 hops of 0.5 s, one time constant, 1/e of the first answer is left.
    happy = 0.01 + (0.97 - 0.01) / math.e
    assert predictions[-1].label == "sad"
    assert predictions[-1].confidence == pytest.approx(0.98 - happy, abs=1e-4)


@pytest.mark.parametrize("hop_s", [0.1, 0.25, 0.5, 1.0])
def test_smoothing_does_not_depend_on_the_hop(hop_s: float) -> None:
    n = round(3.0 / hop_s)
    predictions = run(
        decision(hop_s=hop_s, smoothing_s=1.5, min_dwell_s=0.0, threshold=0.0),
        [logits(happy=0.97), *[logits(sad=0.97)] * n],
        hop_s,
    )
    happy = 0.01 + (0.97 - 0.01) * math.exp(-2)
    assert predictions[-1].confidence == pytest.approx(0.98 - happy, abs=1e-4)


def test_a_window_left_out_counts_by_its_time() -> None:
    every, some = decision(smoothing_s=1.5), decision(smoothing_s=1.5)
    answer = logits(sad=0.6)
    for decider in (every, some):
        decider.decide(window(0), logits(happy=0.9))
    for i in (1, 2, 3):
        dense = every.decide(window(i), answer)
    sparse = some.decide(window(3), answer)
    assert sparse.confidence == pytest.approx(dense.confidence, abs=1e-5)


def test_without_smoothing_each_window_stands_alone() -> None:
    answers = [logits(happy=0.9), logits(sad=0.8), logits(angry=0.7)]
    predictions = run(decision(smoothing_s=0.0, min_dwell_s=0.0), answers)
    assert shown(predictions) == ["happy", "sad", "angry"]
    assert [p.confidence for p in predictions] == pytest.approx([0.9, 0.8, 0.7], abs=1e-5)


def test_after_a_hole_nothing_old_is_averaged() -> None:
    decider = decision(smoothing_s=100.0)
    decider.decide(window(0), logits(happy=0.9))
    found = decider.decide(window(50), logits(sad=0.9))
    assert found.label == "sad"
    assert found.confidence == pytest.approx(0.9, abs=1e-5)


# silence


def test_silence_has_no_emotion_and_resets() -> None:
    answers = [*[logits(happy=0.9)] * 5, None, logits(sad=0.6)]
    predictions = run(decision(), answers)
    silent = predictions[5]
    assert silent.state is SpeechState.SILENCE
    assert silent.label is None
    assert silent.probabilities is None
    assert silent.confidence == 0.0
    assert predictions[6].label == "sad"
    assert predictions[6].confidence == pytest.approx(0.6, abs=1e-5)


# hysteresis and dwell


def test_a_small_lead_does_not_change_the_label() -> None:
    close = [logits(happy=0.40, sad=0.45)] * 20
    assert shown(run(decision(), [logits(happy=0.8), *close]))[-1] == "happy"
    clear = [logits(happy=0.30, sad=0.45)] * 20
    assert shown(run(decision(), [logits(happy=0.8), *clear]))[-1] == "sad"


def test_an_answer_stays_for_its_dwell() -> None:
    labels = shown(
        run(
            decision(smoothing_s=0.0, min_dwell_s=1.5, margin=0.0),
            [logits(happy=0.9), *[logits(sad=0.9)] * 4],
        )
    )
    assert labels == ["happy", "happy", "happy", "sad", "sad"]


def test_silence_does_not_wait_for_the_dwell() -> None:
    labels = shown(run(decision(min_dwell_s=10.0), [logits(happy=0.9), None, logits(sad=0.9)]))
    assert labels == ["happy", "silence", "sad"]


def test_uncertain_has_hysteresis() -> None:
    options = {"smoothing_s": 0.0, "min_dwell_s": 0.0, "threshold": 0.5}
    values = [0.48, 0.52, 0.48, 0.46, 0.44, 0.48, 0.49, 0.51]
    labels = shown(run(decision(**options), [logits(happy=value) for value in values]))
    assert labels == [
        "uncertain",
        "happy",
        "happy",
        "happy",
        "uncertain",
        "uncertain",
        "uncertain",
        "happy",
    ]


def test_uncertain_tells_how_far_it_is() -> None:
    prediction = decision(threshold=0.5).decide(window(0), logits(happy=0.45))
    assert prediction.state is SpeechState.UNCERTAIN
    assert prediction.label is None
    assert prediction.confidence == pytest.approx(0.45, abs=1e-5)
    assert prediction.probabilities is not None


def test_the_users_threshold_wins() -> None:
    decider = Decision(LABELS, 1.0, 0.9, DecisionConfig(threshold=0.2), 0.5, RATE)
    assert decider.threshold == 0.2
    assert decider.decide(window(0), logits(happy=0.4)).label == "happy"


# flicker


def flips_of(labels: Sequence[object]) -> int:
    return sum(a != b for a, b in itertools.pairwise(labels))


def noisy_answers(minutes: int, overlap: int) -> list[ModelOutput]:
    """Two labels nearly level, and noise that `overlap` consecutive windows share."""
    rng = np.random.default_rng(0)
    n = minutes * 120
    noise = rng.normal(0, 1.5, (n + overlap - 1, 4))
    shared = np.lib.stride_tricks.sliding_window_view(noise, overlap, axis=0).mean(axis=-1)
    rows = (np.array([0.0, 0.6, 0.3, 0.0]) + shared).astype(np.float32)
    return [ModelOutput(row[None]) for row in rows]


# Windows of 3 s every 0.5 s share their audio, so their noise is alike: the second case. Noise
# that is new in every window is the worst that can come.
@pytest.mark.parametrize(("overlap", "times"), [(1, 2.5), (6, 3)])
def test_noise_flips_far_less_than_the_raw_answer(overlap: int, times: float) -> None:
    minutes = 10
    answers = noisy_answers(minutes, overlap)
    decider = decision(threshold=0.0)
    predictions = run(decider, list(answers))
    raw = flips_of([int(answer.logits.argmax()) for answer in answers]) / minutes
    assert decider.flips_per_minute == pytest.approx(flips_of([p.label for p in predictions]) / 10)
    assert raw > 20
    assert decider.flips_per_minute < raw / times


def test_alternating_answers_do_not_flip_at_all() -> None:
    answers = [logits(happy=0.5), logits(sad=0.5)] * 60
    decider = decision()
    labels = shown(run(decider, list(answers)))
    assert set(labels) == {"happy"}
    assert decider.flips_per_minute == 0


def test_flips_are_per_minute_of_speech() -> None:
    decider = decision(smoothing_s=0.0, min_dwell_s=0.0, margin=0.0)
    run(decider, [*[None] * 500, *[logits(happy=0.9)] * 60, *[logits(sad=0.9)] * 60, *[None] * 500])
    assert decider.flips_per_minute == pytest.approx(1.0)


def test_uncertain_in_between_is_still_a_flip_silence_is_not() -> None:
    sure = {"smoothing_s": 0.0, "min_dwell_s": 0.0, "threshold": 0.5}
    answers = [logits(happy=0.9), logits(happy=0.3), logits(sad=0.9)]
    decider = decision(**sure)
    assert shown(run(decider, list(answers))) == ["happy", "uncertain", "sad"]
    assert decider.flips_per_minute > 0
    decider = decision(**sure)
    run(decider, [logits(happy=0.9), None, logits(sad=0.9)])
    assert decider.flips_per_minute == 0


def test_no_speech_no_flips() -> None:
    decider = decision()
    run(decider, [None] * 10)
    assert decider.flips_per_minute == 0.0


def test_reset_forgets_the_counts() -> None:
    decider = decision(smoothing_s=0.0, min_dwell_s=0.0)
    run(decider, [logits(happy=0.9), logits(sad=0.9)])
    assert decider.flips_per_minute > 0
    decider.reset()
    assert decider.flips_per_minute == 0
    assert decider.decide(window(0), logits(angry=0.6)).label == "angry"


@given(
    st.lists(
        st.one_of(st.none(), st.tuples(*[st.floats(-3, 3, width=32)] * 4)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_dwell_threshold_and_range_always_hold(
    answers: list[tuple[float, ...] | None], hop_s: float
) -> None:
    decider = decision(threshold=0.4, hop_s=hop_s)
    predictions = run(
        decider,
        [answer and ModelOutput(np.array([answer], np.float32)) for answer in answers],
        hop_s,
    )
    since, before = 0.0, "silence"
    for i, (prediction, label) in enumerate(zip(predictions, shown(predictions), strict=True)):
        assert 0.0 <= prediction.confidence <= 1.0 + 1e-6
        assert (prediction.label is not None) == (prediction.state is SpeechState.SPEECH)
        assert (prediction.probabilities is None) == (prediction.state is SpeechState.SILENCE)
        if label != before:
            if "silence" not in (label, before):
                assert i * hop_s - since >= 1.0 - 1e-9
            since, before = i * hop_s, label
