"""`emolive bench`: what the live path costs here, beside the usual way."""

from __future__ import annotations

import importlib.util
import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import cast

import psutil
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
from emolive.cli.bench_command import Asked
from emolive.cli.console import Console, columns, progress_bar
from emolive.cli.loading import load_classifier, load_model
from emolive.cli.outcome import CANNOT, DONE, print_json, say, tell
from emolive.i18n import decimal, mark, tr
from emolive.inference import loading
from emolive.inference.classifier import default_threads
from emolive.inference.placement import Placement, placement
from emolive.inference.providers import Requested
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.wording import percent, signed_percent

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


def run_bench(asked: Asked, seconds: float, soak_hours: float | None, calls: int | None) -> int:
    """Measure and print; 2 when a soak's memory grew by more than 5 %."""
    tell("Measuring; this takes about a minute. Other load on the machine shows in the numbers.")
    report = _measure(asked, seconds, soak_hours)
    if calls:
        report = replace(report, wall=_measure_wall(asked, seconds, calls))
    if asked.as_json:
        print_json(report)
    else:
        _show(report)
    if report.soak and report.soak.growth > _GROWTH_LIMIT:
        tell(
            "Memory grew by {growth} after warm-up: please report this.",
            growth=percent(report.soak.growth, 1),
        )
        return CANNOT
    return DONE


