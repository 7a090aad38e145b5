"""`emolive bench`: what the live path costs here, beside the usual way."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import psutil
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from emolive import __version__
from emolive.adapt.head import check_installed
from emolive.adapt.teaching import usual_base
from emolive.bench.calls import WallTiming, measure_wall
from emolive.bench.stages import (
    Archive,
    Capacity,
    Soak,
    Timing,
    measure_archive,
    measure_capacity,
    read_speech,
    resident_mb,
    soak,
    time_latency,
    time_stages,
)
from emolive.bench.teaching import time_teaching
from emolive.bench.throughput import Throughput, measure_throughput
from emolive.cli.console import Console
from emolive.cli.desktop import has_display
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import CANNOT, DONE, print_json, say, tell
from emolive.inference import loading
from emolive.inference.classifier import default_threads
from emolive.inference.placement import Placement, placement
from emolive.inference.providers import Requested
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad

_GROWTH_LIMIT = 0.05
_USUAL_REPEATS = 30


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run measured."""

    version: str
    machine: str
    model: str
    provider: str
    threads: int
    hop_s: float
    stages: list[Timing]
    latency: Timing
    usual_way: list[Timing]
    capacity: Capacity
    archive: Archive
    memory_mb: float
    soak: Soak | None
    wall: WallTiming | None = None
    placement: Placement | None = None
    throughput: Throughput | None = None


def run_bench(
    model: Path | None,
    provider: str,
    hop_s: float,
    seconds: float,
    soak_hours: float | None,
    calls: int | None = None,
    desktop_hours: float | None = None,
    *,
    as_json: bool,
) -> int:
    """Measure and print; 2 when a soak's memory grew by more than 5 %."""
    if desktop_hours:
        return _soak_desktop(model, provider, hop_s, desktop_hours, as_json=as_json)
    tell("Measuring; this takes about a minute. Other load on the machine shows in the numbers.")
    report = _measure(model, provider, hop_s, seconds, soak_hours)
    if calls:
        report = replace(report, wall=_measure_wall(model, provider, hop_s, seconds, calls))
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)
    if report.soak and report.soak.growth > _GROWTH_LIMIT:
        tell(f"Memory grew by {report.soak.growth:.1%} after warm-up: please report this.")
        return CANNOT
    return DONE


def _measure(
    model: Path | None, provider: str, hop_s: float, seconds: float, soak_hours: float | None
) -> Report:
    path = asset(DEMO_AUDIO)
    classifier = load_classifier(model, provider)
    config = engine_config(hop_s, classifier)
    vad = SileroVad()
    speech = read_speech(path, classifier.metadata.front_end.sampling_rate)
    stages = time_stages(speech, classifier, vad, config, hops=200)
    latency = time_latency(path, classifier, vad, config, seconds)
    usual, usual_core = _usual_way(default_threads())
    single = loading.load_classifier(model, "cpu", threads=1)
    capacity = measure_capacity(speech, single, vad, config)
    archive = measure_archive(path, single, vad, config)
    if usual_core:
        spent_s = sum(timing.median_ms for timing in usual_core) / 1e3
        archive = replace(archive, usual_way=hop_s / spent_s)
    single.close()
    memory = resident_mb()
    long_run = None
    if soak_hours:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task(f"{soak_hours:g} h of audio", total=1.0)
            long_run = soak(
                speech,
                classifier,
                vad,
                config,
                soak_hours,
                lambda share: progress.update(task, completed=share),
            )
    report = Report(
        version=__version__,
        machine=f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        model=classifier.metadata.name,
        provider=classifier.provider,
        threads=default_threads(),
        hop_s=hop_s,
        stages=stages,
        latency=latency,
        usual_way=usual,
        capacity=capacity,
        archive=archive,
        memory_mb=memory,
        soak=long_run,
    )
    classifier.close()
    if report.provider == "CPU":
        return report
    # A graphics card also works for archives and many calls, in large batches.
    requested = cast(Requested, provider)
    return replace(
        report,
        placement=placement(loading.open_model(model, requested)),
        throughput=measure_throughput(model, requested, speech),
    )


