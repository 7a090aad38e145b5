from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from emolive.speech import GateConfig, SpeechGate
from emolive.speech.silero import CHUNK
from emolive.types import FloatArray


def probabilities(values: list[float]) -> FloatArray:
    return np.asarray(values, np.float32)


def flags_of(values: list[float], config: GateConfig | None = None) -> list[bool]:
    gate = SpeechGate(config)
    flags = []
    for value in values:
        gate.accept(probabilities([value]))
        flags.append(gate.speaking)
    return flags


def test_speech_begins_at_on_and_ends_below_off() -> None:
    config = GateConfig(hang_over_s=0.0)
    values = [0.4, 0.49, 0.5, 0.4, 0.36, 0.34, 0.4, 0.6]
    assert flags_of(values, config) == [False, False, True, True, True, False, False, True]


def test_a_short_pause_does_not_end_speech() -> None:
    # 0.1 s are three chunks: speech ends with the fourth quiet one.
    assert flags_of([0.9, 0.1, 0.1, 0.1, 0.9]) == [True] * 5
    assert flags_of([0.9, 0.1, 0.1, 0.1, 0.1, 0.4]) == [True] * 4 + [False] * 2


def test_a_probability_in_between_starts_the_pause_anew() -> None:
    assert flags_of([0.9, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1]) == [True] * 8


@given(
    st.lists(st.floats(0, 1, width=32), max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_flags_do_not_depend_on_the_chunking(values: list[float], sizes: list[int]) -> None:
    gate = SpeechGate()
    start, i = 0, 0
    while start < len(values):
        size = sizes[i % len(sizes)]
        gate.accept(probabilities(values[start : start + size]))
        start, i = start + size, i + 1
    flags = flags_of(values)
    assert gate.n_chunks == len(values)
    found = [gate.speech_ratio(k * CHUNK, (k + 1) * CHUNK) == 1.0 for k in range(len(values))]
    assert found == flags


@given(
    values=st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), min_size=1, max_size=120),
    start=st.integers(-700, 30_000),
    length=st.integers(0, 30_000),
    capacity=st.integers(60, 130),
)
def test_the_ratio_equals_counting_samples(
    values: list[float], start: int, length: int, capacity: int
) -> None:
    gate = SpeechGate(capacity=capacity)
    gate.accept(probabilities(values))
    end = start + length
    per_sample = np.repeat(flags_of(values), CHUNK)
    whole = max(0, end // CHUNK * CHUNK)
    first = max(0, start)
    held = max(0, len(values) - capacity) * CHUNK
    if first // CHUNK < whole // CHUNK and (whole > per_sample.size or first < held):
        with pytest.raises(IndexError):
            gate.speech_ratio(start, end)
        return
    ratio = gate.speech_ratio(start, end)
    counted = per_sample[first:whole]
    assert 0.0 <= ratio <= 1.0
    assert ratio == pytest.approx(counted.mean() if counted.size else 0.0, abs=1e-12)


def test_later_audio_does_not_change_a_ratio() -> None:
    gate = SpeechGate()
    gate.accept(probabilities([0.9, 0.1, 0.1, 0.9, 0.9]))
    before = gate.speech_ratio(100, 5 * CHUNK)
    gate.accept(probabilities([0.1] * 20))
    assert gate.speech_ratio(100, 5 * CHUNK) == before


def test_windows_are_let_through_with_hysteresis() -> None:
    gate = SpeechGate()
    ratios = [0.15, 0.19, 0.20, 0.15, 0.12, 0.119, 0.15, 0.25]
    found = [gate.admit(ratio) for ratio in ratios]
    assert found == [False, False, True, True, True, False, False, True]


def test_reset_forgets() -> None:
    gate = SpeechGate()
    gate.accept(probabilities([0.9] * 10))
    assert gate.speaking
    assert gate.admit(1.0)
    gate.reset()
    assert not gate.speaking
    assert gate.n_chunks == 0
    assert not gate.admit(0.15)
    with pytest.raises(IndexError):
        gate.speech_ratio(0, CHUNK)


@pytest.mark.parametrize(
    "fields",
    [{"on": 0.3, "off": 0.4}, {"enter_ratio": 0.1, "leave_ratio": 0.2}, {"on": 1.5}, {"typo": 1}],
)
def test_nonsense_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        GateConfig(**fields)
