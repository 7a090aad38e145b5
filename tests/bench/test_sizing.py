"""The simulation of many calls, against what is known of queues."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from emolive.bench.sizing import Load, simulate

LOAD = Load(calls=400, cost=0.02, cores=4)


def erlang_b(offered: float, places: int) -> float:
    """The share of calls that find no place, by Erlang's formula."""
    logs = [n * math.log(offered) - math.lgamma(n + 1) for n in range(places + 1)]
    most = max(logs)
    return math.exp(logs[-1] - most) / sum(math.exp(one - most) for one in logs)


def test_as_many_machines_as_have_room() -> None:
    assert LOAD.per_worker == 40
    assert LOAD.machines == 3
    assert Load(10_000, 0.03).machines == math.ceil((10_000 + 300) / (26 * 8))
    found = simulate(LOAD, LOAD.machines)
    assert found.refused < 0.001
    assert found.fullest <= LOAD.per_worker
    assert found.skipped == 0.0
    # An answer costs 10 ms, and has to wait for a few others at most.
    assert 8 < found.p50_ms < found.p99_ms < 150


@pytest.mark.parametrize("share", [1.0, 1.2])
def test_refusals_are_those_of_erlang(share: float) -> None:
    # One pool of places, since the least loaded worker is full only when all are.
    load = replace(LOAD, calls=300)
    found = simulate(load, 2, share=share, seconds=1.0)
    assert found.refused == pytest.approx(erlang_b(300 * share, 320), abs=0.02)


def test_with_admission_those_that_run_keep_their_latency() -> None:
    crowded = replace(LOAD, calls=470)
    kept = simulate(crowded, 3, share=1.2)
    taken = simulate(crowded, 3, share=1.2 * 1.2, admission=False)
    assert kept.refused > 0.1
    assert kept.skipped == 0.0
    assert kept.p99_ms < 250
    assert taken.refused == 0.0
    assert taken.busiest_cores > 1.0
    assert taken.skipped > 0.05
    assert taken.p99_ms > kept.p99_ms


def test_a_single_call_waits_for_nobody() -> None:
    found = simulate(Load(1, 0.02), 1, seconds=600.0)
    assert found.p50_ms == pytest.approx(10.0 / math.sqrt(1 + 0.35**2), rel=0.05)
