"""A call whose two channels carry the same sound is shown as one voice, and says so in full."""

from __future__ import annotations

import time

import pytest
from pytestqt.qtbot import QtBot
from rich.console import Console

from emolive.cli.conversation_view import conversation_table
from emolive.conversation import ConversationMeter, ConversationMetrics, Party
from emolive.engine.hints import one_sound_hint
from emolive.types import EngineState, Role
from emolive.ui.calls.metrics_panel import MetricsPanel
from emolive.ui.calls.page import CallsPage
from emolive.ui.theme import DARK
from tests.ui import call_shots, feed

S = feed.RATE


@pytest.fixture
def alike() -> ConversationMetrics:
    meter = ConversationMeter([Party("agent", Role.AGENT), Party("customer", Role.CUSTOMER)], S)
    for begin in range(0, 20 * S, 4 * S):
        for party in ("agent", "customer"):
            meter.accept_flags(party, begin, begin + 3 * S, speech=True)
            meter.accept_flags(party, begin + 3 * S, begin + 4 * S, speech=False)
    return meter.finish()


def test_what_takes_two_has_no_value(qtbot: QtBot, alike: ConversationMetrics) -> None:
    panel = MetricsPanel(DARK)
    qtbot.addWidget(panel)
    panel.show_metrics(alike)
    shown = {key: cell.text() for key, cell in panel.cells.items()}
    assert shown["Talk time", 0] == "0:15"
    assert {shown[name, 0] for name in ("Turns", "Interruptions", "Overtalk", "Gap")} == {"–"}
    assert shown["Mutual silence", 0].startswith("2")
    console = Console(width=80, record=True)
    console.print(conversation_table(alike))
    rows = [line.split() for line in console.export_text().splitlines() if line.strip()]
    shown = {row[0]: row[-1] for row in rows}
    assert next(row for row in rows if row[0] == "talk")[-2:] == ["100", "%"]
    assert shown["turns"] == shown["interruptions"] == shown["response"] == "-"


def test_the_sentence_stands_below_the_header(qtbot: QtBot) -> None:
    page = CallsPage(feed.preferences("dark"), DARK, find_devices=lambda: call_shots.DEVICES)
    qtbot.addWidget(page)
    page.show()
    page.shown()
    hint = one_sound_hint("Line 3", "carries the same sound on both channels", call=True)
    call_shots.add_call(page, 0, 8, state=EngineState.RUNNING, hint=hint, one_sound=True)
    page.open_call("call-0")
    page.tick()
    assert page.call.problem.isVisible()
    assert page.call.problem.text() == hint
    assert page.call.health.value.text() == "see below"
    page.end(time.monotonic() + 60.0)
