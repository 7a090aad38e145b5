"""`emolive alerts`: rules checked and tried, and what waits for webhooks."""

from __future__ import annotations

import base64
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from emolive.alerts import rule_file
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.dispatch import Dispatcher, unusable_ways
from emolive.alerts.dry_run import DryRun, Finding, RuleFindings
from emolive.alerts.outbox import Message, Outbox
from emolive.alerts.rule_file import check_labels, exposed_secrets, load_rules
from emolive.alerts.webhook_settings import SECRET_PREFIX
from emolive.bench.alerts import time_alerts
from emolive.cli.alert_inputs import PastOptions, past_calls
from emolive.cli.alerting import left_over
from emolive.cli.commands import GROUPS, group
from emolive.cli.console import columns, print_table
from emolive.cli.loading import load_classifier, load_model, open_library
from emolive.cli.options import JsonReport, LibraryOption, ModelOption, ModelOptions
from emolive.cli.outcome import CANNOT, DONE, SOME_INPUTS_FAILED, print_json, say, tell
from emolive.i18n import decimal, mark, moment_text, ntr, tr
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.times import table_time
from emolive.wording import severity_name, stream_name

Json = dict[str, object]
_NUMBERS = (mark("alerts"), mark("per hour"), mark("in calls"), mark("of"))
_SHOWN_FINDINGS = 10
_SECRET_BYTES = 32

app = group(help=GROUPS["alerts"])


RulesArgument = Annotated[Path, typer.Argument(metavar="RULES.toml", help="The file of rules.")]


@app.command()
def example() -> int:
    """Print a file of rules to begin with, explained in comments."""
    sys.stdout.write(rule_file.example())
    return DONE


@app.command()
def secret() -> int:
    """Print a new secret for a webhook."""
    random = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    say(f"{SECRET_PREFIX}{random}")
    return DONE


@app.command()
def check(rules: RulesArgument, model: ModelOption = None) -> int:
    """Check a file of rules against the model, and say what each rule does.

    A rule that is wrong is named with the key, and the exit code is 2.
    """
    found = load_rules(rules)
    classifier = load_classifier(model, "cpu")
    check_labels(found, classifier.metadata.labels, classifier.metadata.name)
    classifier.close()
    for rule in found.rules:
        off = "" if rule.enabled else f" ({tr('off')})"
        say(f"{rule.name}{off} [{severity_name(rule.severity)}]: {_rule_sentence(rule)}")
    # It may well be there where the rules will be used.
    for sentence in unusable_ways(found):
        tell(sentence)
    for sentence in exposed_secrets(found, rules):
        tell(sentence)
    watched = ntr("{count} rule", "{count} rules", len(found.rules))
    told = ntr("{count} webhook", "{count} webhooks", len(found.webhooks))
    tell("{rules} is right: {watched}, {told}.", rules=rules, watched=watched, told=told)
    return DONE


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
    *,
    past: PastOptions,
    as_json: JsonReport = False,
    using: ModelOptions,
) -> int:
    """Try rules on past calls: how often would they have fired per hour, where, and when.

    Nothing is sent. A recording that cannot be read is reported, and the exit code is 1.
    """
    trial = DryRun(load_rules(rules))
    failures = 0

    def failed(sentence: str) -> None:
        nonlocal failures
        failures += 1
        tell(sentence)

    begun = time.monotonic()
    for call in past_calls(tuple(paths or ()), past, using, failed):
        trial.add(call)
    took = time.monotonic() - begun
    if as_json:
        print_json(_trial_object(trial))
    else:
        _show_trial(trial)
    if trial.calls:
        pace = trial.seconds / max(took, 1e-3)
        tell(
            "{seconds} h in {calls}, tried in {took} s ({pace} times real time).",
            seconds=decimal(trial.seconds / 3600, 1),
            calls=_calls(trial.calls),
            took=decimal(took, 1),
            pace=decimal(pace, 0),
        )
    else:
        tell("There was no call to try the rules on: record some, or name files.")
    return SOME_INPUTS_FAILED if failures else DONE


