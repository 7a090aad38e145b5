"""How often rules would have fired on the stored sessions; runs on a worker."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.dry_run import DryRun, Finding, RuleFindings
from emolive.alerts.past_calls import stored_call
from emolive.alerts.rules import RuleSet
from emolive.i18n import decimal, ntr, tr
from emolive.session.library import Library
from emolive.session.records import SessionInfo, SessionState
from emolive.times import clock_text, length_text

MOST_SESSIONS = 500
_LOOKED_AT = 50
_TOLD_TIMES = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """What came out: sessions and hours looked at, and a sentence per rule."""

    sessions: int
    hours: float
    per_hour: float | None
    sentences: dict[str, str]

    def in_words(self) -> str:
        """All rules together."""
        if not self.sessions:
            return tr("There is no stored session to try the rules on: record some first.")
        rate = "–" if self.per_hour is None else decimal(self.per_hour, 1)
        tried = ntr("{count} session", "{count} sessions", self.sessions)
        return tr(
            "All rules together: {rate} alerts per hour, on {sessions} of {hours} h.",
            rate=rate,
            sessions=tried,
            hours=decimal(self.hours, 1),
        )


def try_rules(library: Library, rules: RuleSet, cancelled: threading.Event) -> Trial:
    """Try the enabled rules on the newest sessions; `cancelled` ends it early.

    Raises:
        EmoliveError: the library cannot be read.
    """
    run = DryRun(rules)
    for info in _newest(library, MOST_SESSIONS):
        if cancelled.is_set():
            break
        run.add(stored_call(library, info))
    sentences = {entry.rule.name: rule_words(entry) for entry in run.rules}
    return Trial(run.calls, run.seconds / 3600, run.per_hour, sentences)


@dataclass(frozen=True, slots=True)
class LastCall:
    """What one rule would have done in the newest session in which it could do something."""

    session: SessionInfo
    findings: tuple[Finding, ...]

    def in_words(self) -> str:
        """When it would have been raised, as one sentence."""
        title = self.session.title or tr("Untitled")
        length = length_text(self.session.duration_s)
        if not self.findings:
            return tr(
                "In the last session, “{title}” ({length}), it would not have fired.",
                title=title,
                length=length,
            )
        times = [clock_text(finding.fired_s) for finding in self.findings]
        more = ["…"] if len(times) > _TOLD_TIMES else []
        return ntr(
            "In the last session, “{title}” ({length}), it would have fired once: at {times}.",
            "In the last session, “{title}” ({length}), it would have fired {count} times: at "
            "{times}.",
            len(times),
            title=title,
            length=length,
            times=", ".join([*times[:_TOLD_TIMES], *more]),
        )


def try_on_last(library: Library, rule: Rule) -> LastCall | None:
    """Try a rule, also one that is switched off, on the newest session that it could watch.

    Raises:
        EmoliveError: the library cannot be read.
    """
    alone = rule.model_copy(update={"enabled": True, "webhooks": ()})
    rules = RuleSet.model_validate({"rule": (alone,), "webhook": ()})
    for info in _newest(library, _LOOKED_AT):
        run = DryRun(rules)
        run.add(stored_call(library, info))
        if run.rules[0].watched_s:
            return LastCall(info, tuple(run.rules[0].findings))
    return None


def _newest(library: Library, most: int) -> list[SessionInfo]:
    done = [info for info in library.sessions() if info.state is SessionState.COMPLETE]
    return done[:most]


def rule_words(entry: RuleFindings) -> str:
    """What one rule would have done, as a sentence."""
    rate = entry.per_hour
    if rate is None:
        reasons = ", ".join(sorted(entry.skipped))
        return tr("Nothing to watch in the stored sessions ({reasons}).", reasons=reasons or "–")
    hours = entry.watched_s / 3600
    return tr(
        "Would have fired {rate} times per hour ({count} in {hours} h, in {calls} of the calls).",
        rate=decimal(rate, 1),
        count=len(entry.findings),
        hours=decimal(hours, 1),
        calls=entry.calls,
    )
