"""What the `alerts`, `audit` and `policy` commands do, and how that looks in the terminal."""

from __future__ import annotations

import base64
import secrets
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.dry_run import DryRun, Finding, RuleFindings
from emolive.alerts.outbox import Message, Outbox
from emolive.alerts.rule_file import check_labels, example, exposed_secrets, load_rules
from emolive.alerts.ways import unusable_ways
from emolive.alerts.webhook_settings import SECRET_PREFIX
from emolive.bench.alerts import time_alerts
from emolive.cli.alert_inputs import PastOptions, past_calls
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import CANNOT, DONE, SOME_INPUTS_FAILED, say, tell
from emolive.cli.session_commands import open_library, print_json
from emolive.cli.session_tables import print_table
from emolive.cli.watching import left_over
from emolive.consent.permission import STATEMENT
from emolive.consent.policy import EXAMPLE, FILE_NAME, load_policy
from emolive.i18n import ntr
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.records import AuditEntry
from emolive.settings import settings_folder
from emolive.speech.silero import SileroVad
from emolive.times import table_time

Json = dict[str, object]
_SHOWN_FINDINGS = 10
_SECRET_BYTES = 32


def run_example() -> int:
    """Print the example."""
    sys.stdout.write(example())
    return DONE


def run_secret() -> int:
    """Print a new secret."""
    random = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    say(f"{SECRET_PREFIX}{random}")
    return DONE


def run_check(path: Path, model: Path | None) -> int:
    """Check a rules file and print what it does.

    Raises:
        EmoliveError: the file or a rule in it is wrong.
    """
    rules = load_rules(path)
    classifier = load_classifier(model, "cpu")
    check_labels(rules, classifier.metadata.labels, classifier.metadata.name)
    classifier.close()
    for rule in rules.rules:
        off = "" if rule.enabled else " (off)"
        say(f"{rule.name}{off} [{rule.severity}]: {_rule_sentence(rule)}")
    # It may well be there where the rules will be used.
    for sentence in unusable_ways(rules):
        tell(sentence)
    for sentence in exposed_secrets(rules, path):
        tell(sentence)
    watched = ntr("{count} rule", "{count} rules", len(rules.rules))
    told = ntr("{count} webhook", "{count} webhooks", len(rules.webhooks))
    tell(f"{path} is right: {watched}, {told}.")
    return DONE


def run_test(path: Path, options: PastOptions, *, as_json: bool) -> int:
    """Try rules on past calls; 1 when some could not be read.

    Raises:
        EmoliveError: the rules, the library or the model cannot be used.
    """
    trial = DryRun(load_rules(path))
    failures = 0

    def failed(sentence: str) -> None:
        nonlocal failures
        failures += 1
        tell(sentence)

    begun = time.monotonic()
    for call in past_calls(options, failed):
        trial.add(call)
    took = time.monotonic() - begun
    if as_json:
        print_json(_trial_object(trial))
    else:
        _show_trial(trial)
    if trial.calls:
        pace = trial.seconds / max(took, 1e-3)
        tell(
            f"{trial.seconds / 3600:.1f} h in {_calls(trial.calls)}, tried in {took:.1f} s "
            f"({pace:,.0f} times real time)."
        )
    else:
        tell("There was no call to try the rules on: record some, or name files.")
    return SOME_INPUTS_FAILED if failures else DONE


def run_outbox(folder: Path | None, *, retry: bool, as_json: bool) -> int:
    """Show the outbox.

    Raises:
        SessionError: the library cannot be used.
    """
    with open_library(folder) as library:
        outbox = Outbox(library.database)
        if retry:
            tell(f"{outbox.retry_failed(datetime.now(UTC))} refused messages wait again.")
        messages, depth = outbox.messages(), outbox.depth()
    if as_json:
        print_json({**asdict(depth), "messages": [_outbox_object(message) for message in messages]})
        return DONE
    if messages:
        print_table(_outbox_table(messages))
    tell(f"{depth.waiting} waiting, {depth.failed} refused, {depth.dropped} dropped in all.")
    return DONE


def run_deliver(path: Path, folder: Path | None, timeout: float) -> int:
    """Deliver what waits; 1 when some stays.

    Raises:
        EmoliveError: the rules or the library cannot be used.
    """
    rules = load_rules(path)
    for sentence in exposed_secrets(rules, path):
        tell(sentence)
    dispatcher = Dispatcher(rules, folder)
    dispatcher.start()
    deadline = time.monotonic() + timeout
    while (depth := dispatcher.status().depth) and depth.waiting:
        if time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    dispatcher.close(1.0)
    status = dispatcher.status()
    delivered = sum(courier.delivered for courier in status.couriers)
    tell(f"{delivered} message{'' if delivered == 1 else 's'} delivered.")
    for sentence in left_over(status):
        tell(sentence)
    left = status.depth is not None and (status.depth.waiting or status.depth.failed)
    return SOME_INPUTS_FAILED if left else DONE


def run_bench(
    model: Path | None, provider: str, hop_s: float, seconds: float, *, as_json: bool
) -> int:
    """Measure alert latency; 2 when it is not kept."""
    tell(f"Measuring for {seconds:g} s. Other load on the machine shows in the numbers.")
    classifier = load_classifier(model, provider)
    config = engine_config(hop_s, classifier)
    timing = time_alerts(asset(DEMO_AUDIO), classifier, SileroVad(), config, seconds)
    classifier.close()
    if as_json:
        print_json(asdict(timing) | {"within": timing.within})
    else:
        sys.stdout.write(
            f"{timing.latency.name}: median {timing.latency.median_ms:.0f} ms, p99 "
            f"{timing.latency.p99_ms:.0f} ms of {timing.latency.n} alerts (hop {hop_s:g} s; "
            f"budget one hop and 100 ms: {timing.budget_ms:.0f} ms), "
            f"{timing.raised - timing.received} missing.\n"
        )
    return DONE if timing.within else CANNOT


