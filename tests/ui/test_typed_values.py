"""What is typed holds where a button is pressed at once, and Enter presses none by accident."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.rule_file import load_rules, save_rules
from emolive.alerts.rules import RuleSet
from emolive.ui.calls.rules_dialog import RulesDialog
from emolive.ui.main_window import MainWindow
from emolive.ui.recorded_session import NameDialog
from emolive.ui.sessions.tiers_dialog import TiersDialog
from emolive.ui.theme import DARK
from tests.ui.feed import LABELS

FIRST = SilenceRule(name="Dead air", longer_than_s=20)
SECOND = SilenceRule(name="Long pause", longer_than_s=10)


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> Iterator[RulesDialog]:
    path = tmp_path / "mine.toml"
    save_rules(RuleSet(rule=(FIRST, SECOND)), path)
    made = RulesDialog(DARK, LABELS, path, None)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(lambda: made.rule == FIRST)
    yield made
    made.done(0)


def type_number(qtbot: QtBot, field: QAbstractSpinBox, text: str) -> None:
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)


def press(qtbot: QtBot, button: QWidget) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_number_that_is_being_typed_is_saved(qtbot: QtBot, dialog: RulesDialog) -> None:
    assert not dialog.begin.isEnabled()
    type_number(qtbot, dialog.form.numbers["longer_than_s"], "45")
    assert dialog.begin.isEnabled()
    assert dialog.discard.text() == "Discard changes"
    assert dialog.path is not None
    with qtbot.waitSignal(dialog.saved):
        press(qtbot, dialog.begin)
    assert [rule.longer_than_s for rule in load_rules(dialog.path).rules] == [45, 10]


def test_a_number_that_is_being_typed_stays_with_its_rule(
    qtbot: QtBot, dialog: RulesDialog
) -> None:
    type_number(qtbot, dialog.form.numbers["longer_than_s"], "45")
    dialog.list.setCurrentRow(1)
    assert dialog.form.numbers["longer_than_s"].value() == 10
    type_number(qtbot, dialog.form.numbers["longer_than_s"], "33")
    dialog.add(EmotionRule)
    type_number(qtbot, dialog.form.numbers["for_s"], "7")
    press(qtbot, dialog.deleting)
    assert [rule.longer_than_s for rule in dialog.drafts.rules] == [45, 33]
    dialog.list.setCurrentRow(0)
    type_number(qtbot, dialog.form.numbers["longer_than_s"], "50")
    press(qtbot, dialog.deleting)
    assert [rule.longer_than_s for rule in dialog.drafts.rules] == [33], "the next one is as it was"


def test_enter_in_a_field_of_a_rule_or_webhook_presses_nothing(
    qtbot: QtBot, dialog: RulesDialog
) -> None:
    dialog.form.name.setFocus()
    qtbot.keyClick(dialog.form.name, Qt.Key.Key_Return)
    assert not [one for one in dialog.findChildren(QDialog) if one.isVisible()]
    number = dialog.form.numbers["longer_than_s"]
    type_number(qtbot, number, "45")
    qtbot.keyClick(number, Qt.Key.Key_Enter)
    assert dialog.isVisible()
    assert [rule.longer_than_s for rule in dialog.drafts.rules] == [45, 10], "it is taken"
    hooks = dialog.ask_for_webhooks()
    press(qtbot, hooks.add)
    qtbot.keyClicks(hooks.url, "https://example.org/hook")
    qtbot.keyClick(hooks.url, Qt.Key.Key_Return)
    assert len(hooks.drafts.webhooks) == 1
    hooks.accept()


def test_enter_in_another_dialog_presses_what_is_named_for_it(qtbot: QtBot) -> None:
    tiers = TiersDialog(DARK, ())
    qtbot.addWidget(tiers)
    tiers.show()
    tiers.hide()
    tiers.show()
    qtbot.keyClicks(tiers.rows[0].labels, "low, high")
    qtbot.keyClick(tiers.rows[0].labels, Qt.Key.Key_Return)
    assert len(tiers.rows) == 1
    assert tiers.isVisible()
    tiers.add_button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(tiers.add_button, Qt.Key.Key_Return)
    assert len(tiers.rows) == 2, "whoever reached a button means it"
    tiers.close()
    name = NameDialog(DARK, "A talk", None)
    qtbot.addWidget(name)
    name.show()
    qtbot.keyClick(name.field, Qt.Key.Key_Return)
    assert name.result() == NameDialog.DialogCode.Accepted


def test_a_setting_that_is_being_typed_holds_when_a_button_is_pressed_or_the_window_goes(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.show_settings()
    page = window.settings_page
    window.activateWindow()
    jump = next(one for one in page.findChildren(QPushButton) if one.property("jump"))
    type_number(qtbot, page.analysis.hop, "1.2")
    assert window.preferences.settings.analysis.hop_s != 1.2
    press(qtbot, jump)
    assert window.preferences.settings.analysis.hop_s == 1.2
    type_number(qtbot, page.analysis.hop, "0.7")
    window.close()
    assert window.preferences.settings.analysis.hop_s == 0.7
