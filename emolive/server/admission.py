"""How many calls a machine carries, from what they are seen to cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from emolive.i18n import tr

# Of the cores, so much may be used: what is left takes the peaks.
_USABLE = 0.8
# One measurement takes so long; one more counts so much.
_EVERY_S = 5.0
_FOLLOW = 0.3
# The estimate of the start counts as much as so many seconds of one call.
_PRIOR_CALL_S = 30.0
# After windows were skipped no call is taken for so long.
_CALM_S = 10.0


def usable_cores() -> float:
    """Cores that this process may use, less a reserve."""
    affinity = getattr(os, "sched_getaffinity", None)
    return _USABLE * (len(affinity(0)) if affinity else (os.cpu_count() or 1))


def process_seconds() -> float:
    """Processor time of this process so far, of all its threads."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been done so far: `calls` that run now, answers, and answers left out."""

    calls: int
    windows_skipped: int
    lag_s: float


def no_more(calls: int) -> str:
    """That there is no room."""
    return tr(
        "{calls} calls are monitored, and this computer carries no more: try again "
        "when one has ended.",
        calls=calls,
    )


class Admission:
    """Decides whether one more call is taken; `look` is to be called now and then.

    The cost of a call is this process's processor time by the calls that ran meanwhile, beginning
    with an estimate. Once answers are late, none is taken until that has been over for a while.
    """

    def __init__(
        self,
        estimate: float,
        *,
        hop_s: float,
        limit: float | None = None,
        most: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = process_seconds,
    ) -> None:
        """`estimate`: cores that a call will take; `limit`: cores that may be used in all.

        `most`: no more calls than this, whatever they cost.
        """
        self.limit = usable_cores() if limit is None else limit
        self.cost = estimate
        self.cores = 0.0
        self._most = most
        self._hop_s = hop_s
        self._clock = clock
        self._spent = spent
        self._weight = _PRIOR_CALL_S
        self._at = clock()
        self._spent_at = spent()
        self._call_s = 0.0
        self._looked_at = self._at
        self._skipped = 0
        self._calm_at = self._at

    @property
    def capacity(self) -> int:
        """So many calls can be run."""
        capacity = int(self.limit / max(self.cost, 1e-6))
        return capacity if self._most is None else min(capacity, self._most)

    def look(self, progress: Progress) -> None:
        """See what the calls cost, and whether they keep up."""
        now = self._clock()
        self._call_s += progress.calls * (now - self._looked_at)
        self._looked_at = now
        if progress.windows_skipped > self._skipped or progress.lag_s > 2 * self._hop_s:
            self._calm_at = now + _CALM_S
        self._skipped = progress.windows_skipped
        if now - self._at < _EVERY_S:
            return
        spent = self._spent()
        self.cores = (spent - self._spent_at) / (now - self._at)
        if self._call_s >= 0.5 * (now - self._at):
            measured = (spent - self._spent_at) / self._call_s
            share = min(_FOLLOW, self._call_s / (self._weight + self._call_s))
            self.cost += max(share, 0.02) * (measured - self.cost)
            self._weight = max(0.0, self._weight - self._call_s)
        self._at, self._spent_at, self._call_s = now, spent, 0.0

    def refusal(self, calls: int) -> str | None:
        """Why one more than `calls` that run is not taken; None: it is."""
        if calls >= self.capacity:
            return no_more(calls)
        if self._clock() < self._calm_at:
            return tr(
                "The calls that are monitored are late: no other is taken until that is over."
            )
        return None
