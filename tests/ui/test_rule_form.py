"""Every condition in the registry has a form that shows and changes what a rule holds."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.form import EmotionsField, NumberField, SwitchField
from emolive.alerts.conditions.overtalk import OvertalkRule
from emolive.alerts.conditions.registry import CONDITIONS
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.rule_drafts import RuleDrafts, new_rule
from emolive.alerts.rules import RuleSet
from emolive.alerts.watch import CallFormat, PredictionWatch, VoiceWatch
from emolive.types import Role, Stream
from emolive.ui.calls.rule_form import RuleForm

LABELS = ("neutral", "angry", "fearful")
CALL = CallFormat(16_000, 8_000, LABELS, "tiny")
BOTH = (Stream("agent", role=Role.AGENT), Stream("customer", role=Role.CUSTOMER))
RULES = [
    *(new_rule(condition, LABELS, ()) for condition in CONDITIONS),
    OvertalkRule(name="So long", seconds=7.5, window_s=60.0),
]


def test_the_kinds_in_a_file_are_those_in_the_registry() -> None:
    kinds = RuleSet.model_json_schema()["properties"]["rule"]["items"]["discriminator"]["mapping"]
    assert set(kinds) == {rule.kind for rule in RULES}
    assert len({condition.title for condition in CONDITIONS}) == len(CONDITIONS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_new_rule_is_watched_for_and_survives_a_file(rule: Rule) -> None:
    assert rule.in_words().endswith(".")
    assert rule.nothing_to_watch(BOTH, CALL) is None
    watches = rule.watches_in(BOTH, CALL)
    assert watches
    assert all(isinstance(watch, PredictionWatch | VoiceWatch) for watch in watches)
    rules = RuleDrafts((rule,)).rule_set()
    assert RuleSet.model_validate(rules.model_dump(by_alias=True)) == rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_field_shows_its_value_and_changes_it(qtbot: QtBot, rule: Rule) -> None:
    form = RuleForm(LABELS, (), None)
    qtbot.addWidget(form)
    form.show_rule(rule)
    drafts = RuleDrafts((rule,))
    heard: list[dict[str, object]] = []
    form.edited.connect(heard.append)
    for field in rule.form():
        heard.clear()
        if isinstance(field, EmotionsField):
            assert tuple(n for n, chip in form.emotions.items() if chip.isChecked()) == field.chosen
            form.emotions["neutral"].click()
        elif isinstance(field, NumberField):
            assert field.value == getattr(rule, field.name)
            number = form.numbers[field.name]
            shown = field.value * 100 if field.share else field.value
            assert number.value() == pytest.approx(shown)
            number.setValue(shown + field.step)
        else:
            assert isinstance(field, SwitchField)
            assert getattr(rule, field.name) is field.on
            form.edited.emit({field.name: not field.on})
        (values,) = heard
        changed = drafts.changed(0, values).rules[0]
        assert changed != rule
        assert changed.model_copy(update={k: getattr(rule, k) for k in values}) == rule
