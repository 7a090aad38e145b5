"""Telephone speech or not: how far up the sound of a stream reaches.

A telephone line passes 300 to 3,400 Hz at 8 kHz sampling. Such speech often arrives at a higher
rate, resampled by a softphone or a recorder, so the rate alone does not tell. In speech that is not
cut off, the strongest tenth of a second of every few seconds (a fricative, a burst) reaches within
45 dB of the voice above 4.4 kHz; what is left there after a telephone is 50 dB down and more.
"""

from __future__ import annotations

import numpy as np

from emolive.acoustics.spectrogram import SPECTROGRAM, band_centres
from emolive.types import Band, FloatArray

TELEPHONE_RATE = 8_000
NARROW_AFTER_S = 10.0
WIDE_AFTER_S = 1.5

_VOICE_HZ = (300.0, 3_400.0)
_ABOVE_HZ = 4_400.0
_NOTHING_DB = -47.0
_MEASURED_SHARE = 95  # percentile over frames: louder than a click, shorter than a fricative
_DB = 10.0 / np.log(10.0)


class BandDetector:
    """One stream's band: by its native rate, otherwise by what its speech holds above 4 kHz.

    It holds two sums. `by_rate` tells that the rate alone decides, so that no frames are needed.
    One thread owns it.
    """

    def __init__(self, native_rate: int) -> None:
        """Judge frames of `SPECTROGRAM`; the audio had `native_rate` Hz at first."""
        centres = band_centres(SPECTROGRAM)
        self._voice = np.flatnonzero((centres >= _VOICE_HZ[0]) & (centres <= _VOICE_HZ[1]))
        # The topmost bands hold what anti-aliasing filters leave, whatever came before.
        topmost = 0.95 * SPECTROGRAM.f_max
        self._above = np.flatnonzero((centres >= _ABOVE_HZ) & (centres <= topmost))
        self.by_rate = native_rate <= TELEPHONE_RATE
        self.band = Band.NARROW if self.by_rate else None
        self._wide_s = 0.0
        self._narrow_s = 0.0

    def accept(self, log_mel: FloatArray, speech_s: float) -> None:
        """Judge a window of frames, natural log power ``(n_mels, n_frames)``, not normalised.

        `speech_s` is how much new speech it brought, in seconds: what it counts for.
        """
        if self.by_rate or speech_s <= 0:
            return
        voice, above = (_high(log_mel[bands]) for bands in (self._voice, self._above))
        if _DB * (above - voice) > _NOTHING_DB:
            self._wide_s += speech_s
            self._narrow_s = 0.0
            if self._wide_s >= WIDE_AFTER_S:
                self.band = Band.WIDE
        else:
            self._narrow_s += speech_s
            if self._narrow_s >= NARROW_AFTER_S:
                self.band = Band.NARROW
                self._wide_s = 0.0


def _high(log_mel: FloatArray) -> float:
    """The percentile over frames of their strongest band."""
    strongest = log_mel.max(axis=0)
    # Without interpolation, which would take ten times as long.
    place = round(_MEASURED_SHARE / 100 * (len(strongest) - 1))
    return float(np.partition(strongest, place)[place])
