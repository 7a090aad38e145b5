"""How far sound is from training data: the distance, its quantile, and the word for it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from emolive.inference.decision import Decision, DecisionConfig
from emolive.inference.metadata import ModelMetadata
from emolive.inference.shift import RunningShift, ShiftMeter, ShiftReference
from emolive.types import Familiarity, FeatureWindow, FloatArray, ModelOutput
from tests.models import shift_reference, tiny_metadata, waveform_metadata

SIZE = 6
RATE = 16_000


def gaussian(n: int, seed: int = 0) -> FloatArray:
    """Embeddings with another variance in each of two crossed directions."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (n, SIZE)) * np.array([5.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    turn = np.linalg.qr(np.random.default_rng(9).normal(0, 1, (SIZE, SIZE)))[0]
    return (values @ turn + 3.0).astype(np.float32)


def fitted(k: int = 2, **fields: Any) -> ShiftReference:
    return shift_reference(gaussian(4_000), k, **fields)


def test_with_all_components_it_is_the_mahalanobis_distance() -> None:
    training = gaussian(4_000)
    meter = ShiftMeter(fitted(SIZE))
    inverse = np.linalg.inv(np.cov(training.T, bias=True))
    x = gaussian(50, 1) - training.mean(axis=0)
    expected = np.sqrt(np.einsum("ni,ij,nj->n", x, inverse, x) / SIZE)
    np.testing.assert_allclose(meter.distances(gaussian(50, 1)), expected, rtol=1e-3)


def test_what_components_leave_out_shares_one_variance() -> None:
    meter = ShiftMeter(fitted(2))
    exact = ShiftMeter(fitted(SIZE))
    found, expected = (m.distances(gaussian(500, 2)) for m in (meter, exact))
    assert np.corrcoef(found, expected)[0, 1] > 0.98
    none = ShiftMeter(fitted(0))
    assert none.distances(gaussian(3)).shape == (3,)


def test_shift_is_the_quantile_among_unknown_corpora() -> None:
    meter = ShiftMeter(fitted())
    shifts = meter.shifts(gaussian(4_000, 7))
    # The quantiles were taken of sound like this, so it is spread evenly over them.
    np.testing.assert_allclose(np.quantile(shifts, [0.25, 0.5, 0.9]), [0.25, 0.5, 0.9], atol=0.04)
    assert meter.shifts(gaussian(1) + 100)[0] == 1.0
    assert meter.shifts(np.full((1, SIZE), 3.0, np.float32))[0] < 0.05


def test_words() -> None:
    meter = ShiftMeter(fitted(unusual_from=0.5, unlike_from=0.75))
    words = [meter.judged(value).word for value in (0.0, 0.49, 0.5, 0.74, 0.75, 1.0)]
    assert words == [
        *[Familiarity.FAMILIAR] * 2, *[Familiarity.UNUSUAL] * 2, *[Familiarity.UNLIKE] * 2,
    ]  # fmt: skip


def test_length_can_be_left_out_of_it() -> None:
    reference = shift_reference(gaussian(4_000), 2, unit_length=True)
    meter = ShiftMeter(reference)
    some = gaussian(20, 3)
    np.testing.assert_allclose(meter.distances(some), meter.distances(9 * some), rtol=1e-5)
    assert np.isfinite(meter.distances(np.zeros((1, SIZE), np.float32))).all()


@settings(max_examples=30)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=SIZE, max_size=SIZE))
def test_any_embedding_has_a_shift_from_0_to_1(values: list[float]) -> None:
    meter = ShiftMeter(fitted())
    (shift,) = meter.shifts(np.array([values], np.float32))
    assert 0.0 <= shift <= 1.0


@pytest.mark.parametrize(
    "fields",
    [
        {"variances": (1.0,)},
        {"components": ((1.0, 0.0), (0.0, 1.0))},
        {"components": ((1.0,) * SIZE, (0.0,) * SIZE)},
        {"distances": (1.0,)},
        {"distances": (2.0, 1.0)},
        {"distances": (0.0, float("inf"))},
        {"residual_variance": 0.0},
        {"unusual_from": 0.995},
        {"unlike_from": 1.5},
        {"typo": 1},
    ],
    ids=str,
)
def test_nonsense_is_refused(fields: dict[str, object]) -> None:
    document = fitted().model_dump() | fields
    with pytest.raises(ValidationError):
        ShiftReference(**document)


def test_it_belongs_to_embeddings_of_its_size() -> None:
    reference = fitted()
    metadata = waveform_metadata(shift=reference)
    assert ModelMetadata.parse(metadata.to_json()) == metadata
    assert json.loads(metadata.to_json())["shift"]["unusual_from"] == 0.9
    for size in (None, 5):
        with pytest.raises(ValidationError, match="embedding_size"):
            tiny_metadata(shift=reference, embedding_size=size)
    assert metadata.fingerprint != waveform_metadata().fingerprint


def test_it_is_smoothed_by_time() -> None:
    near, far = np.full(SIZE, 3.0, np.float32), np.full(SIZE, 99.0, np.float32)
    running = RunningShift(fitted(), RATE)
    first = running.accept(near, 0).value
    once = running.accept(far, RATE // 2).value
    assert first < 0.05
    assert once == pytest.approx(first + (1 - np.exp(-0.5)) * (1 - first))
    twice = RunningShift(fitted(), RATE)
    twice.accept(near, 0)
    for _ in range(2):
        halved = twice.accept(far, RATE // 4).value
    assert halved == pytest.approx(once)
    assert RunningShift(fitted(), 0).accept(far, 0).value == 1.0
    running.reset()
    assert running.accept(far, 10 * RATE).word is Familiarity.UNLIKE


def test_a_decision_tells_it_and_begins_anew_after_silence() -> None:
    decider = Decision(("happy", "sad"), 1.0, 0.0, DecisionConfig(), 0.5, RATE, shift=fitted())

    def answer(index: int, level: float | None) -> float | None:
        window = FeatureWindow("mono", index * 8_000, index * 8_000 + 48_000, np.zeros(0), 0.9)
        output = None
        if level is not None:
            embedding = np.full((1, SIZE), level, np.float32)
            output = ModelOutput(np.zeros((1, 2), np.float32), embedding)
        found = decider.decide(window, output)
        return None if found.shift is None else found.shift.value

    far = answer(0, 99.0)
    nearer = answer(1, 3.0)
    assert far == 1.0
    assert nearer is not None
    assert 0.3 < nearer < 0.9
    assert answer(2, None) is None
    again = answer(3, 3.0)
    assert again is not None
    assert again < 0.05
    later = answer(40, 99.0)
    assert later == 1.0


def test_without_a_reference_nothing_is_said() -> None:
    decider = Decision(("happy", "sad"), 1.0, 0.0, DecisionConfig(), 0.5, RATE)
    window = FeatureWindow("mono", 0, 48_000, np.zeros(0, np.float32), 0.9)
    output = ModelOutput(np.zeros((1, 2), np.float32), np.zeros((1, SIZE), np.float32))
    assert decider.decide(window, output).shift is None