def _measure(asked: Asked, seconds: float, soak_hours: float | None) -> Report:
    path = asset(DEMO_AUDIO)
    classifier, config = load_model(asked.using)
    vad = SileroVad()
    speech = read_speech(path, classifier.metadata.front_end.sampling_rate)
    stages = time_stages(speech, classifier, vad, config, hops=200)
    latency = time_latency(path, classifier, vad, config, seconds)
    usual, usual_core = _usual_way(default_threads())
    single = loading.load_classifier(asked.using.model, "cpu", threads=1)
    capacity = measure_capacity(speech, single, vad, config)
    archive = measure_archive(path, single, vad, config)
    if usual_core:
        spent_s = sum(timing.median_ms for timing in usual_core) / 1e3
        archive = replace(archive, usual_way=asked.using.hop / spent_s)
    single.close()
    memory = resident_mb()
    long_run = None
    if soak_hours:
        with progress_bar(tr("{hours} h of audio", hours=decimal(soak_hours))) as progress:
            long_run = soak(
                speech, classifier, vad, config, soak_hours, lambda share: progress(share, 1.0)
            )
    report = Report(
        version=__version__,
        machine=f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        model=classifier.metadata.name,
        provider=classifier.provider,
        threads=default_threads(),
        hop_s=asked.using.hop,
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
    requested = cast(Requested, asked.using.processor)
    return replace(
        report,
        placement=placement(loading.open_model(asked.using.model, requested)),
        throughput=measure_throughput(asked.using.model, requested, speech),
    )


def _measure_wall(asked: Asked, seconds: float, calls: int) -> WallTiming:
    classifier, config = load_model(asked.using)
    rate = classifier.metadata.front_end.sampling_rate
    speech = read_speech(asset(DEMO_AUDIO), rate)
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
        tell(
            "The usual way could not be measured: {reason}",
            reason=done.stderr.strip().rpartition("\n")[2],
        )
        return [], []
    times = json.loads(done.stdout)
    wall, processor = (
        [Timing.of(name, each) for name, each in times[clock].items()]
        for clock in ("wall", "processor")
    )
    return wall, processor


def _show(report: Report) -> None:
    console = Console()
    numbers = (mark("median ms"), mark("p99 ms"), mark("n"))
    title = tr("emolive {version} on {machine}", version=report.version, machine=report.machine)
    table = columns("", *numbers, numbers=numbers, title=title, title_justify="left")
    table.add_section()
    table.add_row(
        Text(
            tr(
                "per hop of {hop_s} s, {provider}, {model}",
                hop_s=decimal(report.hop_s),
                provider=report.provider,
                model=report.model,
            ),
            "bold",
        )
    )
    for timing in report.stages:
        _add(table, timing)
    _add(table, report.latency)
    if report.usual_way:
        table.add_section()
        table.add_row(Text(tr("the usual way, per window"), "bold"))
        for timing in report.usual_way:
            _add(table, timing)
    table.add_section()
    table.add_row(Text(tr("archives, per core"), "bold"), Text(tr("x real time"), "bold"))
    _add_speed(
        table,
        tr("`emolive analyze`, a window each {hop_s} s", hop_s=decimal(report.hop_s)),
        report.archive.speed,
    )
    if report.archive.usual_way is not None:
        _add_speed(table, tr("the usual way, the same windows"), report.archive.usual_way)
    console.print(table)
    if report.usual_way:
        usual = sum(timing.median_ms for timing in report.usual_way)
        ratio = usual / report.stages[-1].median_ms
        console.print(
            tr("One hop here costs 1/{ratio} of the usual way (medians).", ratio=decimal(ratio, 1))
        )
    else:
        console.print(tr("The usual way was not measured: it needs the training extra."))
    capacity = report.capacity
    console.print(
        tr(
            "One core carries {streams_per_core} live streams ({classified_share} of the "
            "windows with speech, batches of 8).",
            streams_per_core=decimal(capacity.streams_per_core, 0),
            classified_share=percent(capacity.classified_share),
        )
    )
    console.print(tr("Memory: {memory_mb} MB.", memory_mb=decimal(report.memory_mb, 0)))
    if report.placement:
        console.print(f"On {report.provider}: {report.placement}.")
    if report.throughput:
        console.print(_batches(report.throughput))
    if report.wall:
        wall = report.wall
        console.print(
            tr(
                "{calls} stereo calls in real time for {seconds} s, customers inferred, "
                "once each had been answered, after {warm_up_s} s: {windows_per_s} "
                "windows/s, {fewest} to {most} of a call; {windows_skipped} of {windows} "
                "windows skipped; answers after {latency_p50_ms} ms (median), "
                "{latency_p99_ms} ms (p99), at most {lag_max_s} s behind; {cores} cores "
                "in use.",
                calls=wall.calls,
                seconds=decimal(wall.seconds, 0),
                warm_up_s=decimal(wall.warm_up_s, 1),
                windows_per_s=decimal(wall.windows_per_s, 0),
                fewest=wall.fewest,
                most=wall.most,
                windows_skipped=wall.windows_skipped,
                windows=wall.windows + wall.windows_skipped,
                latency_p50_ms=decimal(wall.latency_p50_ms, 0),
                latency_p99_ms=decimal(wall.latency_p99_ms, 0),
                lag_max_s=decimal(wall.lag_max_s, 1),
                cores=decimal(wall.cores, 2),
            )
        )
    if report.soak:
        console.print(
            tr(
                "{hours} h of audio, {windows} windows, in {wall_s} s: {warm_mb} MB "
                "after warm-up, at most {peak_mb} MB ({growth}).",
                hours=decimal(report.soak.hours),
                windows=report.soak.windows,
                wall_s=decimal(report.soak.wall_s, 0),
                warm_mb=decimal(report.soak.warm_mb, 0),
                peak_mb=decimal(report.soak.peak_mb, 0),
                growth=signed_percent(report.soak.growth, 1),
            )
        )


def _batches(throughput: Throughput) -> Table:
    """Windows per second, from audio in host memory to answers there."""
    rate = throughput.matrix_rate
    title = tr(
        "{file} on {provider}, windows in, answers out",
        file=throughput.file,
        provider=throughput.provider,
    )
    if rate:
        title = tr(
            "{title} (matrix products: {rate} TFLOP/s)", title=title, rate=decimal(rate / 1e12, 0)
        )
    numbers = (
        mark("windows"), mark("batch"), mark("median ms"), mark("p99 ms"), mark("windows/s"),
        mark("of the matrix rate"), mark("CUDA graph (bench only)"),
    )  # fmt: skip
    table = columns(*numbers, numbers=numbers, title=title, title_justify="left")
    for one in throughput.batches:
        table.add_row(
            tr("of one recording") if one.together else tr("of as many calls"),
            str(one.batch),
            decimal(one.p50_ms, 2),
            decimal(one.p99_ms, 2),
            decimal(one.windows_per_s, 0),
            "" if one.matrix_share is None else percent(one.matrix_share, 1),
            tr("yes") if one.graphs else tr("no"),
        )
    return table


def _add(table: Table, timing: Timing) -> None:
    table.add_row(
        "  " + tr(timing.name),
        decimal(timing.median_ms, 2),
        decimal(timing.p99_ms, 2),
        str(timing.n),
    )


def _add_speed(table: Table, name: str, speed: float) -> None:
    table.add_row(f"  {name}", decimal(speed, 1))


def run_teaching_bench(asked: Asked) -> int:
    """Measure and print.

    Raises:
        EmoliveError: scikit-learn is missing, or the model cannot be used.
    """
    check_installed()
    classifier = load_classifier(asked.using.model or usual_base(), asked.using.processor)
    try:
        timing = time_teaching(classifier)
        name = classifier.metadata.name
    finally:
        classifier.close()
    if asked.as_json:
        print_json(asdict(timing) | {"model": name, "added": timing.added})
        return DONE
    say(
        "{labels} labels of {classes} classes on {name} ({features} features): "
        "learned in {learning_s} s, judged in {judging_s} s.",
        labels=timing.labels,
        classes=timing.classes,
        name=name,
        features=timing.features,
        learning_s=decimal(timing.learning_s, 1),
        judging_s=decimal(timing.judging_s, 1),
    )
    say(
        "A window takes {window_ms} ms; a taught model adds {layer_us} µs, {added}.",
        window_ms=decimal(timing.window.median_ms, 2),
        layer_us=decimal(1000.0 * timing.layer.median_ms, 0),
        added=percent(timing.added, 2),
    )
    return DONE
