"""A day of calls in seconds: nothing is left of them, and what would be left is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emolive.bench.day import Day, Kept, run_day
from tests.server.running import speech, tiny


def test_nothing_is_left_of_calls_that_came_and_went(tmp_path: Path) -> None:
    told: list[Kept] = []
    day = run_day(
        speech(10.0, 16_000), 16_000, tiny(tmp_path), "cpu", 0.5, 3.0, pace=40.0,
        calls_per_hour=6, tell=told.append,
    )  # fmt: skip
    assert day.left == ()
    assert day.looks == tuple(told)
    assert [one.calls_so_far for one in day.looks] == [6, 12, 18]
    assert [one.calls for one in day.looks] == [0, 0, 0]
    assert all(one.memory_mb > 50 and one.tasks and one.sockets for one in day.looks)


def test_what_stays_is_told() -> None:
    kept = Kept(1.0, 20, 200.0, 30, 40, 10, 1, 9, 0)
    flat = Day(8.0, 160, 100.0, tuple(replace(kept, hours=float(h)) for h in range(8)))
    assert (flat.growth, flat.left) == (0.0, ())
    leaks = tuple(
        replace(one, sockets=10 + n, tasks=9 + 2 * n, memory_mb=200.0 + 10 * n)
        for n, one in enumerate(flat.looks)
    )
    leaking = replace(flat, looks=leaks)
    assert leaking.left == ("5 sockets", "10 tasks")
    assert leaking.growth > 0.2
    # A pool that was once larger is none.
    busy = tuple(replace(one, threads=30 + 5 * (n % 2)) for n, one in enumerate(flat.looks))
    assert replace(flat, looks=busy).left == ()
