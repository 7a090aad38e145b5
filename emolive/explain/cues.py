"""Acoustic cues of a stretch of speech, as Praat measures them (praat-parselmouth, extra `cues`).

Each cue is one number that people in phonetics use: Scherer (2003), "Vocal communication of
emotion", Speech Communication 40, names the ones that go with emotions. Praat's own procedures
measure them; the speech rate counts syllable nuclei on Praat's intensity after de Jong and Wempe
(2009), "Praat script to detect syllable nuclei and measure speech rate automatically", Behavior
Research Methods 41, and is an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.i18n import mark
from emolive.types import FloatArray

# Full scale is 1 Pa for Praat, whose intensity is in dB relative to 20 micropascals.
FULL_SCALE_DB = 20 * math.log10(1.0 / 2e-5)
# Praat's own settings for voices of any pitch, in Hz; a second pass narrows them to the voice
# (Hirst 2011, "The analysis by synthesis of speech melody", with room for lively speech).
_FLOOR_HZ, _CEILING_HZ = 60.0, 600.0
_STEP_S = 0.02
# Quieter than this below the loudest moment is a pause (de Jong and Wempe).
_SILENCE_DB = -25.0
_SHORTEST_PAUSE_S = 0.15
# Praat warns when there is less between the loudest and the softest moment.
_FLAT_DB = 10.0
_SHORTEST_SOUND_S = 0.1
# Between two syllables, the intensity dips by this much (de Jong and Wempe).
_DIP_DB = 2.0
MIN_SECONDS = 0.5


class Cue(StrEnum):
    """What is measured."""

    LOUDNESS = "loudness"
    PITCH = "pitch"
    PITCH_RANGE = "pitch range"
    RATE = "speech rate"
    TILT = "brightness"
    JITTER = "jitter"
    SHIMMER = "shimmer"
    HNR = "harmonicity"
    PAUSES = "pauses"


@dataclass(frozen=True, slots=True)
class CueSpec:
    """How a cue is told: its unit, what it is, and the smallest spread that a comparison uses.

    `least_spread` is in `unit`, in semitones for pitch: two windows of the very same voice differ
    about that much, so less is no difference. `estimate`: it is counted, not measured.
    """

    unit: str
    about: str
    digits: int
    least_spread: float
    estimate: bool = False


SPECS: Mapping[Cue, CueSpec] = {
    Cue.LOUDNESS: CueSpec("dBFS", mark("mean intensity without pauses"), 1, 1.0),
    Cue.PITCH: CueSpec("Hz", mark("median fundamental frequency"), 0, 0.6),
    Cue.PITCH_RANGE: CueSpec("semitones", mark("from the 10th to the 90th percentile"), 1, 1.0),
    Cue.RATE: CueSpec("syllables/s", mark("estimated syllables per second of sound"), 1, 0.4, True),
    Cue.TILT: CueSpec("dB", mark("energy of 1–4 kHz against 50–1000 Hz"), 1, 1.0),
    Cue.JITTER: CueSpec("%", mark("change of period from cycle to cycle"), 2, 0.25),
    Cue.SHIMMER: CueSpec("%", mark("change of amplitude from cycle to cycle"), 1, 1.0),
    Cue.HNR: CueSpec("dB", mark("harmonics against noise in the voice"), 1, 1.0),
    Cue.PAUSES: CueSpec("%", mark("share of the window without sound"), 0, 5.0),
}


@dataclass(frozen=True, slots=True)
class CueValues:
    """Cues of one window; one that could not be measured (no voice) is missing."""

    values: Mapping[Cue, float]

    def get(self, cue: Cue) -> float | None:
        """The value in the unit of its `CueSpec`, or None."""
        return self.values.get(cue)


def load_praat() -> ModuleType:
    """Import parselmouth.

    Raises:
        EmoliveError: the extra is not installed.
    """
    try:
        import parselmouth
    except ImportError as error:
        raise EmoliveError("Acoustic cues need an extra: {way}.", way=way_to_get("cues")) from error
    module: ModuleType = parselmouth
    return module


def measure(samples: FloatArray, rate: int, praat: ModuleType | None = None) -> CueValues:
    """Measure mono speech; 3 s take some 30 ms.

    `samples` are float32 ``(n,)`` at `rate` Hz; `praat` is what `load_praat` returned (None: load
    it).

    Raises:
        EmoliveError: the extra `cues` is not installed.
    """
    praat = praat or load_praat()
    if samples.size < MIN_SECONDS * rate or not np.any(samples):
        return CueValues({})
    call = praat.praat.call
    sound = praat.Sound(samples.astype(np.float64), sampling_frequency=rate)
    found: dict[Cue, float] = {}
    intensity = sound.to_intensity(minimum_pitch=75.0, time_step=_STEP_S / 2)
    pitch = voice_pitch(sound)
    frequency = pitch.selected_array["frequency"]
    sounding_s = _add_energy_cues(found, call, intensity, pitch, samples.size / rate)
    ltas = call(sound, "To Ltas", 100.0)
    top = min(4000.0, rate / 2)
    found[Cue.TILT] = call(ltas, "Get slope", 50.0, 1000.0, 1000.0, top, "energy")
    voiced = frequency[frequency > 0]
    if voiced.size * _STEP_S >= 0.2 and sounding_s > 0:
        low, middle, high = np.percentile(voiced, (10, 50, 90))
        found[Cue.PITCH] = float(middle)
        found[Cue.PITCH_RANGE] = float(12 * np.log2(high / low))
        _add_voice_cues(found, call, sound, pitch)
    return CueValues({cue: value for cue, value in found.items() if math.isfinite(value)})


def voice_pitch(sound: Any, step_s: float = _STEP_S) -> Any:
    """Praat's pitch, its range narrowed to this voice in a second pass."""
    wide = sound.to_pitch_ac(time_step=step_s, pitch_floor=_FLOOR_HZ, pitch_ceiling=_CEILING_HZ)
    voiced = wide.selected_array["frequency"]
    voiced = voiced[voiced > 0]
    if voiced.size < 5:
        return wide
    low, high = np.percentile(voiced, (25, 75))
    floor = max(_FLOOR_HZ, 0.75 * low)
    ceiling = min(_CEILING_HZ, max(2.5 * high, 2 * floor))
    return sound.to_pitch_ac(time_step=step_s, pitch_floor=floor, pitch_ceiling=ceiling)


