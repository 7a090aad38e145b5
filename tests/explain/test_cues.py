"""Praat's cues on voices whose pitch, level and pauses are known, and on real speech."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from emolive import resources
from emolive.errors import EmoliveError
from emolive.explain.cues import Cue, CueValues, load_praat, measure
from emolive.types import FloatArray

pytest.importorskip("parselmouth", reason="needs the extra `cues`")

RATE = 16_000


def voice(hertz: npt.NDArray[np.float64] | float, seconds: float = 3.0, gain: float = 0.1):
    """A buzz like a voice's: harmonics that fall by 12 dB an octave, four syllables a second."""
    at = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, at.shape)) / RATE
    tone = sum(np.sin(k * phase) / k**2 for k in range(1, 20))
    syllables = 0.25 + 0.75 * np.sin(np.pi * 4 * at) ** 2
    breath = np.random.default_rng(0).normal(0, 0.003, at.size)  # no voice is quite periodic
    return (gain * (tone + breath) * syllables).astype(np.float32)


def values(samples: FloatArray) -> CueValues:
    return measure(samples, RATE)


def value(samples: FloatArray, cue: Cue) -> float:
    found = values(samples).get(cue)
    assert found is not None
    return found


@pytest.mark.parametrize("hertz", [90.0, 120.0, 220.0, 330.0])
def test_pitch_is_found_for_low_and_high_voices(hertz: float) -> None:
    assert value(voice(hertz), Cue.PITCH) == pytest.approx(hertz, rel=0.02)
    assert value(voice(hertz), Cue.PITCH_RANGE) < 0.5


def test_the_range_of_a_glide_is_told_in_semitones() -> None:
    octave = 120 * 2 ** np.linspace(0, 1, 3 * RATE)
    assert value(voice(octave), Cue.PITCH_RANGE) == pytest.approx(0.8 * 12, abs=1.0)


def test_loudness_is_in_decibels_of_full_scale() -> None:
    soft, loud = voice(150.0, gain=0.02), voice(150.0, gain=0.2)
    assert value(loud, Cue.LOUDNESS) - value(soft, Cue.LOUDNESS) == pytest.approx(20, abs=0.1)
    level = 10 * np.log10(np.mean(loud.astype(np.float64) ** 2))
    assert value(loud, Cue.LOUDNESS) == pytest.approx(level, abs=1.0)


def test_pauses_are_the_share_without_sound() -> None:
    samples = voice(150.0)
    samples[RATE : 2 * RATE] *= 1e-4
    assert value(samples, Cue.PAUSES) == pytest.approx(33, abs=4)
    assert value(voice(150.0), Cue.PAUSES) == pytest.approx(0, abs=1)


def test_syllables_are_counted_without_the_pauses() -> None:
    assert value(voice(150.0), Cue.RATE) == pytest.approx(4.0, abs=0.5)
    samples = voice(150.0)
    samples[RATE : 2 * RATE] *= 1e-4
    assert value(samples, Cue.RATE) == pytest.approx(4.0, abs=0.7)


def test_a_bright_voice_has_more_energy_above() -> None:
    dull = voice(150.0)
    bright = np.diff(dull, prepend=np.float32(0)).astype(np.float32)
    assert value(bright, Cue.TILT) > value(dull, Cue.TILT) + 5


def test_a_rough_and_noisy_voice_is_told() -> None:
    rng = np.random.default_rng(0)
    clean = voice(150.0)
    rough = voice(150.0 * (1 + 0.03 * rng.normal(size=3 * RATE // 80).repeat(80)))
    noisy = clean + rng.normal(0, 0.02, clean.size).astype(np.float32)
    assert value(rough, Cue.JITTER) > 2 * value(clean, Cue.JITTER)
    assert value(noisy, Cue.HNR) < value(clean, Cue.HNR) - 3
    assert value(noisy, Cue.SHIMMER) > value(clean, Cue.SHIMMER)


def test_what_cannot_be_measured_is_missing_not_invented() -> None:
    assert values(np.zeros(3 * RATE, np.float32)).values == {}
    assert values(voice(150.0)[:100]).values == {}
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    assert values(noise).get(Cue.LOUDNESS) is not None
    silence = np.random.default_rng(0).normal(0, 1e-7, 3 * RATE).astype(np.float32)
    assert all(np.isfinite(v) for v in values(silence).values.values())


def test_real_speech_has_all_cues_in_human_bounds() -> None:
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    found = measure(samples[6 * rate : 9 * rate], rate)
    assert set(found.values) == set(Cue)
    bounds = {
        Cue.LOUDNESS: (-60, 0),
        Cue.PITCH: (60, 500),
        Cue.PITCH_RANGE: (0.5, 30),
        Cue.RATE: (1, 9),
        Cue.TILT: (-40, 10),
        Cue.JITTER: (0, 8),
        Cue.SHIMMER: (0, 30),
        Cue.HNR: (-5, 30),
        Cue.PAUSES: (0, 90),
    }
    for cue, (low, high) in bounds.items():
        assert low <= found.values[cue] <= high, cue


def test_without_the_extra_one_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    with pytest.raises(EmoliveError, match=r"pip install 'emolive\[cues\]'"):
        load_praat()
