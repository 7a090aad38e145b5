"""The sessions page as a page of the window: library, keys, banner, end."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.ui.main_window import MainWindow
from emolive.ui.shortcuts import ShortcutsDialog
from tests.ui import feed
from tests.ui.stored_sessions import store

_CTRL = Qt.KeyboardModifier.ControlModifier


def test_the_window_opens_the_library_and_replays_from_it(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    qtbot.waitUntil(lambda: window.library_controller.library is not None)
    library = window.library_controller.library
    assert isinstance(library, Library)
    store(library, title="From the window", audio=False)
    qtbot.keyClick(window, Qt.Key.Key_2, _CTRL)
    page = window.sessions
    assert page.isVisible()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 1)
    qtbot.keyClick(page.list.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.replay.session is not None)

    # Space plays here and starts nothing on the live page.
    surface = page.replay.board.surface
    qtbot.keyClick(surface, Qt.Key.Key_Space)
    assert page.replay.playing.playing
    assert runs.made == []
    # Its sentences stand in the window's banner.
    qtbot.keyClick(surface, Qt.Key.Key_L)
    qtbot.waitUntil(lambda: "Select a stretch first" in window.banner._text.text())
    # Help shows its keys, and another page makes it pause.
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ShortcutsDialog))
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    assert "Split the mark here" in texts
    assert "Explain the chosen or newest moment" not in texts
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.keyClick(window, Qt.Key.Key_1, _CTRL)
    assert not page.replay.playing.playing


def test_a_library_that_cannot_be_opened_is_told_on_the_page(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    qtbot.waitUntil(lambda: window.library_controller.library is not None)
    window.library_controller.open(blocked / "library")
    empty = window.sessions.list.empty
    qtbot.waitUntil(lambda: empty.title.text() == "The library cannot be opened")
    assert str(blocked) in empty.text.text()
