from __future__ import annotations

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.stretch import TimeStretcher
from emolive.resources import DEMO_AUDIO, asset
from emolive.types import FloatArray

RATE = 16_000
SPEEDS = (0.5, 0.75, 1.25, 1.5, 2.0)


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    samples, rate = sf.read(asset(DEMO_AUDIO), dtype="float32", frames=10 * RATE)
    assert rate == RATE
    return samples


def stretched(samples: FloatArray, speed: float, cuts: tuple[int, ...] = ()) -> FloatArray:
    stretcher = TimeStretcher(RATE, speed)
    parts = [stretcher.accept(part) for part in np.split(samples, sorted(cuts))]
    return np.concatenate((*parts, stretcher.finish()))


def tone(hz: float, seconds: float = 2.0) -> FloatArray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def strongest_hz(samples: FloatArray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax()) * RATE / len(samples)


def test_at_speed_1_audio_in_is_audio_out(speech: FloatArray) -> None:
    np.testing.assert_array_equal(stretched(speech, 1.0), speech)


@pytest.mark.parametrize("speed", SPEEDS)
def test_speech_keeps_its_level_and_takes_as_long_as_asked(
    speech: FloatArray, speed: float
) -> None:
    result = stretched(speech, speed)
    assert len(result) == round(len(speech) / speed)
    loudness = [float(np.sqrt(np.mean(np.square(x)))) for x in (speech, result)]
    assert loudness[1] == pytest.approx(loudness[0], rel=0.12)
    assert np.abs(result).max() < 1.3 * np.abs(speech).max()


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("hz", [90.0, 220.0, 1000.0])
def test_the_pitch_is_kept(hz: float, speed: float) -> None:
    result = stretched(tone(hz), speed)
    assert strongest_hz(result) == pytest.approx(hz, rel=0.01)
    # Nothing but the tone: frames fit to each other without bumps.
    middle = result[RATE // 10 : -RATE // 10]
    envelope = np.sqrt(np.convolve(np.square(middle), np.ones(800) / 800, "valid"))
    assert envelope.min() > 0.85 * envelope.max()


@pytest.mark.parametrize("speed", SPEEDS)
def test_everything_comes_when_it_is_due(speed: float) -> None:
    """Bursts of noise, each heard within 20 ms (of the recording) of its place."""
    rng = np.random.default_rng(5)
    places = np.arange(1, 10) * RATE // 2
    signal = rng.normal(0, 1e-4, 5 * RATE + RATE // 2).astype(np.float32)
    for place in places:
        signal[place : place + 800] += rng.normal(0, 0.3, 800).astype(np.float32)
    result = stretched(signal, speed)
    for place in places:
        due = round(place / speed)
        around = np.abs(result[due - 2000 : due + 2000])
        first = due - 2000 + int((around > 0.1).argmax())
        assert abs(first - due) * speed < 0.02 * RATE


def test_silence_stays_silence() -> None:
    assert not stretched(np.zeros(RATE, np.float32), 1.5).any()


@settings(max_examples=25)
@given(
    length=st.integers(0, 3 * RATE),
    speed=st.sampled_from(SPEEDS),
    cuts=st.lists(st.integers(0, 3 * RATE), max_size=6),
)
def test_how_it_is_cut_does_not_matter(
    speech: FloatArray, length: int, speed: float, cuts: list[int]
) -> None:
    samples = speech[:length]
    whole = stretched(samples, speed)
    assert len(whole) == round(length / speed)
    np.testing.assert_array_equal(stretched(samples, speed, tuple(cuts)), whole)


def test_it_holds_little(speech: FloatArray) -> None:
    stretcher = TimeStretcher(RATE, 0.5)
    for block in np.split(speech, 100):
        stretcher.accept(block)
        assert len(stretcher._input) < 0.1 * RATE + len(block)


@pytest.mark.parametrize("speed", [0.0, 0.49, 2.01, -1.0, float("nan")])
def test_other_speeds_are_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        TimeStretcher(RATE, speed)
