"""Rules while they are edited: new ones with sensible values, and what is wrong in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.labels import canonical, is_negative
from emolive.toml_files import sentence

# An address that no server has, until a person gives one.
NO_ADDRESS = "https://example.invalid/"
Part = TypeVar("Part", Rule, Webhook)
_UPSET = ("angry", "disgust", "fearful")


def new_rule(condition: type[Rule], labels: Sequence[str], taken: Sequence[str]) -> Rule:
    """A rule about a condition that works as it is; its name is none of those `taken`."""
    upset = tuple(label for name in _UPSET for label in labels if canonical(label) == name)[:2]
    emotions = upset or tuple(label for label in labels if is_negative(label))[:1] or (labels[0],)
    return condition.fresh(free_name(tr(condition.usual_name), taken), emotions)


def free_name(name: str, taken: Sequence[str]) -> str:
    """`name`, with a number where that is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


@dataclass(frozen=True, slots=True)
class RuleDrafts:
    """All rules of a file as they stand now; the webhooks stay as they are."""

    rules: tuple[Rule, ...] = ()
    webhooks: tuple[Webhook, ...] = ()

    @classmethod
    def of(cls, rules: RuleSet) -> RuleDrafts:
        """From a file."""
        return cls(rules.rules, rules.webhooks)

    def changed(self, index: int, values: dict[str, Any]) -> RuleDrafts:
        """With some values of a rule replaced.

        Raises:
            RuleError: they do not go together.
        """
        if values.get("emotions") == ():
            raise RuleError("Choose at least one emotion.")
        unnamed = (
            tr("Give the rule a name."),
            tr("Another rule has this name: choose one of its own."),
        )
        return replace(self, rules=_changed(self.rules, index, values, *unnamed))

    def with_rule(self, rule: Rule) -> RuleDrafts:
        """With one more."""
        return replace(self, rules=(*self.rules, rule))

    def without(self, index: int) -> RuleDrafts:
        """With one less."""
        return replace(self, rules=self.rules[:index] + self.rules[index + 1 :])

    def with_webhook(self, name: str, secret: str) -> RuleDrafts:
        """With one more webhook, signed with `secret`, whose address is still to be given."""
        taken = [hook.name for hook in self.webhooks]
        hook = Webhook(name=free_name(name, taken), url=NO_ADDRESS, secret=SecretStr(secret))
        return replace(self, webhooks=(*self.webhooks, hook))

    def webhook_changed(self, index: int, values: dict[str, Any]) -> RuleDrafts:
        """With some values of a webhook replaced; rules that name it follow its name.

        Raises:
            RuleError: they do not go together.
        """
        webhooks = _changed(
            self.webhooks,
            index,
            values,
            tr("Give the webhook a name."),
            tr("Another webhook has this name: choose one of its own."),
        )
        names = {self.webhooks[index].name: webhooks[index].name}
        return replace(self, webhooks=webhooks, rules=_told(self.rules, names))

    def without_webhook(self, index: int) -> RuleDrafts:
        """With one webhook less; rules that name it do so no more."""
        webhooks = self.webhooks[:index] + self.webhooks[index + 1 :]
        names: dict[str, str | None] = {self.webhooks[index].name: None}
        return replace(self, webhooks=webhooks, rules=_told(self.rules, names))

    def rule_set(self) -> RuleSet:
        """As a file holds them."""
        return RuleSet.model_validate({"rule": self.rules, "webhook": self.webhooks})


def _changed(
    parts: tuple[Part, ...], index: int, values: dict[str, Any], no_name: str, taken: str
) -> tuple[Part, ...]:
    part = parts[index]
    name = str(values.get("name", part.name)).strip()
    if not name:
        raise RuleError(no_name)
    if any(other.name == name for i, other in enumerate(parts) if i != index):
        raise RuleError(taken)
    try:
        made = type(part).model_validate(part.model_dump() | values | {"name": name})
    except ValidationError as error:
        text = sentence(error, {}, name, lambda place, _: ("", place))
        raise RuleError(text) from error
    found = list(parts)
    found[index] = made
    return tuple(found)


def _told(rules: Sequence[Rule], names: Mapping[str, str | None]) -> tuple[Rule, ...]:
    """Rules whose webhooks are called otherwise now; None: gone."""
    told = []
    for rule in rules:
        hooks = tuple(new for old in rule.webhooks if (new := names.get(old, old)) is not None)
        told.append(rule if hooks == rule.webhooks else rule.model_copy(update={"webhooks": hooks}))
    return tuple(told)


class RuleError(EmoliveError):
    """What is wrong with a rule, in one sentence."""
