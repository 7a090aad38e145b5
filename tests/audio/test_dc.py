"""An offset is taken away, and sound is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.dc import DcBlocker
from emolive.types import FloatArray

RATE = 16_000


def noise(n: int) -> FloatArray:
    return np.random.default_rng(1).normal(0, 0.05, n).astype(np.float32)


@settings(max_examples=40)
@given(chunks=st.lists(st.integers(1, 9_000), min_size=1, max_size=8))
def test_any_chunking_gives_the_same_to_the_last_bit(chunks: list[int]) -> None:
    signal = noise(20_000) + np.float32(0.1)
    blocker = DcBlocker(RATE)
    parts = []
    begin = index = 0
    while begin < len(signal):
        end = begin + chunks[index % len(chunks)]
        parts.append(blocker.accept(signal[begin:end]))
        begin, index = end, index + 1
    np.testing.assert_array_equal(np.concatenate(parts), DcBlocker(RATE).accept(signal))


@pytest.mark.parametrize("offset", [0.02, -0.5])
def test_an_offset_is_gone_from_the_first_sample_on(offset: float) -> None:
    signal = noise(50_000)
    found = DcBlocker(RATE).accept(signal + np.float32(offset))
    np.testing.assert_allclose(found, DcBlocker(RATE).accept(signal), atol=1e-7)
    assert DcBlocker(RATE).accept(np.full(100, offset, np.float32)) == pytest.approx(0, abs=1e-7)


def test_it_is_the_mean_of_what_came_before() -> None:
    signal = noise(9_000)
    total = weight = 0.0
    expected = []
    for sample in signal.tolist():
        total = total * math.exp(-1 / (0.1 * RATE)) + sample
        weight = weight * math.exp(-1 / (0.1 * RATE)) + 1.0
        expected.append(sample - total / weight)
    np.testing.assert_allclose(DcBlocker(RATE).accept(signal), expected, atol=1e-7)


@pytest.mark.parametrize(("hz", "db"), [(80, 0.01), (300, 0.003)])
def test_voices_pass(hz: float, db: float) -> None:
    tone = np.sin(2 * np.pi * hz * np.arange(3 * RATE) / RATE).astype(np.float32)
    found = DcBlocker(RATE).accept(tone)
    assert abs(20 * math.log10(np.std(found[RATE:]) / np.std(tone[RATE:]))) < db


def test_forgotten_is_forgotten() -> None:
    blocker = DcBlocker(RATE)
    blocker.accept(noise(5_000) + np.float32(0.4))
    blocker.reset()
    np.testing.assert_array_equal(blocker.accept(noise(900)), DcBlocker(RATE).accept(noise(900)))
    assert len(blocker.accept(noise(0))) == 0
