"""How rules, their trial runs, the outbox and the audit log look in the terminal and in JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.dry_run import DryRun, Finding, RuleFindings
from emolive.alerts.outbox import Message
from emolive.session.records import AuditEntry
from emolive.times import table_time

Json = dict[str, object]


def rule_sentence(rule: Rule) -> str:
    """When a rule is raised, and what happens then."""
    then = ["banner", *(["sound"] if rule.sound else []), *(["desktop"] if rule.desktop else [])]
    then += [f"webhook {name}" for name in rule.webhooks]
    return f"{rule.in_words()} At most every {rule.cool_down_s:g} s: {', '.join(then)}."


def trial_table(trial: DryRun) -> Table:
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


def finding_line(finding: Finding) -> str:
    """Where one alert would have been."""
    stream = finding.alert.stream or "call"
    return (
        f"  {finding.call.name}  {table_time(finding.start_s)} - {table_time(finding.end_s)}  "
        f"fired {table_time(finding.fired_s)}  {stream}  {finding.alert.message}"
    )


def trial_object(trial: DryRun) -> Json:
    """Everything a trial run found."""
    return {
        "calls": trial.calls,
        "hours": round(trial.seconds / 3600, 6),
        "per_hour": _rounded(trial.per_hour),
        "rules": [_rule_object(entry) for entry in trial.rules],
    }


def outbox_table(messages: Sequence[Message]) -> Table:
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


def outbox_object(message: Message) -> Json:
    """One message of the outbox."""
    return {
        "id": message.id,
        "webhook": message.webhook,
        "created_at": message.created_at.isoformat(),
        "state": message.state,
        "attempts": message.attempts,
        "last_error": message.last_error,
    }


def audit_table(entries: Sequence[AuditEntry]) -> Table:
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


def audit_object(entry: AuditEntry) -> Json:
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
