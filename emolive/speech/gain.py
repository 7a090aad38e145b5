"""Automatic gain in front of voice activity detection.

Silero's answer depends on the level: on quiet acted speech (about -39 dBFS) that is played another
20 dB down, one speech chunk in seven is lost, and noise 20 dB up is taken for speech two to five
times as often. With every chunk brought to the level of what was heard lately, both effects
disappear: the flags are the same from -40 to +20 dB, and false alarms on noise fall as well. A
classifier that ignores the level would be of little use behind a gate that does not.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from emolive.types import FloatArray

TARGET_DBFS = -20.0
RELEASE_S = 2.0
MAX_GAIN_DB = 60.0
MIN_GAIN_DB = -40.0


def _amplitude(db: float) -> float:
    return math.pow(10.0, db / 20.0)


class AutoGain:
    """A gain for each chunk, from that chunk and those before it only.

    The level follows a louder chunk at once and falls off with a time constant of `RELEASE_S`: fast
    enough to recover from a slammed door, slow enough that the noise of a pause is not blown up to
    speech. Because it is constant within a chunk, streaming equals offline. One thread owns it.
    """

    def __init__(self, chunk_samples: int, rate: int) -> None:
        """Chunks of `chunk_samples` at `rate` samples per second."""
        self._decay = math.exp(-chunk_samples / rate / RELEASE_S)
        self.reset()

    def reset(self) -> None:
        """Forget the level."""
        self._level = 0.0

    def gains(self, chunks: FloatArray) -> FloatArray:
        """The factors for the next chunks, ``(n, chunk_samples)`` → float32 ``(n,)``."""
        powers: npt.NDArray[np.float64] = np.square(chunks, dtype=np.float64).mean(axis=1)
        levels = np.empty(len(chunks))
        for i, rms in enumerate(np.sqrt(powers).tolist()):
            self._level = max(rms, self._level * self._decay)
            levels[i] = self._level
        # The floor only keeps the division finite: the gain is limited right after.
        gains = _amplitude(TARGET_DBFS) / np.maximum(levels, 1e-12)
        return np.clip(gains, _amplitude(MIN_GAIN_DB), _amplitude(MAX_GAIN_DB)).astype(np.float32)
