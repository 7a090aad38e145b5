"""Counts and distributions that take a fixed amount of memory."""

from __future__ import annotations

import numpy as np


class Tally:
    """How often something happened, and for how long in all (samples)."""

    def __init__(self) -> None:
        self.count = 0
        self.samples = 0

    def add(self, samples: int, count: int = 1) -> None:
        """It happened `count` more times, for `samples` in all."""
        self.count += count
        self.samples += samples


class OffsetHistogram:
    """Signed durations: an exact mean, quantiles to half a bin.

    Size: bins of `BIN_S` from -`REACH_S` to `REACH_S` seconds; what lies beyond counts in the
    outermost bin.
    """

    BIN_S = 0.01
    REACH_S = 30.0

    def __init__(self, rate: int) -> None:
        """Durations are in samples at `rate`."""
        self._rate = rate
        self._reach = round(self.REACH_S / self.BIN_S)
        self._counts = np.zeros(2 * self._reach + 1, np.int64)
        self._sum = 0
        self.count = 0

    def add(self, samples: int) -> None:
        """One more duration."""
        index = round(samples / self._rate / self.BIN_S)
        self._counts[min(max(index, -self._reach), self._reach) + self._reach] += 1
        self._sum += samples
        self.count += 1

    @property
    def mean_s(self) -> float | None:
        """The mean in seconds, None of nothing."""
        return self._sum / self._rate / self.count if self.count else None

    def quantile_s(self, share: float) -> float | None:
        """The smallest bin that `share` of the durations do not exceed, in seconds."""
        if not self.count:
            return None
        needed = max(1, int(np.ceil(share * self.count)))
        index = int(np.searchsorted(np.cumsum(self._counts), needed))
        return round((index - self._reach) * self.BIN_S, 6)
