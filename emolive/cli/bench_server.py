"""`emolive bench` of servers: calls over sockets, a day of them, and machines for many."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from emolive.bench.calls import WallTiming, measure_wall
from emolive.bench.day import Day, Kept, run_day
from emolive.bench.served import Serve
from emolive.bench.server import ServerTiming, measure_server
from emolive.bench.sizing import Load, Sizing, check_simpy, simulate
from emolive.bench.stages import read_speech
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import CANNOT, DONE, print_json, say, tell
from emolive.errors import EmoliveError
from emolive.inference.bundled import model_path
from emolive.inference.model_files import read_metadata
from emolive.resources import DEMO_AUDIO, asset
from emolive.server.settings import check_server
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray

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


def run_server_bench(
    model: Path | None,
    provider: str,
    hop_s: float,
    seconds: float,
    calls: int | None,
    *,
    workers: int | None = None,
    as_json: bool,
) -> int:
    """Measure and print; `workers`: on a local cluster of so many.

    Raises:
        EmoliveError: something needed is missing, or the server did not come up.
    """
    check_server()
    tell("Measuring calls over sockets. Other load on the machine shows in the numbers.")
    classifier = load_classifier(model, provider)
    rate = classifier.metadata.front_end.sampling_rate
    speech = read_speech(asset(DEMO_AUDIO), rate)
    tried: list[tuple[int, bool]] = []
    serve = _serving(workers)
    if calls is None:
        calls = _most_calls(speech, rate, model, provider, hop_s, tried, serve)
    config = engine_config(hop_s, classifier)
    rounds = []
    # In turn, so that other programs disturb both alike.
    for _ in range(_ROUNDS):
        engine = measure_wall(
            speech, rate, classifier, SileroVad(), config, calls=calls, seconds=seconds
        )
        server = measure_server(
            speech, rate, model, provider, hop_s, calls=calls, seconds=seconds, serve=serve
        )
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
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)
    return DONE


def _demo_for(model: Path | None) -> tuple[FloatArray, int]:
    """The demo's speech at the rate of a model, and that rate."""
    rate = read_metadata(model_path(model)).sampling_rate
    return read_speech(asset(DEMO_AUDIO), rate), rate


def _serving(workers: int | None) -> Serve | None:
    """What runs the server: a local cluster of so many workers; None: as usual."""
    if workers is None:
        return None
    from emolive.cluster.live.serve import serve_for_bench

    return partial(serve_for_bench, workers=workers)


def _most_calls(
    speech: FloatArray,
    rate: int,
    model: Path | None,
    provider: str,
    hop_s: float,
    tried: list[tuple[int, bool]],
    serve: Serve | None,
) -> int:
    """The most calls of which no window is skipped; twice as many each time, then in between."""
    good, bad, calls = 0, _MOST, _FIRST
    while bad - good > max(1, _NEAR * good):
        found = measure_server(
            speech, rate, model, provider, hop_s, calls=calls, seconds=_TRIAL_S, serve=serve
        )
        tell(f"{calls} calls: {found.windows_skipped} windows skipped, {found.cores:.2f} cores.")
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
        f"{server.calls} two-party calls over sockets for {server.seconds:.0f} s, customers "
        f"inferred: {server.windows_skipped} windows skipped, answers on a watcher's socket "
        f"{server.latency_p50_ms:.0f} ms (median), {server.latency_p99_ms:.0f} ms (p99) after the "
        f"packet, {server.cores:.2f} cores, {server.memory_mb:.0f} MB."
    )
    say(
        f"The same without a server: {engine.windows_skipped} windows skipped, answers after "
        f"{engine.latency_p50_ms:.0f} ms (median), {engine.latency_p99_ms:.0f} ms (p99), "
        f"{engine.cores:.2f} cores."
    )
    least, overhead, most = report.overheads
    say(
        f"Of {len(report.overheads)} rounds in turn: the server adds {overhead:.0%} ({least:.0%} "
        f"to {most:.0%}) to what monitoring takes; a call costs {report.cores_per_call:.4f} cores "
        f"with a server, {report.engine_cores_per_call:.4f} without."
    )
    if overhead > _MARK:
        tell(f"More than the {_MARK:.0%} that a server should add.")


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
    serve = _serving(workers)
    speech, rate = _demo_for(model)
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
        print_json(report)
        return DONE
    say(
        f"{calls} calls: {load.machines} machines of {load.cores} cores, a worker on each core, "
        f"which takes {load.per_worker} calls."
    )
    for name, one in found.items():
        say(_sizing_line(name, one))
    return DONE


def _sizing_line(name: str, one: Sizing) -> str:
    return (
        f"{name}: {one.refused:.1%} of the calls refused; the fullest worker has {one.fullest} "
        f"calls ({one.busiest_cores:.2f} of its core), answers after {one.p50_ms:.0f} ms (median), "
        f"{one.p99_ms:.0f} ms (p99), {one.skipped:.1%} of them skipped."
    )


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
    speech, rate = _demo_for(model)
    serve = _serving(workers)
    day = run_day(
        speech, rate, model, provider, hop_s, hours, serve=serve, tell=lambda one: tell(_hour(one))
    )
    if as_json:
        report = asdict(day) | {"growth": day.growth, "left": list(day.left)}
        print_json(report)
    else:
        say(_day_summary(day))
    return DONE if day.growth <= _GROWTH_LIMIT and not day.left else CANNOT


def _hour(one: Kept) -> str:
    inside = "" if one.tasks is None else f", {one.tasks} tasks, {one.calls} calls held"
    return (
        f"Hour {one.hours:.0f}: {one.calls_so_far} calls so far, {one.memory_mb:.0f} MB, "
        f"{one.threads} threads, {one.files} files, {one.sockets} sockets, {one.processes} "
        f"processes{inside}."
    )


def _day_summary(day: Day) -> str:
    left = f"left of them: {', '.join(day.left)}" if day.left else "nothing is left of them"
    first, last = day.looks[0], day.looks[-1]
    return (
        f"{day.hours:g} hours, {day.calls} calls with {day.seconds_of_calls / 3_600:.1f} hours of "
        f"two parties: memory {day.growth:+.1%} ({first.memory_mb:.0f} MB after warm-up, "
        f"{last.memory_mb:.0f} MB in the end), {left}."
    )
