"""The last minutes of a stream's audio, for questions asked afterwards."""

from __future__ import annotations

from collections import deque

import numpy as np

from emolive.types import FloatArray

_MAX_GAPS = 256


class AudioMemory:
    """The last `seconds` of one stream, addressed by absolute sample index.

    Size: float32, 3.8 MB a minute at 16 kHz, allocated at once. Overflow policy: the oldest is
    overwritten. Gaps are remembered, so that nothing is ever read across one. One thread owns it.
    """

    def __init__(self, rate: int, seconds: float) -> None:
        """Empty; `rate` in Hz."""
        self.rate = rate
        self.capacity = round(rate * seconds)
        self._samples = np.zeros(self.capacity, np.float32)
        self._first = 0  # nothing before it is held, whatever the ring's size
        self.end = 0  # the sample that comes next
        self._gaps: deque[tuple[int, int]] = deque()

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes; does not change."""
        return self._samples.nbytes

    @property
    def start(self) -> int:
        """The oldest sample that is held."""
        return max(self._first, self.end - self.capacity)

    def add(self, end_sample: int, samples: FloatArray) -> None:
        """Enter float32 ``(n,)`` that ends just before `end_sample`; what is held already stays."""
        start = end_sample - len(samples)
        if start < self.end:
            samples = samples[self.end - start :]
            start = self.end
        if not len(samples):
            return
        if start > self.end:
            self._enter_gap(self.end, start)
        kept = samples[-self.capacity :]
        slots = np.arange(end_sample - len(kept), end_sample) % self.capacity
        self._samples[slots] = kept
        self.end = end_sample

    def read(self, start: int, end: int) -> FloatArray | None:
        """A copy of ``[start, end)``; None when a part of it is not held or lies in a gap."""
        if not self.start <= start < end <= self.end:
            return None
        if any(first < end and start < last for first, last in self._gaps):
            return None
        return self._samples[np.arange(start, end) % self.capacity]

    def _enter_gap(self, start: int, end: int) -> None:
        if start == 0:
            self._first = end  # before the first sample there is no gap, only nothing
            return
        while self._gaps and self._gaps[0][1] <= self.start:
            self._gaps.popleft()
        if len(self._gaps) == _MAX_GAPS:
            self._first = self._gaps.popleft()[1]
        self._gaps.append((start, end))
