"""Small things that a person at the window stumbled over."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.session.recorder_status import RecorderState, RecorderStatus
from emolive.types import EngineState
from emolive.ui.live.header import RecordButton
from emolive.ui.main_window import MainWindow
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.replay_keys import KEYS as REPLAY_KEYS
from emolive.ui.shortcuts import ShortcutsDialog
from emolive.ui.theme import DARK, LIGHT, Theme, apply
from tests.ui import feed
from tests.ui.stored_sessions import store


def test_an_export_has_the_new_title(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.library_controller.library is not None)
    library = window.library_controller.library
    assert isinstance(library, Library)
    session = store(library, title="Before", audio=False)
    page = window.sessions
    window.bring(page)
    page.open_session(session)
    qtbot.waitUntil(lambda: page.replay.session is not None)
    title = page.replay.header.title
    title.setFocus()
    title.selectAll()
    qtbot.keyClicks(title, "After")
    qtbot.keyClick(title, Qt.Key.Key_Return)
    page.replay.header.export.emit()
    dialog = page.dialog
    assert isinstance(dialog, ExportDialog)
    assert "After" in dialog.heading.text()
    dialog.reject()


def test_the_state_alone_has_a_way_back(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert not window.rail.isVisible()
    assert window.live.leave_big.isVisible()
    window.live.leave_big.click()
    assert window.rail.isVisible()
    assert not window.live.leave_big.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_B)
    window.bring(window.sessions)
    assert window.rail.isVisible(), "another page has its navigation"
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert window.rail.isVisible(), "the key is the live page's"


def test_what_stands_beside_a_recording_does_not_move(qtbot: QtBot) -> None:
    button = RecordButton(DARK)
    qtbot.addWidget(button)
    widths = set()
    for seconds, size in ((5, 0), (59, 12_000), (599, 8_800_000), (3599, 123_400_000)):
        button.show_recording(RecorderStatus(RecorderState.RECORDING, None, seconds, size))
        widths.add(button.sizeHint().expandedTo(button.minimumSize()).width())
    assert len(widths) == 1
    button.show_recording(None)
    assert button.minimumWidth() == 0


def test_a_new_question_empties_the_drawer(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(feed.status(EngineState.RUNNING))
    window.runner.bridge.tick()
    drawer = window.live.drawer
    drawer.set_run(feed.run_facts(), several=False)
    drawer.table._readings = (object(),)  # type: ignore[assignment]  # of the moment before
    from emolive.explain.moment import Moment

    drawer.show_question(Moment("mono", 0, 48_000, "angry"))
    assert drawer.table._readings == ()


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize(
    "kind", ["", "primary", "danger", "quiet", "chip", "segment", "row", "toggle", "menu", "jump"]
)
@pytest.mark.parametrize("checked", [False, True])
def test_nothing_disabled_looks_alive(
    qtbot: QtBot, qapp: QApplication, theme: Theme, kind: str, checked: bool
) -> None:
    apply(qapp, theme)
    host = QWidget()
    qtbot.addWidget(host)
    column = QVBoxLayout(host)
    button = QPushButton("WWWW", host)
    if kind:
        button.setProperty(kind, True)
    button.setCheckable(checked)
    button.setChecked(checked)
    column.addWidget(button)
    host.show()
    alive = colours(button)
    button.setEnabled(False)
    dead = colours(button)
    assert QColor(theme.faint).rgb() in dead
    for lively in (theme.text, theme.accent, theme.danger):
        assert QColor(lively).rgb() not in dead
    assert dead != alive


def colours(button: QPushButton) -> set[int]:
    QApplication.processEvents()
    image = button.grab().toImage()
    return {
        image.pixelColor(x, y).rgb() for x in range(image.width()) for y in range(image.height())
    }


def test_nine_keys_are_shown_as_a_span(qtbot: QtBot, window: MainWindow) -> None:
    dialog = ShortcutsDialog(REPLAY_KEYS, window)
    qtbot.addWidget(dialog)
    from PySide6.QtWidgets import QLabel

    assert "1 – 9" in {label.text() for label in dialog.findChildren(QLabel)}
