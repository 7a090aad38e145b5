from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.features import LogMelSpec, log_mel, normalize
from emolive.types import FloatArray

SPEC = LogMelSpec()


def sweep() -> FloatArray:
    """Something with structure: a chirp that grows, over a little noise."""
    t = np.arange(24_000) / 16_000
    noise = np.random.default_rng(0).standard_normal(t.size) * 1e-3
    return (np.sin(2 * np.pi * (200 + 1_500 * t) * t) * t * 0.5 + noise).astype(np.float32)


@settings(max_examples=20)
@given(st.floats(-20, 20))
def test_the_level_does_not_matter(gain_db: float) -> None:
    signal = sweep()
    reference = normalize(log_mel(signal, SPEC), SPEC)
    gain = np.float32(10 ** (gain_db / 20))
    found = normalize(log_mel(signal * gain, SPEC), SPEC)
    np.testing.assert_allclose(found, reference, atol=2e-4)


def test_mean_zero_deviation_one() -> None:
    found = normalize(log_mel(sweep(), SPEC), SPEC)
    assert found.dtype == np.float32
    assert abs(found.mean()) < 1e-5
    assert abs(found.std() - 1) < 1e-5


def test_what_is_far_below_the_peak_is_cut() -> None:
    window = np.full((128, 10), -20.0, np.float32)
    window[0, 0] = 5.0
    deeper = window.copy()
    deeper[5, 5] = -23.0  # both are more than 80 dB (18.4 nepers of power) below the peak
    np.testing.assert_array_equal(normalize(window, SPEC), normalize(deeper, SPEC))


def test_a_constant_window_is_all_zeros() -> None:
    found = normalize(np.full((128, 298), np.float32(np.log(1e-10))), SPEC)
    assert not found.any()


def test_the_input_is_left_alone() -> None:
    window = log_mel(sweep(), SPEC)
    before = window.copy()
    normalize(window, SPEC)
    np.testing.assert_array_equal(window, before)
