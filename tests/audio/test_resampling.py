"""Resampling in chunks is resampling at once."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from emolive.audio.resampling import StreamResampler
from emolive.types import FloatArray

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def noise(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)


def in_chunks(resampler: StreamResampler, signal: FloatArray, cuts: list[int]) -> FloatArray:
    chunks = np.split(signal, sorted(cuts))
    return np.concatenate([*map(resampler.accept, chunks), resampler.finish()])


@given(
    rate=st.sampled_from(RATES),
    n=st.integers(0, 12_000),
    cuts=st.lists(st.integers(0, 12_000), max_size=12),
)
def test_chunked_equals_one_shot(rate: int, n: int, cuts: list[int]) -> None:
    signal = noise(n)
    chunked = in_chunks(StreamResampler(rate, 16_000), signal, [min(cut, n) for cut in cuts])
    expected = soxr.resample(signal, rate, 16_000, quality="HQ")
    assert chunked.dtype == np.float32
    np.testing.assert_allclose(chunked, expected, atol=1e-6)
    assert abs(len(chunked) - n * 16_000 / rate) <= 1


@pytest.mark.parametrize("rate", RATES)
def test_tone_keeps_its_pitch_and_level(rate: int) -> None:
    time_s = np.arange(rate * 2) / rate
    tone = (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    blocks = list(range(0, len(tone), rate // 50))
    got = in_chunks(StreamResampler(rate, 16_000), tone, blocks)[8_000:24_000]  # one second
    spectrum = np.abs(np.fft.rfft(got))  # one bin per hertz
    assert int(np.argmax(spectrum)) == 440
    assert spectrum[440] / 8_000 == pytest.approx(0.5, rel=1e-3)
    spectrum[438:443] = 0
    assert spectrum.max() / 8_000 < 1e-3


def test_what_the_model_rate_cannot_hold_is_removed() -> None:
    time_s = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 12_000 * time_s).astype(np.float32)
    got = in_chunks(StreamResampler(48_000, 16_000), tone, [])
    assert np.abs(got[1_000:-1_000]).max() < 1e-3


def test_reset_begins_a_new_signal() -> None:
    resampler = StreamResampler(48_000, 16_000)
    first = in_chunks(resampler, noise(4_800), [])
    resampler.reset()
    resampler.accept(noise(1_234, seed=1))  # left unfinished, as when a device is lost
    resampler.reset()
    np.testing.assert_array_equal(in_chunks(resampler, noise(4_800), [100]), first)


def test_output_arrives_while_the_signal_goes_on() -> None:
    resampler = StreamResampler(48_000, 16_000)
    signal = noise(48_000)
    behind = 0.0
    ready = 0
    for start in range(0, len(signal), 960):
        ready += len(resampler.accept(signal[start : start + 960]))
        behind = max(behind, (start + 960) / 48_000 - ready / 16_000)
    assert behind < 0.06


def test_equal_rates_pass_through() -> None:
    signal = noise(1_000)
    np.testing.assert_array_equal(in_chunks(StreamResampler(16_000, 16_000), signal, [3]), signal)


def test_a_view_with_strides_is_accepted() -> None:
    stereo = noise(9_600).reshape(-1, 2)
    got = StreamResampler(48_000, 16_000)
    np.testing.assert_array_equal(
        in_chunks(got, stereo[:, 1], []),
        soxr.resample(stereo[:, 1].copy(), 48_000, 16_000, quality="HQ"),
    )
