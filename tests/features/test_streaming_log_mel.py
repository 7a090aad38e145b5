from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.features import LogMelSpec, StreamingLogMel, log_mel
from emolive.types import FloatArray

SPEC = LogMelSpec()


def noise(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32) * np.float32(0.1)


def pieces(signal: FloatArray, sizes: list[int]) -> list[FloatArray]:
    """The signal cut into pieces of these sizes, over and over (an empty piece is legal)."""
    cut, start, i = [], 0, 0
    while start < len(signal):
        size = sizes[i % len(sizes)]
        cut.append(signal[start : start + size])
        start += size
        i += 1
    return cut


# Tiny pieces (one sample), pieces around the hop and the window, and long ones.
SIZES = st.lists(
    st.one_of(st.integers(1, 7), st.integers(150, 450), st.integers(1_000, 9_000)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40)
@given(n=st.integers(0, 12_000), sizes=SIZES, seed=st.integers(0, 5))
def test_streaming_equals_offline(n: int, sizes: list[int], seed: int) -> None:
    signal = noise(n, seed)
    stream = StreamingLogMel(SPEC, capacity=100)
    parts = [stream.accept(piece) for piece in pieces(signal, sizes)]
    offline = log_mel(signal, SPEC)
    found = np.concatenate([np.empty((SPEC.n_mels, 0), np.float32), *parts], axis=1)
    assert found.dtype == np.float32
    assert found.shape == offline.shape
    np.testing.assert_allclose(found, offline, rtol=0, atol=1e-5)
    assert stream.n_frames == offline.shape[1]


@settings(max_examples=25)
@given(
    sizes=SIZES, capacity=st.integers(60, 90), n_frames=st.integers(0, 60), back=st.integers(0, 30)
)
def test_any_window_that_is_kept_equals_offline(
    sizes: list[int], capacity: int, n_frames: int, back: int
) -> None:
    signal = noise(20_000)
    stream = StreamingLogMel(SPEC, capacity)
    for piece in pieces(signal, sizes):
        stream.accept(piece)
    end = stream.n_frames - min(back, capacity - n_frames)
    expected = log_mel(signal, SPEC)[:, end - n_frames : end]
    np.testing.assert_allclose(stream.window(end, n_frames), expected, rtol=0, atol=1e-5)


@settings(max_examples=40)
@given(
    sizes=SIZES,
    held=st.lists(st.booleans(), min_size=1, max_size=9),
    asks=st.lists(st.booleans(), min_size=1, max_size=5),
)
def test_frames_that_are_made_when_a_window_asks_are_the_same(
    sizes: list[int], held: list[bool], asks: list[bool]
) -> None:
    signal = noise(40_000)
    stream = StreamingLogMel(SPEC, 80)
    offline = log_mel(signal, SPEC)
    heard = 0
    for i, piece in enumerate(pieces(signal, sizes)):
        (stream.hold if held[i % len(held)] else stream.accept)(piece)
        heard += len(piece)
        end = SPEC.n_frames(heard)
        if asks[i % len(asks)] and end >= 60:
            found = stream.window(end, 60)
            np.testing.assert_allclose(found, offline[:, end - 60 : end], rtol=0, atol=1e-5)


def test_held_audio_does_not_pile_up() -> None:
    stream = StreamingLogMel(SPEC, 80)
    for _ in range(50):
        stream.hold(noise(16_000))
        assert stream._tail.size < SPEC.n_samples(80) + SPEC.hop_length
        assert stream._tail.base is None or stream._tail.base.size < 40_000


def test_a_window_is_a_copy() -> None:
    stream = StreamingLogMel(SPEC, 60)
    stream.accept(noise(8_000))
    window = stream.window(40, 10)
    before = window.copy()
    stream.accept(noise(16_000, 1))
    np.testing.assert_array_equal(window, before)


def test_windows_that_are_not_held_are_refused() -> None:
    stream = StreamingLogMel(SPEC, 50)
    stream.accept(noise(SPEC.n_samples(80)))
    assert stream.n_frames == 80
    stream.window(80, 50)
    with pytest.raises(IndexError, match="80 ready, the last 50 kept"):
        stream.window(81, 10)
    with pytest.raises(IndexError):
        stream.window(40, 11)
    with pytest.raises(IndexError):
        StreamingLogMel(SPEC, 50).window(1, 1)


def test_more_audio_than_is_kept_comes_out_whole() -> None:
    signal = noise(SPEC.n_samples(200))
    stream = StreamingLogMel(SPEC, 50)
    new = stream.accept(signal)
    np.testing.assert_allclose(new, log_mel(signal, SPEC), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(stream.window(200, 50), new[:, 150:])


def test_reset_begins_anew() -> None:
    stream = StreamingLogMel(SPEC, 50)
    stream.accept(noise(5_123))
    stream.reset()
    assert stream.n_frames == 0
    signal = noise(4_000, 3)
    np.testing.assert_allclose(stream.accept(signal), log_mel(signal, SPEC), rtol=0, atol=1e-5)


def test_digital_silence_is_the_floor() -> None:
    found = log_mel(np.zeros(1_000, np.float32), SPEC)
    np.testing.assert_allclose(found, np.log(SPEC.log_floor), rtol=1e-6)


def test_a_sine_lights_up_its_band() -> None:
    t = np.arange(16_000) / 16_000
    for hz in (300.0, 1_000.0, 4_000.0):
        mel = log_mel(np.sin(2 * np.pi * hz * t).astype(np.float32), SPEC)
        mels = np.linspace(
            2595 * np.log10(1 + SPEC.f_min / 700), 2595 * np.log10(1 + SPEC.f_max / 700), 130
        )
        centres = 700 * (10 ** (mels[1:-1] / 2595) - 1)
        assert abs(int(mel.mean(axis=1).argmax()) - int(np.abs(centres - hz).argmin())) <= 1
