"""All runs of an engine together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from emolive.types import EngineStatus


@dataclass(frozen=True, slots=True)
class EngineTotals:
    """All runs together.

    ``running`` counts the runs that are not over. ``latency_p50_ms`` and ``latency_p99_ms`` are
    those of the last few thousand answers (0.0 without any), from a window's last sample being
    available to its answer; ``lag_s`` is that of the run that is furthest behind.
    """

    runs: int
    running: int
    windows: int
    windows_skipped: int
    overflows: int
    latency_p50_ms: float
    latency_p99_ms: float
    lag_s: float

    @classmethod
    def of(
        cls, statuses: Sequence[EngineStatus], latencies_s: Sequence[float], hung_s: float
    ) -> Self:
        """Of runs with these statuses, which are older than they should be by `hung_s`."""
        p50, p99 = np.percentile(latencies_s, (50, 99)) if latencies_s else (0.0, 0.0)
        streams = [stream for status in statuses for stream in status.streams]
        going = [status for status in statuses if not status.state.over]
        return cls(
            runs=len(statuses),
            running=len(going),
            windows=sum(stream.windows for stream in streams),
            windows_skipped=sum(stream.windows_skipped for stream in streams),
            overflows=sum(status.overflows for status in statuses),
            latency_p50_ms=1000 * float(p50),
            latency_p99_ms=1000 * float(p99),
            lag_s=max((status.lag_s + hung_s for status in going), default=0.0),
        )
