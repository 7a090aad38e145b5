"""`emolive bench --sizing`: how many machines many calls take, from what a call costs here."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from emolive.bench.server import measure_server
from emolive.bench.sizing import Load, Sizing, check_simpy, simulate
from emolive.bench.stages import read_speech
from emolive.cli.outcome import DONE, say, tell
from emolive.cli.serve_commands import check_server
from emolive.inference.bundled import model_path
from emolive.inference.model_files import read_metadata
from emolive.resources import DEMO_AUDIO, asset

_MEASURED_CALLS = 8


def run_sizing_bench(
    model: Path | None,
    provider: str,
    hop_s: float,
    seconds: float,
    calls: int,
    *,
    workers: int | None = None,
    as_json: bool,
) -> int:
    """Measure what a call costs, simulate, and print.

    Raises:
        EmoliveError: something needed is missing, or the server did not come up.
    """
    check_server()
    check_simpy()
    tell(f"Measuring {_MEASURED_CALLS} calls over sockets for {seconds:.0f} s.")
    serve = None
    if workers is not None:
        from emolive.cluster.live.serve import serve_for_bench

        serve = partial(serve_for_bench, workers=workers)
    rate = read_metadata(model_path(model)).sampling_rate
    speech = read_speech(asset(DEMO_AUDIO), rate)
    measured = measure_server(
        speech, rate, model, provider, hop_s, calls=_MEASURED_CALLS, seconds=seconds, serve=serve
    )
    load = Load(calls, measured.cores / _MEASURED_CALLS, hop_s=hop_s)
    tell(f"A call costs {load.cost:.3f} of a core here. Simulating {calls} calls.")
    found = {
        "as many calls as they are for": simulate(load, load.machines),
        "120 %, refused": simulate(load, load.machines, share=1.2),
        "120 %, all taken": simulate(load, load.machines, share=1.2, admission=False),
    }
    if as_json:
        report = {"load": asdict(load), **{name: asdict(one) for name, one in found.items()}}
        say(json.dumps(report, indent=2))
        return DONE
    say(
        f"{calls} calls: {load.machines} machines of {load.cores} cores, a worker on each core, "
        f"which takes {load.per_worker} calls."
    )
    for name, one in found.items():
        say(_line(name, one))
    return DONE


def _line(name: str, one: Sizing) -> str:
    return (
        f"{name}: {one.refused:.1%} of the calls refused; the fullest worker has {one.fullest} "
        f"calls ({one.busiest_cores:.2f} of its core), answers after {one.p50_ms:.0f} ms (median), "
        f"{one.p99_ms:.0f} ms (p99), {one.skipped:.1%} of them skipped."
    )
