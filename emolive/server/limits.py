"""How often somebody may do something."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_KEYS = 10_000


class RateLimiter:
    """A token bucket for each key: `burst` at once, `per_second` in the long run.

    It knows 10,000 keys; overflow policy: the ones that were quiet for longest are forgotten, which
    fills their buckets.
    """

    def __init__(
        self, per_second: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """All buckets are full."""
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until it may be done once more; 0.0: now."""
        return max(0.0, (1.0 - self._level(key)) / self._per_second)

    def take(self, key: str) -> bool:
        """Do it once; whether that was allowed."""
        level = self._level(key)
        allowed = level >= 1.0
        self._buckets[key] = level - allowed, self._clock()
        self._buckets.move_to_end(key)
        while len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        return allowed

    def _level(self, key: str) -> float:
        level, at = self._buckets.get(key, (float(self._burst), self._clock()))
        return min(float(self._burst), level + (self._clock() - at) * self._per_second)
