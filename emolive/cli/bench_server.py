"""`emolive bench` of servers: calls over sockets, a day of them, and machines for many."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from emolive.bench.calls import WallTiming, measure_wall
from emolive.bench.day import Day, Kept, run_day
from emolive.bench.server import Serve, ServerTiming, measure_server
from emolive.bench.sizing import Load, Sizing, check_simpy, simulate
from emolive.bench.stages import read_speech
from emolive.cli.bench_command import Asked
from emolive.cli.loading import load_model
from emolive.cli.outcome import CANNOT, DONE, print_json, say, tell
from emolive.errors import EmoliveError
from emolive.i18n import decimal, tr
from emolive.inference.bundled import model_path
from emolive.inference.model_files import read_metadata
from emolive.resources import DEMO_AUDIO, asset
from emolive.server.settings import check_server
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray
from emolive.wording import percent, signed_percent

_MEASURED_CALLS = 8  # for a sizing
_FIRST = 8
_MOST = 512
_TRIAL_S = 12.0
# Two numbers of calls that are so near each other are the same.
_NEAR = 0.1
_ROUNDS = 3
_MARK = 0.15
_GROWTH_LIMIT = 0.05


@dataclass(frozen=True, slots=True)
class ServerReport:
    """`tried` are the calls that were tried at once and whether no window was skipped.

    ``overheads`` is what the server takes beside monitoring itself, as a share of that, in each
    round; ``server`` and ``engine`` are of the round with the median of them.
    """

    server: ServerTiming
    engine: WallTiming
    overheads: tuple[float, ...]
    cores_per_call: float
    engine_cores_per_call: float
    tried: tuple[tuple[int, bool], ...] = ()


def run_server_bench(asked: Asked, seconds: float, calls: int | None) -> int:
    """Measure and print.

    Raises:
        EmoliveError: something needed is missing, or the server did not come up.
    """
    check_server()
    tell("Measuring calls over sockets. Other load on the machine shows in the numbers.")
    tried: list[tuple[int, bool]] = []
    if calls is None:
        calls = _most_calls(asked, tried)
    speech, rate = _demo_for(asked.using.model)
    classifier, config = load_model(asked.using)
    rounds = []
    # In turn, so that other programs disturb both alike.
    for _ in range(_ROUNDS):
        engine = measure_wall(
            speech, rate, classifier, SileroVad(), config, calls=calls, seconds=seconds
        )
        server = _measured(asked, calls, seconds)
        added = server.cores / engine.cores - 1
        rounds.append((added if server.overhead is None else server.overhead, server, engine))
    classifier.close()
    rounds.sort(key=lambda one: one[0])
    _, server, engine = rounds[_ROUNDS // 2]
    report = ServerReport(
        server,
        engine,
        tuple(overhead for overhead, _, _ in rounds),
        server.cores / calls,
        engine.cores / calls,
        tuple(tried),
    )
    if asked.as_json:
        print_json(report)
    else:
        _show(report)
    return DONE


def _demo_for(model: Path | None) -> tuple[FloatArray, int]:
    """The demo's speech at the rate of a model, and that rate."""
    rate = read_metadata(model_path(model)).sampling_rate
    return read_speech(asset(DEMO_AUDIO), rate), rate


def _measured(asked: Asked, calls: int, seconds: float) -> ServerTiming:
    """What so many calls of the demo's speech cost."""
    return measure_server(
        *_demo_for(asked.using.model),
        asked.using.model,
        asked.using.processor,
        asked.using.hop,
        calls=calls,
        seconds=seconds,
        serve=_serving(asked.workers),
    )


def _serving(workers: int | None) -> Serve | None:
    """What runs the server: a local cluster of so many workers; None: as usual."""
    if workers is None:
        return None
    from emolive.cluster.live.serve import serve_for_bench

    return partial(serve_for_bench, workers=workers)


def _most_calls(asked: Asked, tried: list[tuple[int, bool]]) -> int:
    """The most calls of which no window is skipped; twice as many each time, then in between."""
    good, bad, calls = 0, _MOST, _FIRST
    while bad - good > max(1, _NEAR * good):
        found = _measured(asked, calls, _TRIAL_S)
        tell(
            "{calls} calls: {windows_skipped} windows skipped, {cores} cores.",
            calls=calls,
            windows_skipped=found.windows_skipped,
            cores=decimal(found.cores, 2),
        )
        fine = not found.windows_skipped
        if not fine and (calls, False) not in tried:
            # Another program may have been at work for a moment.
            tried.append((calls, False))
            continue
        tried.append((calls, fine))
        good, bad = (calls, bad) if fine else (good, calls)
        calls = 2 * good if bad == _MOST and good else (good + bad) // 2
    return max(1, good)


