"""Whether the ways by which rules tell, besides the banner, can be used."""

from __future__ import annotations

from emolive.alerts.desktop import check_desktop_notifications
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError
from emolive.i18n import tr


def unusable_ways(rules: RuleSet) -> tuple[str, ...]:
    """What rules want to tell through and cannot, as sentences, looked up now."""
    found = []
    if any(rule.desktop for rule in rules.enabled):
        try:
            check_desktop_notifications()
        except EmoliveError as error:
            found.append(str(error))
    found += [no_alerts(hook, problem) for hook in rules.webhooks if (problem := hook.problem)]
    return tuple(found)


def no_alerts(webhook: Webhook, problem: str) -> str:
    """That a webhook gets none, as a sentence."""
    return tr("Webhook {name} gets no alerts: {problem}.", name=repr(webhook.name), problem=problem)
