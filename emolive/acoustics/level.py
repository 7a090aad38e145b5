"""Levels in dB relative to full scale."""

from __future__ import annotations

import math

import numpy as np

from emolive.types import FloatArray

QUIETEST_DBFS = -120.0


def dbfs(amplitude: float) -> float:
    """The level of an amplitude, not below `QUIETEST_DBFS`."""
    return max(QUIETEST_DBFS, 20.0 * math.log10(max(amplitude, 1e-12)))


class ChunkLevel:
    """The RMS level of each chunk of a stream. It holds less than one chunk; one thread owns it."""

    def __init__(self, chunk_samples: int) -> None:
        """Chunks of `chunk_samples`, from sample 0 on."""
        self._chunk = chunk_samples
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next sample is sample 0 again."""
        self._pending = np.empty(0, np.float32)

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add audio, float32 ``(n,)``; return the levels of the chunks it completed, in dBFS."""
        signal = np.concatenate((self._pending, samples))
        n_chunks = signal.size // self._chunk
        self._pending = signal[n_chunks * self._chunk :].copy()
        chunks = signal[: n_chunks * self._chunk].reshape(n_chunks, self._chunk)
        power = np.square(chunks, dtype=np.float64).mean(axis=1)
        quietest = 10.0 ** (QUIETEST_DBFS / 10.0)
        levels: FloatArray = 10.0 * np.log10(np.maximum(power, quietest)).astype(np.float32)
        return levels
