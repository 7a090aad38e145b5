"""Digital silence is told from a quiet room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.audio.zeros import ZeroDetector


def test_reports_after_two_seconds_of_zeros_and_not_before() -> None:
    detector = ZeroDetector(1_000)
    detector.accept(np.zeros(1_999, np.float32))
    assert not detector.silent_zeros
    detector.accept(np.zeros(1, np.float32))
    assert detector.silent_zeros


def test_faintest_noise_is_not_digital_silence() -> None:
    detector = ZeroDetector(1_000)
    detector.accept(np.full(5_000, 2.0**-15, np.float32))
    assert not detector.silent_zeros


def test_first_sound_ends_it() -> None:
    detector = ZeroDetector(100)
    detector.accept(np.zeros((500, 2), np.float32))
    assert detector.silent_zeros
    block = np.zeros((50, 2), np.float32)
    block[10, 1] = 1e-6
    detector.accept(block)
    assert not detector.silent_zeros


def test_reset_begins_again() -> None:
    detector = ZeroDetector(100)
    detector.accept(np.zeros(500, np.float32))
    detector.reset()
    assert not detector.silent_zeros


@given(
    samples=st.lists(st.sampled_from([0.0, -0.0, 0.5]), max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    after=st.integers(1, 20),
)
def test_any_chunking_counts_the_zeros_at_the_end(
    samples: list[float], cuts: list[int], after: int
) -> None:
    detector = ZeroDetector(1, after_s=after)
    signal = np.array(samples, np.float32)
    for chunk in np.split(signal, sorted(min(cut, len(signal)) for cut in cuts)):
        detector.accept(chunk)
    tail = 0
    for sample in reversed(samples):
        if sample:
            break
        tail += 1
    assert detector.silent_zeros == (tail >= after)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_zero(value: float) -> None:
    detector = ZeroDetector(10, after_s=1)
    detector.accept(np.full(20, value, np.float32))
    assert not detector.silent_zeros
