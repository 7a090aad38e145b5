"""`emolive alerts`, `audit` and `policy`: commands and options; the work is in `alert_commands`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.options import (
    Commands,
    HopOption,
    JsonReport,
    LibraryOption,
    ModelOption,
    Provider,
    ProviderOption,
)

app = typer.Typer(
    cls=Commands,
    help="Rules for alerts: check them, try them on past calls, see what waits for webhooks.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Side(StrEnum):
    """A channel of a call."""

    LEFT = "left"
    RIGHT = "right"


RulesArgument = Annotated[Path, typer.Argument(metavar="RULES.toml", help="The file of rules.")]


@app.command()
def example() -> int:
    """Print a file of rules to begin with, explained in comments."""
    from emolive.cli.alert_commands import run_example

    return run_example()


@app.command()
def secret() -> int:
    """Print a new secret for a webhook."""
    from emolive.cli.alert_commands import run_secret

    return run_secret()


@app.command()
def check(rules: RulesArgument, model: ModelOption = None) -> int:
    """Check a file of rules against the model, and say what each rule does.

    A rule that is wrong is named with the key, and the exit code is 2.
    """
    from emolive.cli.alert_commands import run_check

    return run_check(rules, model)


@app.command("test")
def try_rules(
    rules: RulesArgument,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Recordings, or JSON results of `analyze`; without any: the recorded sessions.",
        ),
    ] = None,
    library: LibraryOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="WHEN", help="Sessions from a day (2025-01-31) or span (7d) on."
        ),
    ] = None,
    agent_channel: Annotated[
        Side | None,
        typer.Option(
            "--agent-channel", help="Stereo recordings are calls; the agent is on this channel."
        ),
    ] = None,
    pair: Annotated[
        bool,
        typer.Option("--pair", help="The two files named are one call: the agent's comes first."),
    ] = False,
    json: JsonReport = False,
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
    hop: HopOption = 0.5,
) -> int:
    """Try rules on past calls: how often would they have fired per hour, where, and when.

    Nothing is sent. A recording that cannot be read is reported, and the exit code is 1.
    """
    from emolive.cli.alert_commands import run_test
    from emolive.cli.alert_inputs import PastOptions

    options = PastOptions(
        paths=tuple(paths or ()),
        library=library,
        since=since,
        agent=None if agent_channel is None else agent_channel.value,
        pair=pair,
        model=model,
        provider=provider.value,
        hop_s=hop,
    )
    return run_test(rules, options, as_json=json)


@app.command()
def outbox(
    retry: Annotated[
        bool, typer.Option("--retry", help="Let messages that were refused wait again.")
    ] = False,
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show the messages that wait for webhooks, and those that a server refused."""
    from emolive.cli.alert_commands import run_outbox

    return run_outbox(library, retry=retry, as_json=json)


@app.command()
def deliver(
    rules: RulesArgument,
    library: LibraryOption = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1.0, help="Try for so long.")
    ] = 60.0,
) -> int:
    """Deliver what waits for the webhooks of a file of rules; the exit code is 1 if some stays."""
    from emolive.cli.alert_commands import run_deliver

    return run_deliver(rules, library, timeout)


@app.command()
def bench(
    json: JsonReport = False,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", min=10.0, help="How long to measure.")
    ] = 60.0,
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
    hop: HopOption = 0.5,
) -> int:
    """Measure how long it takes from a condition that is true to the webhook's server having it.

    The exit code is 2 when 1 % take longer than one hop and 100 ms, or one is missing.
    """
    from emolive.cli.alert_commands import run_bench

    return run_bench(model, provider.value, hop, seconds, as_json=json)


def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nothing was changed or removed; else 1.")
    ] = False,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            metavar="TEXT",
            help="With --verify: what an earlier check printed, which the log must still hold.",
        ),
    ] = None,
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show the audit log: who permitted what, changed settings, deleted sessions, and when."""
    from emolive.cli.alert_commands import run_audit, run_audit_check

    if verify or fingerprint is not None:
        return run_audit_check(library, fingerprint, as_json=json)
    return run_audit(library, as_json=json)


def policy(
    file: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Another file than the configured one."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a policy file to begin with.")
    ] = False,
) -> int:
    """Show what is to be confirmed before agents' emotions are inferred, and what is decided."""
    from emolive.cli.alert_commands import run_policy

    return run_policy(file, example=example)
