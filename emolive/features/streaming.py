"""Incremental log-mel: each new hop costs only its own frames."""

from __future__ import annotations

import numpy as np

from emolive.features.mel import log_mel
from emolive.features.spec import LogMelSpec
from emolive.types import FloatArray


class StreamingLogMel:
    """Accepts audio in any chunking and keeps the last `capacity` frames.

    Frame indices are absolute: frame ``i`` is column ``i`` of the offline `log_mel` over the whole
    signal. Overflow policy: the oldest frames are overwritten. One thread owns it.
    """

    def __init__(self, spec: LogMelSpec, capacity: int) -> None:
        """Keep `capacity` frames (at least one analysis window)."""
        self.spec = spec
        self.capacity = capacity
        # Every frame is written twice, `capacity` apart, so that any window is one contiguous view.
        self._frames = np.zeros((spec.n_mels, 2 * capacity), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next sample is sample 0 again."""
        self._tail = np.empty(0, np.float32)
        self._n_frames = 0

    @property
    def n_frames(self) -> int:
        """Frames ready since the start, including those no longer kept."""
        return self._n_frames

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add audio, float32 ``(n,)``; return the frames it completed, ``(n_mels, n_new)``."""
        signal = np.concatenate((self._tail, samples))
        new = log_mel(signal, self.spec)
        n_new = new.shape[1]
        self._tail = signal[n_new * self.spec.hop_length :].copy()
        kept = new[:, -self.capacity :]
        slots = (self._n_frames + n_new - kept.shape[1] + np.arange(kept.shape[1])) % self.capacity
        self._frames[:, slots] = kept
        self._frames[:, slots + self.capacity] = kept
        self._n_frames += n_new
        return new

    def window(self, end_frame: int, n_frames: int) -> FloatArray:
        """A copy of frames ``[end_frame - n_frames, end_frame)``, shape ``(n_mels, n_frames)``.

        Raises:
            IndexError: some of them are not ready yet or no longer kept.
        """
        start = end_frame - n_frames
        if end_frame > self._n_frames or start < max(0, self._n_frames - self.capacity):
            raise IndexError(
                f"frames [{start}, {end_frame}) are not held: "
                f"{self._n_frames} ready, the last {self.capacity} kept"
            )
        slot = start % self.capacity
        return self._frames[:, slot : slot + n_frames].copy()
