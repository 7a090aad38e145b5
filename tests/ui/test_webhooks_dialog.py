"""Webhooks are made, tested against a real server, and saved with the rules, in the app."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.registry import CONDITIONS
from emolive.alerts.rule_drafts import RuleDrafts, new_rule
from emolive.alerts.rule_file import load_rules
from emolive.ui.calls.rules_dialog import RulesDialog
from emolive.ui.calls.webhooks_dialog import WebhooksDialog
from emolive.ui.theme import DARK
from tests.alerts.server import WebhookServer
from tests.ui.feed import LABELS


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as made:
        yield made


@pytest.fixture
def rules(qtbot: QtBot, tmp_path: Path) -> Iterator[RulesDialog]:
    dialog = RulesDialog(DARK, LABELS, None, None)
    qtbot.addWidget(dialog)
    dialog.path = tmp_path / "rules.toml"
    dialog.show()
    yield dialog
    dialog.close()


def type_in(qtbot: QtBot, field: QLineEdit, text: str) -> None:
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    qtbot.keyClicks(field, text)


def test_a_signed_webhook_is_made_tested_and_saved(
    qtbot: QtBot, rules: RulesDialog, server: WebhookServer
) -> None:
    rules.add(CONDITIONS[0])
    dialog = rules.ask_for_webhooks()
    qtbot.mouseClick(dialog.add, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    assert "address" in dialog.problem.text()
    type_in(qtbot, dialog.name, "Quality team")
    type_in(qtbot, dialog.url, server.url)
    assert dialog.problem.isHidden()
    qtbot.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "took the test" in dialog.said.text(), timeout=10_000)
    (got,) = server.received
    assert got.json["message"].startswith("This is a test")
    key = base64.b64decode(dialog.secret.text().removeprefix("whsec_"))
    signed = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    server.answer = lambda _: 403
    qtbot.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "403" in dialog.problem.text(), timeout=10_000)
    dialog.accept()
    assert rules.webhooks.text() == "1 webhook…"
    with qtbot.waitSignal(rules.saved, timeout=10_000):
        qtbot.mouseClick(rules.begin, Qt.MouseButton.LeftButton)
    assert rules.path is not None
    (hook,) = load_rules(rules.path).webhooks
    assert (hook.name, hook.url) == ("Quality team", server.url)


def test_chats_have_no_secret_and_plain_addresses_are_refused(
    qtbot: QtBot, server: WebhookServer
) -> None:
    dialog = WebhooksDialog(DARK, RuleDrafts())
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.none.isVisible(), "what a webhook is good for, and nothing to be pressed"
    assert not dialog.test.isVisible()
    qtbot.mouseClick(dialog.add, Qt.MouseButton.LeftButton)
    assert not dialog.none.isVisible()
    row = dialog.kind.findText("Slack channel")
    dialog.kind.setCurrentIndex(row)
    dialog.kind.activated.emit(row)
    assert not dialog.secret_row.isEnabled()
    assert dialog.drafts.webhooks[0].secret is None
    type_in(qtbot, dialog.url, "http://hooks.example.org/x")
    assert "https" in dialog.problem.text()
    assert not dialog.test.isEnabled()
    type_in(qtbot, dialog.url, server.url)
    qtbot.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(server.received), timeout=10_000)
    assert "blocks" in server.received[0].json
    qtbot.waitUntil(lambda: "took the test" in dialog.said.text(), timeout=10_000)
    row = dialog.kind.findText("Signed (a server of yours)")
    dialog.kind.setCurrentIndex(row)
    dialog.kind.activated.emit(row)
    assert dialog.secret.text().startswith("whsec_"), "it gets a secret of its own"
    dialog.close()


def test_rules_follow_a_webhooks_name_and_its_end() -> None:
    drafts = RuleDrafts().with_webhook("Team", "a secret of some length")
    rule = new_rule(CONDITIONS[0], LABELS, ()).model_copy(update={"webhooks": ("Team",)})
    drafts = drafts.with_rule(rule).webhook_changed(0, {"name": "Leads"})
    assert drafts.rules[0].webhooks == ("Leads",)
    assert drafts.rule_set()
    drafts = drafts.without_webhook(0)
    assert drafts.rules[0].webhooks == ()
    assert drafts.rule_set().webhooks == ()