def _show(report: ServerReport) -> None:
    server, engine = report.server, report.engine
    say(
        "{calls} two-party calls over sockets for {seconds} s, customers inferred: "
        "{windows_skipped} windows skipped, answers on a watcher's socket "
        "{latency_p50_ms} ms (median), {latency_p99_ms} ms (p99) after the packet, "
        "{cores} cores, {memory_mb} MB.",
        calls=server.calls,
        seconds=decimal(server.seconds, 0),
        windows_skipped=server.windows_skipped,
        latency_p50_ms=decimal(server.latency_p50_ms, 0),
        latency_p99_ms=decimal(server.latency_p99_ms, 0),
        cores=decimal(server.cores, 2),
        memory_mb=decimal(server.memory_mb, 0),
    )
    say(
        "The same without a server: {windows_skipped} windows skipped, answers after "
        "{latency_p50_ms} ms (median), {latency_p99_ms} ms (p99), {cores} cores.",
        windows_skipped=engine.windows_skipped,
        latency_p50_ms=decimal(engine.latency_p50_ms, 0),
        latency_p99_ms=decimal(engine.latency_p99_ms, 0),
        cores=decimal(engine.cores, 2),
    )
    least, overhead, most = report.overheads
    say(
        "Of {rounds} rounds in turn: the server adds {overhead} ({least} to {most}) "
        "to what monitoring takes; a call costs {cores_per_call} cores with a "
        "server, {engine_cores_per_call} without.",
        rounds=len(report.overheads),
        overhead=percent(overhead),
        least=percent(least),
        most=percent(most),
        cores_per_call=decimal(report.cores_per_call, 4),
        engine_cores_per_call=decimal(report.engine_cores_per_call, 4),
    )
    if overhead > _MARK:
        tell("More than the {share} that a server should add.", share=percent(_MARK))


def run_sizing_bench(asked: Asked, seconds: float, calls: int) -> int:
    """Measure what a call costs, simulate, and print.

    Raises:
        EmoliveError: something needed is missing, or the server did not come up.
    """
    check_server()
    check_simpy()
    tell(
        "Measuring {calls} calls over sockets for {seconds} s.",
        calls=_MEASURED_CALLS,
        seconds=decimal(seconds, 0),
    )
    measured = _measured(asked, _MEASURED_CALLS, seconds)
    load = Load(calls, measured.cores / _MEASURED_CALLS, hop_s=asked.using.hop)
    tell(
        "A call costs {cost} of a core here. Simulating {calls} calls.",
        cost=decimal(load.cost, 3),
        calls=calls,
    )
    found = {
        "as many calls as they are for": simulate(load, load.machines),
        "120 %, refused": simulate(load, load.machines, share=1.2),
        "120 %, all taken": simulate(load, load.machines, share=1.2, admission=False),
    }
    if asked.as_json:
        print_json({"load": load, **found})
        return DONE
    say(
        "{calls} calls: {machines} machines of {cores} cores, a worker on each core, "
        "which takes {per_worker} calls.",
        calls=calls,
        machines=load.machines,
        cores=load.cores,
        per_worker=load.per_worker,
    )
    for name, one in found.items():
        say(_sizing_line(name, one))
    return DONE


def _sizing_line(name: str, one: Sizing) -> str:
    return tr(
        "{name}: {refused} of the calls refused; the fullest worker has {fullest} "
        "calls ({busiest_cores} of its core), answers after {p50_ms} ms (median), "
        "{p99_ms} ms (p99), {skipped} of them skipped.",
        name=name,
        refused=percent(one.refused, 1),
        fullest=one.fullest,
        busiest_cores=decimal(one.busiest_cores, 2),
        p50_ms=decimal(one.p50_ms, 0),
        p99_ms=decimal(one.p99_ms, 0),
        skipped=percent(one.skipped, 1),
    )


def run_server_day(asked: Asked, hours: float, *, server: bool) -> int:
    """Run and print; 2 when memory grew by more than 5 %, or when something is left of calls.

    Raises:
        EmoliveError: something needed is missing, or the server did not come up.
    """
    if not server:
        raise EmoliveError("--hours is about calls of a server: give --server, too.")
    check_server()
    tell("Calls come and go. Other programs make it slower, and change nothing of what is left.")
    day = run_day(
        *_demo_for(asked.using.model),
        asked.using.model,
        asked.using.processor,
        asked.using.hop,
        hours,
        serve=_serving(asked.workers),
        tell=lambda one: tell(_hour(one)),
    )
    if asked.as_json:
        print_json(asdict(day) | {"growth": day.growth, "left": list(day.left)})
    else:
        say(_day_summary(day))
    return DONE if day.growth <= _GROWTH_LIMIT and not day.left else CANNOT


def _hour(one: Kept) -> str:
    inside = (
        ""
        if one.tasks is None
        else tr(", {tasks} tasks, {calls} calls held", tasks=one.tasks, calls=one.calls)
    )
    return tr(
        "Hour {hours}: {calls_so_far} calls so far, {memory_mb} MB, {threads} "
        "threads, {files} files, {sockets} sockets, {processes} processes{inside}.",
        hours=decimal(one.hours, 0),
        calls_so_far=one.calls_so_far,
        memory_mb=decimal(one.memory_mb, 0),
        threads=one.threads,
        files=one.files,
        sockets=one.sockets,
        processes=one.processes,
        inside=inside,
    )


def _day_summary(day: Day) -> str:
    left = (
        tr("left of them: {names}", names=", ".join(day.left))
        if day.left
        else tr("nothing is left of them")
    )
    first, last = day.looks[0], day.looks[-1]
    return tr(
        "{hours} hours, {calls} calls with {call_hours} hours of two parties: "
        "memory {growth} ({first_mb} MB after warm-up, {last_mb} MB in the end), "
        "{left}.",
        hours=decimal(day.hours),
        calls=day.calls,
        call_hours=decimal(day.seconds_of_calls / 3600, 1),
        growth=signed_percent(day.growth, 1),
        first_mb=decimal(first.memory_mb, 0),
        last_mb=decimal(last.memory_mb, 0),
        left=left,
    )