def _add_energy_cues(
    found: dict[Cue, float], call: Any, intensity: Any, pitch: Any, seconds: float
) -> float:
    """Loudness, pauses and speech rate; returns the seconds with sound."""
    decibels: npt.NDArray[np.float64] = intensity.values[0]
    times: npt.NDArray[np.float64] = intensity.xs()
    sounding = sounding_frames(call, intensity, times, float(np.ptp(decibels)))
    sounding_s = seconds * float(sounding.mean())
    if not sounding.any():
        return 0.0
    power = np.mean(10 ** (decibels[sounding] / 10))
    found[Cue.LOUDNESS] = float(10 * np.log10(power) - FULL_SCALE_DB)
    found[Cue.PAUSES] = 100.0 * max(0.0, 1.0 - sounding_s / seconds)
    nuclei = syllable_nuclei(decibels, sounding)
    voiced = sum(1 for at in nuclei if not math.isnan(pitch.get_value_at_time(times[at])))
    found[Cue.RATE] = voiced / sounding_s
    return sounding_s


def sounding_frames(
    call: Any, intensity: Any, times: npt.NDArray[np.float64], range_db: float
) -> npt.NDArray[np.bool_]:
    """Which frames are no pause; all of them where Praat finds no two levels to tell apart."""
    if range_db < _FLAT_DB:
        return np.ones(times.size, np.bool_)
    sounding = np.zeros(times.size, np.bool_)
    grid = call(
        intensity, "To TextGrid (silences)", _SILENCE_DB, _SHORTEST_PAUSE_S, _SHORTEST_SOUND_S,
        "silent", "sounding",
    )  # fmt: skip
    for index in range(1, int(call(grid, "Get number of intervals", 1)) + 1):
        if call(grid, "Get label of interval", 1, index) == "sounding":
            begin = call(grid, "Get start time of interval", 1, index)
            end = call(grid, "Get end time of interval", 1, index)
            sounding |= (times >= begin) & (times < end)
    return sounding


def syllable_nuclei(
    decibels: npt.NDArray[np.float64], sounding: npt.NDArray[np.bool_]
) -> list[int]:
    """Indices of intensity peaks in sound that are `_DIP_DB` above the dip before them."""
    inner = (decibels[1:-1] > decibels[:-2]) & (decibels[1:-1] >= decibels[2:])
    peaks = [int(at) + 1 for at in np.flatnonzero(inner) if sounding[at + 1]]
    nuclei: list[int] = []
    last = 0
    for at in peaks:
        dip = float(decibels[last:at].min())
        if decibels[at] - dip >= _DIP_DB:
            # Two peaks without a dip between them are one syllable: the higher one.
            nuclei.append(at)
            last = at
        elif nuclei and decibels[at] > decibels[nuclei[-1]]:
            nuclei[-1] = last = at
    return nuclei


def _add_voice_cues(found: dict[Cue, float], call: Any, sound: Any, pitch: Any) -> None:
    pulses = call([sound, pitch], "To PointProcess (cc)")
    # Praat's standard settings: periods of 0.1 to 20 ms, a factor of 1.3 (1.6) between neighbours.
    found[Cue.JITTER] = 100 * call(pulses, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
    found[Cue.SHIMMER] = 100 * call(
        [sound, pulses], "Get shimmer (local)", 0, 0, 0.0001, 0.02, 1.3, 1.6
    )
    # Coarser than the rest: it costs the most, and only its mean is used.
    harmonicity = sound.to_harmonicity_cc(time_step=0.05, minimum_pitch=75.0)
    values = harmonicity.values
    values = values[np.isfinite(values) & (values > -100)]  # -200: no voice
    if values.size:
        found[Cue.HNR] = float(values.mean())
