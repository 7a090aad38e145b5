"""Rules while they are edited: new ones with sensible values, and what is wrong in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from emolive.alerts.rules import EmotionRule, OvertalkRule, Rule, RuleSet, SilenceRule, TrendRule
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError
from emolive.i18n import mark, tr
from emolive.toml_files import sentence
from emolive.types import Role, Severity
from emolive.ui.calls.model import is_negative
from emolive.ui.words import emotion_name, percent

KINDS = {
    "emotion": mark("Emotion that lasts"),
    "trend": mark("Emotion on the rise"),
    "silence": mark("Silence"),
    "overtalk": mark("Talking at once"),
}
_UPSET = ("angry", "disgust", "fearful")


def new_rule(kind: str, labels: Sequence[str], taken: Sequence[str]) -> Rule:
    """A rule of a kind that works as it is; its name is none of those `taken`."""
    upset = tuple(label for label in _UPSET if label in labels)[:2]
    emotions = upset or tuple(label for label in labels if is_negative(label))[:1] or (labels[0],)
    name = free_name(tr(_NAMES[kind]), taken)
    if kind == "emotion":
        return EmotionRule(
            name=name,
            emotions=emotions,
            role=Role.CUSTOMER,
            probability=0.6,
            for_s=5.0,
            severity=Severity.CRITICAL,
            sound=True,
        )
    if kind == "trend":
        return TrendRule(
            name=name,
            emotions=emotions,
            role=Role.CUSTOMER,
            rise_per_minute=0.6,
            probability=0.3,
            cool_down_s=120.0,
        )
    if kind == "silence":
        return SilenceRule(name=name, longer_than_s=15.0, severity=Severity.INFO)
    return OvertalkRule(name=name, count=4, window_s=60.0)


_NAMES = {
    "emotion": mark("Customer upset"),
    "trend": mark("Customer getting upset"),
    "silence": mark("Dead air"),
    "overtalk": mark("Talking over each other"),
}


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
        rule = self.rules[index]
        name = str(values.get("name", rule.name)).strip()
        if not name:
            raise RuleError(tr("Give the rule a name."))
        if any(other.name == name for i, other in enumerate(self.rules) if i != index):
            raise RuleError(tr("Another rule has this name: choose one of its own."))
        if values.get("emotions") == ():
            raise RuleError(tr("Choose at least one emotion."))
        fields = rule.model_dump() | values | {"name": name}
        try:
            made = type(rule).model_validate(fields)
        except ValidationError as error:
            text = sentence(error, {}, name, lambda place, _: ("", place))
            raise RuleError(text) from error
        rules = (*self.rules[:index], made, *self.rules[index + 1 :])
        return replace(self, rules=rules)

    def with_rule(self, rule: Rule) -> RuleDrafts:
        """With one more."""
        return replace(self, rules=(*self.rules, rule))

    def without(self, index: int) -> RuleDrafts:
        """With one less."""
        return replace(self, rules=self.rules[:index] + self.rules[index + 1 :])

    def rule_set(self) -> RuleSet:
        """As a file holds them."""
        return RuleSet(rule=self.rules, webhook=self.webhooks)


class RuleError(EmoliveError):
    """What is wrong with a rule, in one sentence."""


def in_words(rule: Rule) -> str:
    """A rule as one sentence, so that it can be read back."""
    who = tr("the customer")
    if rule.role is Role.AGENT:
        who = tr("the agent")
    elif rule.stream is not None:
        who = rule.stream
    elif rule.role is None:
        who = tr("anybody")
    if isinstance(rule, EmotionRule | TrendRule):
        emotions = " + ".join(emotion_name(emotion) for emotion in rule.emotions)
    if isinstance(rule, EmotionRule):
        return tr(
            "When {who} sounds {emotions} with {share} or more for {seconds} s.",
            who=who,
            emotions=emotions,
            share=percent(rule.probability),
            seconds=f"{rule.for_s:g}",
        )
    if isinstance(rule, TrendRule):
        return tr(
            "When {emotions} of {who} rises by {rise} a minute or more, over {seconds} s.",
            who=who,
            emotions=emotions,
            rise=percent(rule.rise_per_minute),
            seconds=f"{rule.window_s:g}",
        )
    if isinstance(rule, SilenceRule):
        if rule.role is None and rule.stream is None:
            return tr("When nobody speaks for {seconds} s.", seconds=f"{rule.longer_than_s:g}")
        seconds = f"{rule.longer_than_s:g}"
        return tr("When {who} does not speak for {seconds} s.", who=who, seconds=seconds)
    window = f"{rule.window_s:g}"
    if rule.count is not None:
        return tr(
            "When both talk at once {count} times within {seconds} s.",
            count=rule.count,
            seconds=window,
        )
    return tr(
        "When both talk at once for {level} s within {seconds} s.",
        level=f"{rule.seconds:g}",
        seconds=window,
    )
