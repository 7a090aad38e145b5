"""Pitch, intensity, formants and speech rate over time, as Praat measures them (extra `cues`).

Praat's own procedures and settings: pitch by autocorrelation with its range narrowed to the voice
(see `cues`), intensity, formants after Burg. Formants are given where there is voice; their ceiling
is 5,500 Hz for a median pitch from 160 Hz on and 5,000 Hz below, the settings that Praat's manual
names for women and men, or what the sound holds, if that is less. The speech rate counts syllable
nuclei (see `cues`) in the two seconds around each moment, per second of sound, and is an estimate.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from emolive.audio.files import open_session_file, read_session_file
from emolive.explain.cues import (
    FULL_SCALE_DB,
    load_praat,
    sounding_frames,
    syllable_nuclei,
    voice_pitch,
)
from emolive.types import FloatArray

STEP_S = 0.01
# Praat holds everything up while it measures: short pieces, so that a live picture still moves.
CHUNK_S = 5.0
PER_CHUNK = round(CHUNK_S / STEP_S)
# What Praat's windows and paths need before they no longer depend on where a piece begins.
MARGIN_S = 1.5
_RATE_WINDOW_S = 2.0
_LEAST_SOUND_S = 0.5
_FORMANT_WINDOW_S = 0.025
_HIGH_VOICE_HZ, _HIGH_CEILING_HZ, _LOW_CEILING_HZ = 160.0, 5_500.0, 5_000.0
_HZ_PER_FORMANT = 1_100.0
# Praat needs no more for voices, and more costs.
_MOST_HZ = 16_000


class Track(IntEnum):
    """Rows of tracks: pitch and formants in Hz, intensity in dBFS, rate in syllables per second."""

    PITCH = 0
    INTENSITY = 1
    F1 = 2
    F2 = 3
    F3 = 4
    RATE = 5


def voice_tracks(samples: FloatArray, rate: int, praat: ModuleType) -> FloatArray:
    """Measure mono speech; 30 s take some 0.4 s.

    `samples` are float32 ``(n,)`` at `rate` Hz; `praat` is what `load_praat` returned.

    Returns:
        float32 ``(len(Track), n_steps)``; column i is about the moment ``(i + 0.5) * STEP_S``. NaN
        where there is no voice, or nothing to measure.
    """
    n = max(1, round(samples.size / rate / STEP_S))
    found = np.full((len(Track), n), np.nan, np.float32)
    if samples.size < 0.1 * rate or not np.any(samples):
        return found
    at = (np.arange(n, dtype=np.float64) + 0.5) * STEP_S
    sound = praat.Sound(samples.astype(np.float64), sampling_frequency=rate)
    pitch = voice_pitch(sound, STEP_S)
    frequency = pitch.selected_array["frequency"]
    hertz = _nearest(pitch.xs(), np.where(frequency > 0, frequency, np.nan), at)
    found[Track.PITCH] = hertz
    intensity = sound.to_intensity(minimum_pitch=75.0, time_step=STEP_S)
    decibels: npt.NDArray[np.float64] = intensity.values[0]
    times: npt.NDArray[np.float64] = intensity.xs()
    found[Track.INTENSITY] = np.interp(at, times, decibels, np.nan, np.nan) - FULL_SCALE_DB
    _add_formants(found, sound, rate, hertz, at)
    sounding = sounding_frames(praat.praat.call, intensity, times, float(np.ptp(decibels)))
    nuclei = [
        times[i]
        for i in syllable_nuclei(decibels, sounding)
        if not np.isnan(pitch.get_value_at_time(times[i]))
    ]
    found[Track.RATE] = _rate(np.array(nuclei), times, sounding, at)
    return found


def _nearest(
    times: npt.NDArray[np.float64], values: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The value of the frame nearest to each moment; NaN farther than a step from all."""
    if times.size == 0:
        return np.full(at.size, np.nan)
    index = np.clip(np.searchsorted(times, at), 1, max(1, times.size - 1)).clip(max=times.size - 1)
    before = np.maximum(index - 1, 0)
    index = np.where(np.abs(times[before] - at) <= np.abs(times[index] - at), before, index)
    near = np.abs(times[index] - at) <= STEP_S
    return np.where(near, values[index], np.nan)


