"""The command line's commands and options, and nothing else: `--help` must be quick."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from emolive import __version__
from emolive.cli import audit as audit_log
from emolive.cli import bench_command
from emolive.cli.analyze_options import AnalyzeOptions, ArchiveBaseline
from emolive.cli.commands import AllCommands, finish
from emolive.cli.language import Typer
from emolive.cli.options import (
    DurationOption,
    HeadlessOption,
    JsonOption,
    JsonReport,
    LiveOptions,
    ModelChoice,
    ModelOption,
    Provider,
    ProviderOption,
)
from emolive.cli.outcome import CANNOT, output_ended, say, tell, watch_output
from emolive.errors import EmoliveError
from emolive.i18n import languages
from emolive.logs import LogLevel, log_to, nothing_unseen

app = Typer(
    cls=AllCommands,
    name="emolive",
    help="Hear how speech feels, live: a running emotion timeline, computed on this machine.",
    epilog="Exit codes: 0 done, 1 done but some inputs failed, 2 wrong usage or environment.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say("emolive {version}", version=__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _emolive(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback when something fails.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    language: Annotated[  # noqa: ARG001 - spoken before anything is said
        str | None,
        typer.Option(
            metavar="|".join(languages()),
            help="Speak it; else as set in the app, or as the system.",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option(help="Log from here on, to standard error or --log-file."),
    ] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Log to this file, for your eyes only."),
    ] = None,
) -> None:
    """Hear how speech feels, live. Without a command, the desktop app opens."""
    context.obj = debug
    if log_level is not None or log_file is not None:
        try:
            context.with_resource(log_to(log_file, log_level or LogLevel.INFO))
        except OSError as error:
            tell(
                "The log cannot be written to {log_file} ({strerror}): name another file.",
                log_file=log_file,
                strerror=error.strerror,
            )
            raise typer.Exit(CANNOT) from error

    def body() -> int:
        from emolive.cli.desktop import open_desktop

        return open_desktop()

    if context.invoked_subcommand is None:
        finish(context, body)


@app.command()
def demo(
    headless: HeadlessOption = False,
    json: JsonOption = False,
    duration: DurationOption = None,
    *,
    using: ModelChoice,
) -> int:
    """Run everything on bundled speech, without a microphone.

    In the app when there is a display, otherwise in the terminal.
    """
    from emolive.cli.live import run_demo

    return run_demo(LiveOptions(headless=headless, json=json, duration=duration, using=using))


@app.command()
def live(
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME|INDEX", help="Input by name, part of it, or index."),
    ] = None,
    channels: Annotated[
        int, typer.Option(metavar="N", min=1, max=2, help="2: left and right as separate streams.")
    ] = 1,
    *,
    options: LiveOptions,
) -> int:
    """Listen to a microphone or another audio input.

    In the app when there is a display, otherwise in the terminal. Ctrl-C ends it.
    """
    from emolive.cli.live import run_live

    return run_live(device, channels, options)


@app.command()
def analyze(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Audio files, or folders that are searched for them, subfolders included; with "
            "--cluster also addresses such as s3://bucket/calls.",
        ),
    ],
    options: AnalyzeOptions,
) -> int:
    """Analyse audio files with exactly the live pipeline, on all cores.

    Each input becomes one result per format, named after it; what was found in a folder keeps its
    subfolders. A file that cannot be read is reported and skipped, the others are done, and the
    exit code is 1. A file named explicitly is always tried, whatever its extension. Stopped or
    killed, the same command with --resume goes on where it was; changed files are done again.
    """
    if options.expected_neutral is not None and options.baseline is ArchiveBaseline.OFF:
        tell("--expected-neutral does nothing without --baseline files or --baseline library.")
    if options.cluster is not None:
        from emolive.cli.analyze_cluster import run_cluster_analyze

        return run_cluster_analyze(paths, options.cluster, options)
    if addresses := [text for text in (*paths, options.out) if "://" in text]:
        raise EmoliveError(
            "{value} is an address: read it with --cluster local.", value=addresses[0]
        )
    from emolive.cli.analyze import run_analyze

    return run_analyze([Path(path) for path in paths], options)


@app.command()
def devices(json: JsonReport = False) -> int:
    """List the audio inputs of this computer."""
    from emolive.cli.devices import run_devices

    return run_devices(as_json=json)


@app.command()
def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show this model's card.")
    ] = None,
    json: JsonReport = False,
) -> int:
    """Compare the models that come with emolive and those you taught, or show one's card."""
    from emolive.cli.models import run_model, run_models

    return run_model(name) if name else run_models(as_json=json)


@app.command()
def doctor(
    json: JsonReport = False,
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
) -> int:
    """Check that everything emolive needs works here.

    The exit code is 2 when something needed is broken.
    """
    from emolive.cli.doctor import run_doctor

    return run_doctor(model, provider.value, as_json=json)


app.command()(bench_command.bench)
app.command()(audit_log.audit)
app.command()(audit_log.policy)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # Names of files and devices need not fit the terminal's encoding.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    watch_output()
    try:
        try:
            with nothing_unseen(tell):
                app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        sys.exit(output_ended(error))
    except Exception:  # with --debug
        tell(traceback.format_exc().rstrip())
        sys.exit(1)
