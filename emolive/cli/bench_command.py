"""`emolive bench`: its options, and which measurement they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from emolive.cli.options import JsonReport, ModelOptions


@dataclass(frozen=True, slots=True)
class Asked:
    """With what is measured.

    `workers`: servers run on a local cluster of so many (None: on this computer alone).
    """

    using: ModelOptions
    workers: int | None
    as_json: bool


def bench(
    json: JsonReport = False,
    seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=5.0, help="How long to measure latency, live."),
    ] = 40.0,
    soak: Annotated[
        float | None,
        typer.Option(metavar="HOURS", min=0.1, help="Also push this much audio through, flat out."),
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=256, help="Also monitor N stereo calls at once."),
    ] = None,
    server: Annotated[
        bool,
        typer.Option(
            "--server", help="Only this: calls over sockets, --calls of them or as many as can be."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="With --server or --sizing: on a local Ray cluster."),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            metavar="HOURS",
            min=2.0,
            help="With --server: so many hours of calls that come and go, accelerated, and what is "
            "left of them.",
        ),
    ] = None,
    sizing: Annotated[
        int | None,
        typer.Option(
            metavar="CALLS",
            min=1,
            max=1_000_000,
            help="Only this: how many machines so many calls take, simulated from what one costs.",
        ),
    ] = None,
    teaching: Annotated[
        bool,
        typer.Option(
            "--teaching",
            help="Only this: how long 1,000 labels are learned, and what the result costs live.",
        ),
    ] = False,
    desktop: Annotated[
        float | None,
        typer.Option(
            metavar="HOURS",
            min=0.1,
            help="Only this: hours in the window on accelerated input, frame times and memory.",
        ),
    ] = None,
    *,
    using: ModelOptions,
) -> int:
    """Measure time per hop, latency, streams per core and memory on this machine.

    With the training extra also what the usual way takes. The exit code is 2 when a soak's memory
    grows by more than 5 %.
    """
    asked = Asked(using, workers, json)
    if sizing is not None:
        from emolive.cli.bench_server import run_sizing_bench

        return run_sizing_bench(asked, seconds, sizing)
    if hours is not None:
        from emolive.cli.bench_server import run_server_day

        return run_server_day(asked, hours, server=server)
    if server:
        from emolive.cli.bench_server import run_server_bench

        return run_server_bench(asked, seconds, calls)
    if teaching:
        from emolive.cli.bench import run_teaching_bench

        return run_teaching_bench(asked)
    if desktop:
        from emolive.cli.bench_desktop import run_desktop_soak

        return run_desktop_soak(asked, desktop)
    from emolive.cli.bench import run_bench

    return run_bench(asked, seconds, soak, calls)