def _add_formants(
    found: FloatArray,
    sound: Any,
    rate: int,
    hertz: npt.NDArray[np.float64],
    at: npt.NDArray[np.float64],
) -> None:
    voiced = ~np.isnan(hertz)
    if not voiced.any():
        return
    high = float(np.median(hertz[voiced])) >= _HIGH_VOICE_HZ
    ceiling = min(_HIGH_CEILING_HZ if high else _LOW_CEILING_HZ, rate / 2)
    formants = sound.to_formant_burg(
        time_step=STEP_S,
        max_number_of_formants=max(3.0, min(5.0, ceiling // _HZ_PER_FORMANT + 1)),
        maximum_formant=ceiling,
        window_length=_FORMANT_WINDOW_S,
    )
    for number, row in enumerate((Track.F1, Track.F2, Track.F3), 1):
        values = [formants.get_value_at_time(number, moment) for moment in at[voiced].tolist()]
        found[row, voiced] = values


def _rate(
    nuclei: npt.NDArray[np.float64],
    times: npt.NDArray[np.float64],
    sounding: npt.NDArray[np.bool_],
    at: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    step = float(times[1] - times[0]) if times.size > 1 else STEP_S
    passed = np.concatenate(([0.0], np.cumsum(sounding) * step))
    first, last = at - _RATE_WINDOW_S / 2, at + _RATE_WINDOW_S / 2
    heard = passed[np.searchsorted(times, last)] - passed[np.searchsorted(times, first)]
    counted = np.searchsorted(nuclei, last) - np.searchsorted(nuclei, first)
    return np.where(heard >= _LEAST_SOUND_S, counted / np.maximum(heard, _LEAST_SOUND_S), np.nan)


def heard_for(key: int) -> tuple[float, float]:
    """From when to when, in seconds, a piece's tracks need the sound: it with its margins."""
    start_s = key * CHUNK_S
    return max(0.0, start_s - MARGIN_S), start_s + CHUNK_S + MARGIN_S


def piece(
    key: int, samples: FloatArray, rate: int, first_s: float, praat: ModuleType
) -> FloatArray:
    """The tracks of ``[key * CHUNK_S, (key + 1) * CHUNK_S)``.

    `samples`, float32 ``(n,)`` at `rate` Hz, are those of `heard_for`, or as much of them as there
    is, from `first_s` on, a multiple of `STEP_S`.

    Returns:
        float32 ``(len(Track), PER_CHUNK)``, NaN where there is nothing.
    """
    if rate > _MOST_HZ:
        samples, rate = np.asarray(soxr.resample(samples, rate, _MOST_HZ), np.float32), _MOST_HZ
    tracks = voice_tracks(samples, rate, praat)
    at = round((first_s - key * CHUNK_S) / STEP_S)
    whole = np.full((len(Track), PER_CHUNK), np.nan, np.float32)
    first, last = max(0, at), min(PER_CHUNK, at + tracks.shape[1])
    if first < last:
        whole[:, first:last] = tracks[:, first - at : last - at]
    return whole


class VoiceReader:
    """Measures a stored stream piece by piece. One thread owns it; memory is that of one piece."""

    def __init__(self, path: Path) -> None:
        """Open the stream's audio file, mono, whose first frame is sample 0.

        Raises:
            EmoliveError: it cannot be opened, or the extra `cues` is not installed.
        """
        self._praat = load_praat()
        self._file = open_session_file(path)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def tile(self, key: int) -> FloatArray:
        """The tracks of a piece (see `piece`).

        Raises:
            AudioFileError: the stretch cannot be read.
        """
        rate = int(self._file.samplerate)
        first_s, last_s = heard_for(key)
        wanted = round((last_s - first_s) * rate)
        samples = read_session_file(self._file, round(first_s * rate), wanted)
        return piece(key, samples, rate, first_s, self._praat)
