"""How often rules would have fired on calls that are over, to tune them against alert fatigue."""

from __future__ import annotations

from dataclasses import dataclass, field

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.past_calls import PastCall
from emolive.alerts.rules import RuleSet
from emolive.i18n import tr
from emolive.types import Alert, AlertEnded


@dataclass(frozen=True, slots=True)
class Finding:
    """One alert that would have been raised; `end_sample` is where its condition was over."""

    call: PastCall
    alert: Alert
    end_sample: int

    @property
    def start_s(self) -> float:
        """Since when it held."""
        return self.alert.start_sample / self.call.form.rate

    @property
    def fired_s(self) -> float:
        """When it would have been raised."""
        return self.alert.fired_sample / self.call.form.rate

    @property
    def end_s(self) -> float:
        """When it was over."""
        return self.end_sample / self.call.form.rate


@dataclass(slots=True)
class RuleFindings:
    """What one rule would have done.

    `watched_s` is how much of the calls it had something to watch in; `skipped` counts the calls in
    which it had not, by reason.
    """

    rule: Rule
    findings: list[Finding] = field(default_factory=list)
    watched_s: float = 0.0
    skipped: dict[str, int] = field(default_factory=dict)

    @property
    def per_hour(self) -> float | None:
        """Alerts per hour of what it watched; None: it watched nothing."""
        return len(self.findings) / self.watched_s * 3600 if self.watched_s else None

    @property
    def calls(self) -> int:
        """Calls with at least one alert."""
        return len({finding.call.name for finding in self.findings})


class DryRun:
    """Collects, call by call, what rules would have done. Memory grows with what they raise."""

    def __init__(self, rules: RuleSet) -> None:
        self.calls = 0
        self.seconds = 0.0
        self.rules = tuple(RuleFindings(rule) for rule in rules.enabled)
        self._set = rules

    @property
    def per_hour(self) -> float | None:
        """Alerts of all rules per hour of calls; None: there was no call."""
        found = sum(len(entry.findings) for entry in self.rules)
        return found / self.seconds * 3600 if self.seconds else None

    def add(self, call: PastCall) -> None:
        """Try the rules on a call."""
        self.calls += 1
        self.seconds += call.duration_s
        able = [entry for entry in self.rules if not self._skip(entry, call)]
        watched = self._set.model_copy(update={"rules": tuple(entry.rule for entry in able)})
        alerts, ended, _ = call.evaluate(watched)
        ends = {(over.rule, over.stream, over.fired_sample): over for over in ended}
        by_rule: dict[str, list[Finding]] = {}
        for alert in alerts:
            over = ends.get((alert.rule, alert.stream, alert.fired_sample))
            by_rule.setdefault(alert.rule, []).append(_finding(call, alert, over))
        for entry in able:
            entry.watched_s += call.duration_s
            entry.findings += by_rule.get(entry.rule.name, [])

    def _skip(self, entry: RuleFindings, call: PastCall) -> bool:
        reason = _nothing_to_watch(entry.rule, call)
        if reason is None:
            return False
        entry.skipped[reason] = entry.skipped.get(reason, 0) + 1
        return True


def _finding(call: PastCall, alert: Alert, over: AlertEnded | None) -> Finding:
    return Finding(call, alert, alert.fired_sample if over is None else over.end_sample)


def _nothing_to_watch(rule: Rule, call: PastCall) -> str | None:
    """Why a rule has nothing to watch in a call; None: it has."""
    if reason := rule.nothing_to_watch(call.streams, call.form):
        return reason
    if rule.hears and not call.hears:
        return tr("no voice activity in a JSON result: name the recording")
    return None
