"""Nothing moves while a number grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from emolive.session.recorder_status import RecorderState, RecorderStatus
from emolive.types import EngineState, SpeechState
from emolive.ui.calls.metrics_panel import MetricsPanel
from emolive.ui.live.current import CardText, CurrentCard
from emolive.ui.main_window import MainWindow
from emolive.ui.sessions.transport import Transport
from emolive.ui.theme import DARK, apply, font
from tests.ui import feed


def places(root: QWidget) -> dict[int, tuple[str, QRect]]:
    """Where every visible part is, within `root`."""
    QApplication.processEvents()
    return {
        id(part): (
            f"{type(part).__name__} {part.accessibleName()}",
            QRect(part.mapTo(root, QPoint()), part.size()),
        )
        for part in root.findChildren(QWidget)
        if part.isVisibleTo(root)
    }


def recorded(seconds: float, size: int) -> RecorderStatus:
    return RecorderStatus(RecorderState.RECORDING, None, seconds, size)


def moved(root: QWidget, change: Callable[[], object]) -> list[str]:
    """What is elsewhere, or of another size, after a change."""
    before = places(root)
    change()
    after = places(root)
    assert before.keys() == after.keys()
    return [f"{name}: {at} {after[k][1]}" for k, (name, at) in before.items() if at != after[k][1]]


def test_figures_are_of_one_width(qapp: QApplication) -> None:
    apply(qapp, DARK)
    label = QLabel()
    label.ensurePolished()
    for metrics in (label.fontMetrics(), QFontMetrics(font(18, bold=True))):
        assert len({metrics.horizontalAdvance(digit * 8) for digit in "0123456789"}) == 1


@pytest.mark.parametrize("width", [1024, 1280, 1920])
def test_the_live_page_stands_still(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, width: int
) -> None:
    window.resize(width, 720)
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    header, put = window.live.header, runs.run.inbox.put
    put(feed.status(EngineState.RUNNING, latency_ms=7.0), feed.block(0))
    put(feed.prediction(feed.WINDOW, label="sad", share=0.09))
    window.runner.bridge.tick()
    header.show_elapsed(7.0)
    header.recording.show_recording(recorded(7, 9_000))
    window.live.workspace.axis.zoom(0.2, 10)

    def grow() -> None:
        put(
            feed.status(
                EngineState.RUNNING, latency_ms=999.0, overflows=123_456, windows_skipped=99_999
            )
        )
        put(feed.block(30 * 3600 * feed.RATE))
        put(feed.prediction(30 * 3600 * feed.RATE, label="sad", share=0.99))
        window.runner.bridge.tick()
        header.show_elapsed(35_999.0)
        header.recording.show_recording(recorded(35_999, 888_800_000))

    assert moved(window, grow) == []


def test_the_card_keeps_its_lines(qtbot: QtBot) -> None:
    card = CurrentCard(DARK)
    qtbot.addWidget(card)
    card.resize(380, 160)
    card.set_stream(feed.LABELS, "")
    short = CardText("Sad", "for 9 s, since 0:00", SpeechState.SPEECH, "sad", 0.5)
    card.show_text(short)
    small = card.grab().toImage()
    card.show_text(replace(short, detail="for 59 min 59 s, since 9:59:59"))
    large = card.grab().toImage()
    # All that stands above the detail: name, headline, bar.
    above = QRect(0, 0, 380, 160 - 14 - 32)
    assert small.copy(above) == large.copy(above)


def test_the_way_back_to_live_does_not_shrink_again(window: MainWindow) -> None:
    workspace = window.live.workspace
    workspace.axis.follow = False
    workspace.axis.now_s = 3_599.0
    workspace.back.refresh()
    widest = workspace.back.width()
    workspace.axis.now_s = workspace.axis.end_s + 70.0
    workspace.back.refresh()
    assert workspace.back.width() == widest


def test_the_conversation_s_numbers_stand_still(qtbot: QtBot) -> None:
    panel = MetricsPanel(DARK)
    qtbot.addWidget(panel)
    panel.resize(330, 520)
    panel.show()

    def grow() -> None:
        for (_, column), cell in panel.cells.items():
            if column == 1 or cell.text():
                cell.setText("1:23:45")

    assert moved(panel, grow) == []


def test_the_replay_s_transport_stands_still(qtbot: QtBot) -> None:
    transport = Transport(DARK)
    qtbot.addWidget(transport)
    transport.resize(1100, 60)
    transport.show()
    transport.show_session(timedelta(hours=8).total_seconds(), feed.LABELS, ("mono",), audio=True)
    transport.show_position(0.0)
    assert moved(transport, lambda: transport.show_position(28_799.0)) == []
