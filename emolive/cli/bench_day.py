"""`emolive bench --server --hours`: a day of calls that come and go, and what is left of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from emolive.bench.day import Day, Kept, run_day
from emolive.bench.stages import read_speech
from emolive.cli.outcome import CANNOT, DONE, say, tell
from emolive.errors import EmoliveError
from emolive.inference.bundled import model_path
from emolive.inference.model_files import read_metadata
from emolive.resources import DEMO_AUDIO, asset
from emolive.server.settings import check_server

_GROWTH_LIMIT = 0.05


def run_server_day(
    model: Path | None,
    provider: str,
    hop_s: float,
    hours: float,
    *,
    server: bool,
    workers: int | None,
    as_json: bool,
) -> int:
    """Run and print; 2 when memory grew by more than 5 %, or when something is left of calls.

    Raises:
        EmoliveError: something needed is missing, or the server did not come up.
    """
    if not server:
        raise EmoliveError("--hours is about calls of a server: give --server, too.")
    check_server()
    tell("Calls come and go. Other programs make it slower, and change nothing of what is left.")
    serve = None
    if workers is not None:
        from emolive.cluster.live.serve import serve_for_bench

        serve = partial(serve_for_bench, workers=workers)
    rate = read_metadata(model_path(model)).sampling_rate
    speech = read_speech(asset(DEMO_AUDIO), rate)
    day = run_day(
        speech, rate, model, provider, hop_s, hours, serve=serve, tell=lambda one: tell(_line(one))
    )
    if as_json:
        report = asdict(day) | {"growth": day.growth, "left": list(day.left)}
        say(json.dumps(report, indent=2))
    else:
        say(_summary(day))
    return DONE if day.growth <= _GROWTH_LIMIT and not day.left else CANNOT


def _line(one: Kept) -> str:
    inside = "" if one.tasks is None else f", {one.tasks} tasks, {one.calls} calls held"
    return (
        f"Hour {one.hours:.0f}: {one.calls_so_far} calls so far, {one.memory_mb:.0f} MB, "
        f"{one.threads} threads, {one.files} files, {one.sockets} sockets, {one.processes} "
        f"processes{inside}."
    )


def _summary(day: Day) -> str:
    left = f"left of them: {', '.join(day.left)}" if day.left else "nothing is left of them"
    first, last = day.looks[0], day.looks[-1]
    return (
        f"{day.hours:g} hours, {day.calls} calls with {day.seconds_of_calls / 3_600:.1f} hours of "
        f"two parties: memory {day.growth:+.1%} ({first.memory_mb:.0f} MB after warm-up, "
        f"{last.memory_mb:.0f} MB in the end), {left}."
    )
