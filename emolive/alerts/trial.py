"""How often rules would have fired on the stored sessions; runs on a worker."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from emolive.alerts.dry_run import DryRun, RuleFindings
from emolive.alerts.past_calls import stored_call
from emolive.alerts.rules import RuleSet
from emolive.i18n import decimal, ntr, tr
from emolive.session.library import Library
from emolive.session.records import SessionState

MOST_SESSIONS = 500


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
    done = [info for info in library.sessions() if info.state is SessionState.COMPLETE]
    for info in done[:MOST_SESSIONS]:
        if cancelled.is_set():
            break
        run.add(stored_call(library, info))
    sentences = {entry.rule.name: rule_words(entry) for entry in run.rules}
    return Trial(run.calls, run.seconds / 3600, run.per_hour, sentences)


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