def _measure_wall(
    model: Path | None, provider: str, hop_s: float, seconds: float, calls: int
) -> WallTiming:
    classifier = load_classifier(model, provider)
    rate = classifier.metadata.front_end.sampling_rate
    speech = read_speech(asset(DEMO_AUDIO), rate)
    config = engine_config(hop_s, classifier)
    timing = measure_wall(
        speech, rate, classifier, SileroVad(), config, calls=calls, seconds=seconds
    )
    classifier.close()
    return timing


def _usual_way(threads: int) -> tuple[list[Timing], list[Timing]]:
    """The yardstick: how long it takes, and what it takes of one core.

    Empty without the training extra. In a process of its own: this program does not import torch.
    """
    if any(importlib.util.find_spec(name) is None for name in ("torch", "librosa", "training")):
        return [], []
    command = [sys.executable, "-m", "training.usual_way", "--threads", str(threads)]
    command += ["--repeats", str(_USUAL_REPEATS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tell("The usual way could not be measured: " + done.stderr.strip().rpartition("\n")[2])
        return [], []
    times = json.loads(done.stdout)
    wall, processor = (
        [Timing.of(name, each) for name, each in times[clock].items()]
        for clock in ("wall", "processor")
    )
    return wall, processor


def _show(report: Report) -> None:
    console = Console()
    table = Table(title=f"emolive {report.version} on {report.machine}", title_justify="left")
    table.add_column("")
    table.add_column("median ms", justify="right")
    table.add_column("p99 ms", justify="right")
    table.add_column("n", justify="right")
    table.add_section()
    table.add_row(Text(f"per hop of {report.hop_s:g} s, {report.provider}, {report.model}", "bold"))
    for timing in report.stages:
        _add(table, timing)
    _add(table, report.latency)
    if report.usual_way:
        table.add_section()
        table.add_row(Text("the usual way, per window", "bold"))
        for timing in report.usual_way:
            _add(table, timing)
    table.add_section()
    table.add_row(Text("archives, per core", "bold"), Text("x real time", "bold"))
    _add_speed(table, f"`emolive analyze`, a window each {report.hop_s:g} s", report.archive.speed)
    if report.archive.usual_way is not None:
        _add_speed(table, "the usual way, the same windows", report.archive.usual_way)
    console.print(table)
    if report.usual_way:
        usual = sum(timing.median_ms for timing in report.usual_way)
        ratio = usual / report.stages[-1].median_ms
        console.print(f"One hop here costs 1/{ratio:.1f} of the usual way (medians).")
    else:
        console.print("The usual way was not measured: it needs the training extra.")
    capacity = report.capacity
    console.print(
        f"One core carries {capacity.streams_per_core:.0f} live streams "
        f"({capacity.classified_share:.0%} of the windows with speech, batches of 8)."
    )
    console.print(f"Memory: {report.memory_mb:.0f} MB.")
    if report.placement:
        console.print(f"On {report.provider}: {report.placement}.")
    if report.throughput:
        console.print(_batches(report.throughput))
    if report.wall:
        wall = report.wall
        console.print(
            f"{wall.calls} stereo calls in real time for {wall.seconds:.0f} s, customers inferred, "
            f"once each had been answered, after {wall.warm_up_s:.1f} s: "
            f"{wall.windows_per_s:.0f} windows/s, {wall.fewest} to {wall.most} of a call; "
            f"{wall.windows_skipped} of {wall.windows + wall.windows_skipped} windows skipped; "
            f"answers after {wall.latency_p50_ms:.0f} ms (median), {wall.latency_p99_ms:.0f} ms "
            f"(p99), at most {wall.lag_max_s:.1f} s behind; {wall.cores:.2f} cores in use."
        )
    if report.soak:
        console.print(
            f"{report.soak.hours:g} h of audio, {report.soak.windows} windows, in "
            f"{report.soak.wall_s:.0f} s: {report.soak.warm_mb:.0f} MB after warm-up, at most "
            f"{report.soak.peak_mb:.0f} MB ({report.soak.growth:+.1%})."
        )


def _batches(throughput: Throughput) -> Table:
    """Windows per second, from audio in host memory to answers there."""
    rate = throughput.matrix_rate
    title = f"{throughput.file} on {throughput.provider}, windows in, answers out"
    if rate:
        title += f" (matrix products: {rate / 1e12:.0f} TFLOP/s)"
    table = Table(title=title, title_justify="left")
    for name in (
        "windows",
        "batch",
        "median ms",
        "p99 ms",
        "windows/s",
        "of the matrix rate",
        "CUDA graph",
    ):
        table.add_column(name, justify="right")
    for one in throughput.batches:
        table.add_row(
            "of one recording" if one.together else "of as many calls",
            str(one.batch),
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.windows_per_s:,.0f}",
            "" if one.matrix_share is None else f"{one.matrix_share:.1%}",
            "yes" if one.graphs else "no",
        )
    return table


def _add(table: Table, timing: Timing) -> None:
    table.add_row(
        "  " + timing.name, f"{timing.median_ms:.2f}", f"{timing.p99_ms:.2f}", str(timing.n)
    )


def _add_speed(table: Table, name: str, speed: float) -> None:
    table.add_row(f"  {name}", f"{speed:.1f}")


def _soak_desktop(
    model: Path | None, provider: str, hop_s: float, hours: float, *, as_json: bool
) -> int:
    """Measure and print; 2 when memory grew by more than 5 % after the first eighth.

    Without a display the window is drawn offscreen.
    """
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from emolive.ui.soak import FRAME_S, soak_desktop

    classifier = load_classifier(model, provider)
    config = engine_config(hop_s, classifier)
    speech = read_speech(asset(DEMO_AUDIO), classifier.metadata.front_end.sampling_rate)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{hours:g} h in the window", total=1.0)
        soak = soak_desktop(
            speech,
            classifier,
            SileroVad(),
            config,
            hours,
            lambda share: progress.update(task, completed=share),
        )
    classifier.close()
    if as_json:
        print_json(asdict(soak))
    else:
        title = (
            f"{soak.hours:g} h in {soak.wall_s:.0f} s, {FRAME_S:g} s of speech a frame, window "
            f"{soak.size[0]} x {soak.size[1]} ({soak.platform})"
        )
        table = Table(title=title, title_justify="left")
        columns = ("until hour", "frames", "median ms", "p95 ms", "worst ms", "memory MB")
        for column in columns:
            table.add_column(column, justify="right")
        for part in soak.parts:
            table.add_row(
                f"{part.hours:.2f}",
                str(part.frames),
                f"{part.median_ms:.1f}",
                f"{part.p95_ms:.1f}",
                f"{part.worst_ms:.1f}",
                f"{part.memory_mb:.0f}",
            )
        Console().print(table)
    if soak.growth > _GROWTH_LIMIT:
        tell(f"Memory grew by {soak.growth:.1%} after the first eighth: please report this.")
        return CANNOT
    return DONE


def run_teaching_bench(model: Path | None, provider: str, *, as_json: bool) -> int:
    """Measure and print.

    Raises:
        EmoliveError: scikit-learn is missing, or the model cannot be used.
    """
    check_installed()
    classifier = load_classifier(model or usual_base(), provider)
    try:
        timing = time_teaching(classifier)
        name = classifier.metadata.name
    finally:
        classifier.close()
    if as_json:
        print_json(asdict(timing) | {"model": name, "added": timing.added})
        return DONE
    say(
        f"{timing.labels} labels of {timing.classes} classes on {name} ({timing.features} "
        f"features): learned in {timing.learning_s:.1f} s, judged in {timing.judging_s:.1f} s."
    )
    say(
        f"A window takes {timing.window.median_ms:.2f} ms; an adapted model adds "
        f"{1e3 * timing.layer.median_ms:.0f} µs, {timing.added:.2%}."
    )
    return DONE