@app.command()
def outbox(
    retry: Annotated[
        bool, typer.Option("--retry", help="Let messages that were refused wait again.")
    ] = False,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show the messages that wait for webhooks, and those that a server refused."""
    with open_library(library) as opened:
        stored = Outbox(opened.database)
        if retry:
            tell(
                "{retry_failed} refused messages wait again.",
                retry_failed=stored.retry_failed(datetime.now(UTC)),
            )
        messages, depth = stored.messages(), stored.depth()
    if as_json:
        print_json({**asdict(depth), "messages": [_outbox_object(message) for message in messages]})
        return DONE
    if messages:
        print_table(_outbox_table(messages))
    tell(
        "{waiting} waiting, {failed} refused, {dropped} dropped in all.",
        waiting=depth.waiting,
        failed=depth.failed,
        dropped=depth.dropped,
    )
    return DONE


@app.command()
def deliver(
    rules: RulesArgument,
    library: LibraryOption = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1.0, help="Try for so long.")
    ] = 60.0,
) -> int:
    """Deliver what waits for the webhooks of a file of rules; the exit code is 1 if some stays."""
    found = load_rules(rules)
    for sentence in exposed_secrets(found, rules):
        tell(sentence)
    dispatcher = Dispatcher(found, library)
    dispatcher.start()
    deadline = time.monotonic() + timeout
    while (depth := dispatcher.status().depth) and depth.waiting:
        if time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    dispatcher.close(1.0)
    status = dispatcher.status()
    delivered = sum(courier.delivered for courier in status.couriers)
    tell(ntr("{count} message delivered.", "{count} messages delivered.", delivered))
    for sentence in left_over(status):
        tell(sentence)
    left = status.depth is not None and (status.depth.waiting or status.depth.failed)
    return SOME_INPUTS_FAILED if left else DONE


@app.command()
def bench(
    as_json: JsonReport = False,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=10.0, help="How long to measure.")
    ] = 60.0,
    *,
    using: ModelOptions,
) -> int:
    """Measure how long it takes from a condition that is true to the webhook's server having it.

    The exit code is 2 when 1 % take longer than one hop and 100 ms, or one is missing.
    """
    tell(
        "Measuring for {seconds} s. Other load on the machine shows in the numbers.",
        seconds=decimal(seconds),
    )
    classifier, config = load_model(using)
    timing = time_alerts(asset(DEMO_AUDIO), classifier, SileroVad(), config, seconds)
    classifier.close()
    if as_json:
        print_json(asdict(timing) | {"within": timing.within})
    else:
        sys.stdout.write(
            tr(
                "{name}: median {median_ms} ms, p99 {p99_ms} ms of {n} alerts (hop {hop} "
                "s; budget one hop and 100 ms: {budget_ms} ms), {raised} missing.\n",
                name=tr(timing.latency.name),
                median_ms=decimal(timing.latency.median_ms, 0),
                p99_ms=decimal(timing.latency.p99_ms, 0),
                n=timing.latency.n,
                hop=decimal(using.hop),
                budget_ms=decimal(timing.budget_ms, 0),
                raised=timing.raised - timing.received,
            )
        )
    return DONE if timing.within else CANNOT


def _show_trial(trial: DryRun) -> None:
    print_table(_trial_table(trial))
    for entry in trial.rules:
        if entry.findings:
            say(f"{entry.rule.name}:")
        for finding in entry.findings[:_SHOWN_FINDINGS]:
            say(_finding_line(finding))
        if (more := len(entry.findings) - _SHOWN_FINDINGS) > 0:
            say("  ... and {more} more: --json prints them all.", more=more)
        for reason, calls in entry.skipped.items():
            tell(
                "{name} had nothing to watch in {calls}: {reason}.",
                name=entry.rule.name,
                calls=_calls(calls),
                reason=reason,
            )
    if trial.per_hour is not None:
        say(
            "All rules: {per_hour} alerts per hour of calls.",
            per_hour=decimal(trial.per_hour, 2),
        )


def _calls(count: int) -> str:
    return ntr("{count} call", "{count} calls", count)


def _rule_sentence(rule: Rule) -> str:
    """When a rule is raised, and what happens then."""
    then = [tr("banner")]
    then += [tr("sound")] if rule.sound else []
    then += [tr("desktop")] if rule.desktop else []
    then += [tr("webhook {name}", name=name) for name in rule.webhooks]
    return tr(
        "{rule} At most every {seconds} s: {then}.",
        rule=rule.in_words(),
        seconds=decimal(rule.cool_down_s),
        then=", ".join(then),
    )


def _trial_table(trial: DryRun) -> Table:
    """One row per rule."""
    table = columns(
        mark("rule"),
        mark("kind"),
        mark("alerts"),
        mark("per hour"),
        mark("in calls"),
        mark("of"),
        numbers=_NUMBERS,
    )
    for entry in trial.rules:
        table.add_row(
            Text(entry.rule.name),
            entry.rule.kind,
            str(len(entry.findings)),
            "–" if entry.per_hour is None else decimal(entry.per_hour, 2),
            str(entry.calls),
            table_time(entry.watched_s),
        )
    return table


def _finding_line(finding: Finding) -> str:
    """Where one alert would have been."""
    stream = stream_name(finding.alert.stream) if finding.alert.stream else tr("call")
    fired = tr("fired {time}", time=table_time(finding.fired_s))
    return (
        f"  {finding.call.name}  {table_time(finding.start_s)} - {table_time(finding.end_s)}  "
        f"{fired}  {stream}  {finding.alert.message}"
    )


def _trial_object(trial: DryRun) -> Json:
    """Everything a trial run found."""
    return {
        "calls": trial.calls,
        "hours": round(trial.seconds / 3600, 6),
        "per_hour": _rounded(trial.per_hour),
        "rules": [_rule_object(entry) for entry in trial.rules],
    }


def _outbox_table(messages: Sequence[Message]) -> Table:
    """The messages, oldest first."""
    table = columns(
        mark("webhook"),
        mark("since"),
        mark("state"),
        mark("tries"),
        mark("last problem"),
        mark("message"),
        numbers=("tries",),
    )
    for message in messages:
        table.add_row(
            Text(message.webhook),
            moment_text(message.created_at.astimezone(), seconds=True),
            message.state,
            str(message.attempts),
            Text(message.last_error or ""),
            Text(message.id),
        )
    return table


def _outbox_object(message: Message) -> Json:
    """One message of the outbox."""
    return {
        "id": message.id,
        "webhook": message.webhook,
        "created_at": message.created_at.isoformat(),
        "state": message.state,
        "attempts": message.attempts,
        "last_error": message.last_error,
    }


def _rule_object(entry: RuleFindings) -> Json:
    return {
        "rule": entry.rule.name,
        "kind": entry.rule.kind,
        "alerts": len(entry.findings),
        "per_hour": _rounded(entry.per_hour),
        "calls": entry.calls,
        "watched_hours": round(entry.watched_s / 3600, 6),
        "not_watched": entry.skipped,
        "findings": [
            {
                "call": finding.call.name,
                "stream": finding.alert.stream,
                "start_s": round(finding.start_s, 6),
                "fired_s": round(finding.fired_s, 6),
                "end_s": round(finding.end_s, 6),
                "message": finding.alert.message,
                "values": {name: round(value, 6) for name, value in finding.alert.values},
            }
            for finding in entry.findings
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
