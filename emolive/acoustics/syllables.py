"""Syllable nuclei from the energy envelope: an estimate of how fast somebody speaks.

After de Jong and Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate
automatically", Behavior Research Methods 41(2), 385-390: a nucleus is a peak of intensity with a
dip of at least 2 dB before and behind it, not more than 25 dB below the loudest. Theirs takes the
loudest of the whole recording and drops peaks without pitch; this one runs along with the speech,
so it takes the loudest of the last seconds, and it measures intensity between 300 and 3,300 Hz,
where vowels are strong, fricatives are weak, and a telephone passes everything.
"""

from __future__ import annotations

import numpy as np

from emolive.acoustics.spectrogram import band_centres, spectrogram_at
from emolive.types import FloatArray

_VOWELS_HZ = (300.0, 3_300.0)
_SMOOTHING_S = 0.05
_DIP_DB = 2.0
_RANGE_DB = 25.0
_FORGET_DB_PER_S = 3.0
# A peak whose dip takes longer to come is a sustained sound, not a syllable.
LONGEST_S = 2.0


class SyllableNuclei:
    """One stream's nuclei, in order, each found once the dip behind it is there.

    It holds a few frames; one thread owns it.
    """

    def __init__(self, rate: int) -> None:
        """Of the frames of `spectrogram_at(rate)`."""
        spec = spectrogram_at(rate)
        centres = band_centres(spec)
        self._bands = (centres >= _VOWELS_HZ[0]) & (centres <= _VOWELS_HZ[1])
        self._hop = spec.hop_length
        self._centre = spec.win_length // 2
        hop_s = spec.hop_length / spec.sampling_rate
        self._width = max(1, round(_SMOOTHING_S / hop_s))
        self._forget_db = _FORGET_DB_PER_S * hop_s
        self._longest = round(LONGEST_S * spec.sampling_rate)
        self._next = 0
        self.reset()

    def reset(self) -> None:
        """Begin again, after a gap."""
        self._tail = np.empty(0, np.float64)
        self._loudest = -np.inf
        self._lowest = np.inf  # since the last nucleus
        self._peak = -np.inf  # since the dip before it
        self._peak_at = 0
        self._rising = False

    def accept(self, start_sample: int, log_mel: FloatArray) -> list[int]:
        """Add frames, natural-log power ``(n_mels, n)``; return the samples of new nuclei.

        Frames that do not follow those before begin anew.
        """
        n = log_mel.shape[1]
        if start_sample != self._next:
            self.reset()
        self._next = start_sample + n * self._hop
        power = np.exp(log_mel[self._bands].astype(np.float64)).sum(axis=0)
        signal = np.concatenate((self._tail, power))
        first = start_sample - len(self._tail) * self._hop
        self._tail = signal[max(0, len(signal) - self._width + 1) :]
        if len(signal) < self._width:
            return []
        smooth = np.convolve(signal, np.full(self._width, 1 / self._width), mode="valid")
        middle = first + (self._width - 1) * self._hop // 2 + self._centre
        found = []
        for index, level in enumerate((10.0 * np.log10(np.maximum(smooth, 1e-12))).tolist()):
            nucleus = self._follow(level, middle + index * self._hop)
            if nucleus is not None:
                found.append(nucleus)
        return found

    def _follow(self, level: float, at: int) -> int | None:
        """One more level in dB; the sample of a nucleus that it completes."""
        self._loudest = max(level, self._loudest - self._forget_db)
        if not self._rising:
            self._lowest = min(level, self._lowest)
            if level >= self._lowest + _DIP_DB:
                self._rising = True
                self._peak, self._peak_at = level, at
            return None
        if level > self._peak:
            self._peak, self._peak_at = level, at
        elif level <= self._peak - _DIP_DB:
            self._rising = False
            self._lowest = level
            if self._peak >= self._loudest - _RANGE_DB and at - self._peak_at <= self._longest:
                return self._peak_at
        return None
