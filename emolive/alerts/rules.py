"""All rules of a file: frozen, checked once, the same from a file and from the app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from emolive.alerts.conditions.registry import AnyRule
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.webhook_settings import Webhook
from emolive.i18n import tr


class RuleSet(BaseModel, frozen=True, extra="forbid", populate_by_name=True):
    """All rules and the webhooks they name, as one file holds them."""

    version: Literal[1] = 1
    rules: tuple[AnyRule, ...] = Field(default=(), alias="rule", max_length=200)
    webhooks: tuple[Webhook, ...] = Field(default=(), alias="webhook", max_length=16)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [webhook.name for webhook in self.webhooks]
        if twice := _twice([rule.name for rule in self.rules]):
            raise ValueError(
                tr("two rules are named {name}: give each its own name", name=repr(twice))
            )
        if twice := _twice(known):
            raise ValueError(
                tr("two webhooks are named {name}: give each its own name", name=repr(twice))
            )
        for rule in self.rules:
            for name in rule.webhooks:
                if name not in known:
                    raise ValueError(
                        tr(
                            "rule {rule} names the webhook {webhook}, which is not in the file: "
                            "add a [[webhook]] of this name",
                            rule=repr(rule.name),
                            webhook=repr(name),
                        )
                    )
        return self

    @property
    def enabled(self) -> tuple[Rule, ...]:
        """The rules that are switched on."""
        return tuple(rule for rule in self.rules if rule.enabled)


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