def run_audit(folder: Path | None, *, as_json: bool) -> int:
    """Print the audit log.

    Raises:
        SessionError: the library cannot be used.
    """
    with open_library(folder) as library:
        entries = library.audit_log()
    if as_json:
        print_json([_audit_object(entry) for entry in entries])
    elif entries:
        print_table(_audit_table(entries))
    else:
        tell("The audit log is empty.")
    return DONE


def run_audit_check(folder: Path | None, noted: str | None, *, as_json: bool) -> int:
    """Check the audit log; 1 when it is not as it was written.

    Raises:
        SessionError: the library cannot be used.
    """
    with open_library(folder) as library:
        found = library.check_audit_log(noted and noted.strip().lower())
    if as_json:
        print_json(asdict(found))
    elif found.problem is not None:
        tell(f"The audit log of {library.folder} was tampered with: {found.problem}.")
    elif found.entries:
        say(f"{found.fingerprint}")
        tell(
            f"{found.entries} entr{'y' if found.entries == 1 else 'ies'}, none changed or removed. "
            "Keep the fingerprint elsewhere: with --fingerprint a later check proves that the log "
            "still holds all of this."
        )
    else:
        tell("The audit log is empty.")
    return DONE if found.problem is None else SOME_INPUTS_FAILED


def run_policy(path: Path | None, *, example: bool) -> int:
    """Print the statement, and what the policy decides.

    Raises:
        EmoliveError: the policy file is wrong.
    """
    if example:
        sys.stdout.write(EXAMPLE)
        return DONE
    folder = settings_folder()
    policy = load_policy(path, folder)
    say(f"{STATEMENT.title} (statement, version {STATEMENT.version})\n")
    sys.stdout.write(textwrap.fill(STATEMENT.text, 88) + "\n\n")
    if policy is None:
        text = f"There is no policy at {folder / FILE_NAME}: every call asks, and it is off."
    elif policy.permits:
        text = f"{policy.path} turns it on in every call (SHA-256 {policy.sha256})."
    elif policy.forbids:
        text = f"{policy.path} forbids it (SHA-256 {policy.sha256})."
    else:
        text = f"{policy.path} leaves it to each call, and it is off (SHA-256 {policy.sha256})."
    say(text)
    return DONE


def _show_trial(trial: DryRun) -> None:
    print_table(_trial_table(trial))
    for entry in trial.rules:
        if entry.findings:
            say(f"{entry.rule.name}:")
        for finding in entry.findings[:_SHOWN_FINDINGS]:
            say(_finding_line(finding))
        if (more := len(entry.findings) - _SHOWN_FINDINGS) > 0:
            say(f"  ... and {more} more: --json prints them all.")
        for reason, calls in entry.skipped.items():
            tell(f"{entry.rule.name} had nothing to watch in {_calls(calls)}: {reason}.")
    if trial.per_hour is not None:
        say(f"All rules: {trial.per_hour:.2f} alerts per hour of calls.")


def _calls(count: int) -> str:
    return ntr("{count} call", "{count} calls", count)


def _rule_sentence(rule: Rule) -> str:
    """When a rule is raised, and what happens then."""
    then = ["banner", *(["sound"] if rule.sound else []), *(["desktop"] if rule.desktop else [])]
    then += [f"webhook {name}" for name in rule.webhooks]
    return f"{rule.in_words()} At most every {rule.cool_down_s:g} s: {', '.join(then)}."


def _trial_table(trial: DryRun) -> Table:
    """One row per rule."""
    table = _table("rule", "kind", "alerts", "per hour", "in calls", "of")
    for entry in trial.rules:
        table.add_row(
            Text(entry.rule.name),
            entry.rule.kind,
            str(len(entry.findings)),
            "–" if entry.per_hour is None else f"{entry.per_hour:.2f}",
            str(entry.calls),
            table_time(entry.watched_s),
        )
    return table


def _finding_line(finding: Finding) -> str:
    """Where one alert would have been."""
    stream = finding.alert.stream or "call"
    return (
        f"  {finding.call.name}  {table_time(finding.start_s)} - {table_time(finding.end_s)}  "
        f"fired {table_time(finding.fired_s)}  {stream}  {finding.alert.message}"
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
    table = _table("webhook", "since", "state", "tries", "last problem", "message")
    for message in messages:
        table.add_row(
            Text(message.webhook),
            f"{message.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
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


def _audit_table(entries: Sequence[AuditEntry]) -> Table:
    """The audit log, oldest first."""
    table = _table("when", "who", "what", "details")
    for entry in entries:
        details = "\n".join(f"{key}: {value}" for key, value in entry.details.items())
        table.add_row(
            f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
            Text(entry.actor),
            Text(entry.action),
            Text(details),
        )
    return table


def _audit_object(entry: AuditEntry) -> Json:
    """One line of the audit log."""
    return {
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "details": dict(entry.details),
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


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        number = column in ("alerts", "per hour", "in calls", "of", "tries")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table
