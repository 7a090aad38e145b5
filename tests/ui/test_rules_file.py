"""Which file the dialog of rules writes: the one it has read, or one that was not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.registry import CONDITIONS
from emolive.alerts.rule_drafts import RuleDrafts, new_rule
from emolive.alerts.rule_file import load_rules, save_rules
from emolive.alerts.rules import RuleSet
from emolive.settings_folder import settings_folder
from emolive.ui.calls.page import CallsPage
from emolive.ui.calls.rules_dialog import RulesDialog
from tests.ui import feed
from tests.ui.feed import LABELS
from tests.ui.test_calls_page import opened_page


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[CallsPage]:
    with opened_page(qtbot, feed.preferences("dark"), tmp_path) as made:
        yield made


@pytest.fixture
def usual() -> Path:
    """The usual file, with rules and a webhook that has a secret."""
    path = settings_folder() / "rules.toml"
    drafts = RuleDrafts().with_webhook("Team", "a secret of some length")
    for condition in CONDITIONS[:2]:
        names = [rule.name for rule in drafts.rules]
        drafts = drafts.with_rule(new_rule(condition, LABELS, names))
    drafts = drafts.webhook_changed(0, {"url": "https://example.org/hook"})
    save_rules(drafts.rule_set(), path)
    return path


def saved(qtbot: QtBot, dialog: RulesDialog) -> Path:
    with qtbot.waitSignal(dialog.saved) as told:
        qtbot.mouseClick(dialog.begin, Qt.MouseButton.LeftButton)
    assert told.args is not None
    return Path(told.args[0])


def used(page: CallsPage) -> Path | None:
    return page.preferences.effective.alerts.rules_file


def test_rules_that_are_in_use_no_more_are_shown_and_kept(
    qtbot: QtBot, page: CallsPage, usual: Path
) -> None:
    before = load_rules(usual)
    dialog = page.ask_for_rules()
    qtbot.waitUntil(lambda: dialog.path == usual)
    assert dialog.drafts.rule_set() == before
    assert dialog.begin.isEnabled(), "they can be used as they are"
    assert dialog.discard.text() == "Close", "nothing would be lost"
    dialog.add(CONDITIONS[2])
    assert saved(qtbot, dialog) == used(page) == usual
    after = load_rules(usual)
    assert after.webhooks == before.webhooks
    assert after.rules[:-1] == before.rules


@pytest.mark.parametrize("chosen", [False, True])
def test_a_file_that_cannot_be_read_is_left_as_it_is(
    qtbot: QtBot, page: CallsPage, usual: Path, tmp_path: Path, chosen: bool
) -> None:
    broken = tmp_path / "own.toml" if chosen else usual
    broken.write_text(usual.read_text() + "nonsense")
    content = broken.read_text()
    page.preferences.change("alerts", rules_file=broken)
    qtbot.waitUntil(lambda: not page.wall.problems.isHidden())
    dialog = page.ask_for_rules()
    qtbot.waitUntil(lambda: str(broken) in dialog.problem.text())
    assert not dialog.begin.isEnabled()
    dialog.add(CONDITIONS[0])
    others = usual.read_text()
    written = saved(qtbot, dialog)
    assert written == usual.with_name("rules-2.toml")
    assert used(page) == written
    assert [rule.name for rule in load_rules(written).rules] == [dialog.drafts.rules[0].name]
    assert broken.read_text() == content
    assert usual.read_text() == others


def test_what_was_written_meanwhile_is_not_replaced(
    qtbot: QtBot, page: CallsPage, usual: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page.preferences.change("alerts", rules_file=usual)
    dialog = page.ask_for_rules()
    qtbot.waitUntil(lambda: dialog.path == usual)
    dialog.add(CONDITIONS[2])
    edited = RuleSet(rule=load_rules(usual).rules[:1])
    save_rules(edited, usual)
    dialog.begin.click()
    qtbot.waitUntil(lambda: "has changed since" in dialog.problem.text())
    assert load_rules(usual) == edited
    another = tmp_path / "another.toml"
    another.write_text("# Of a person who was asked whether it may be replaced.")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(another), ""))
    with qtbot.waitSignal(dialog.saved):
        dialog._on_save_as()
    assert len(load_rules(another).rules) == 3
    assert used(page) == another
    assert load_rules(usual) == edited
