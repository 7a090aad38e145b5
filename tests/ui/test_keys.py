"""The keys of a page work wherever the focus is, except while a text is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.session.records import Annotation
from emolive.ui.calls.tile import CallTile
from emolive.ui.dialog import Dialog
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Message, Severity
from emolive.ui.sessions.page import SessionsPage
from tests.ui import call_scenes, feed
from tests.ui.stored_sessions import store


def press(key: Qt.Key) -> None:
    """As a person does: the key goes to what has the focus, whatever that is."""
    focus = QApplication.focusWidget() or QApplication.activeWindow()
    assert focus is not None
    QTest.keyClick(focus, key)


@pytest.fixture
def replayed(qtbot: QtBot, window: MainWindow) -> SessionsPage:
    """A window that replays a session."""
    qtbot.waitUntil(lambda: window.library_controller.library is not None)
    library = window.library_controller.library
    assert isinstance(library, Library)
    mark = Annotation("known", 32_000, 80_000, "happy", "", "mono")
    session = store(library, title="Interview", audio=True, annotations=(mark,))
    page = window.sessions
    window.bring(page)
    page.refresh()
    qtbot.waitUntil(lambda: bool(page.list.model.rows))
    page.open_session(session)
    qtbot.waitUntil(lambda: page.replay.session is not None)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return page


def works(replayed: SessionsPage) -> None:
    """The selection's loop answers to L, and the cursor to End and Home."""
    replay = replayed.replay
    press(Qt.Key.Key_End)
    assert replay.playing.position > 0
    press(Qt.Key.Key_Home)
    assert replay.playing.position == 0
    span = replay.board.axis.span_s
    press(Qt.Key.Key_Plus)
    assert replay.board.axis.span_s < span
    press(Qt.Key.Key_0)
    assert replay.board.axis.span_s == span


def test_after_a_rename(qtbot: QtBot, replayed: SessionsPage) -> None:
    replay = replayed.replay
    title = replay.header.title
    title.setFocus()
    title.selectAll()
    qtbot.keyClicks(title, "Plus + 0")
    press(Qt.Key.Key_Return)
    assert title.text() == "Plus + 0"
    works(replayed)
    title.setFocus()
    qtbot.keyClicks(title, "not this")
    press(Qt.Key.Key_Escape)
    assert title.text() == "Plus + 0"
    assert not replayed.showing_list, "the first Esc was the field's"
    works(replayed)


def test_a_title_that_is_being_written_counts_for_a_dialog(
    qtbot: QtBot, window: MainWindow, replayed: SessionsPage
) -> None:
    header = replayed.replay.header
    header.title.setFocus()
    header.title.selectAll()
    qtbot.keyClicks(header.title, "Talk 9")
    QTest.mouseClick(header.export_button, Qt.MouseButton.LeftButton)
    dialog = replayed.dialog
    assert isinstance(dialog, Dialog)
    assert "Talk 9" in dialog.heading.text()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    library = window.library_controller.library
    assert isinstance(library, Library)
    qtbot.waitUntil(lambda: [s.title for s in library.sessions()] == ["Talk 9"])


@pytest.mark.parametrize("name", ["export_button", "compare_button"])
def test_after_a_dialog_of_the_page(qtbot: QtBot, replayed: SessionsPage, name: str) -> None:
    button = getattr(replayed.replay.header, name)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    dialog = replayed.dialog
    assert isinstance(dialog, Dialog)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: replayed.dialog is None)
    works(replayed)
    press(Qt.Key.Key_Escape)
    assert replayed.showing_list


def test_after_a_banner_was_closed(
    qtbot: QtBot, window: MainWindow, replayed: SessionsPage
) -> None:
    window.show_message("run", Message(Severity.WARNING, "Something."))
    window.banner.close_button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(window.banner.close_button, Qt.Key.Key_Space)
    qtbot.waitUntil(window.banner.isHidden)
    works(replayed)


def test_from_anything_that_can_have_the_focus(window: MainWindow, replayed: SessionsPage) -> None:
    """Whatever Tab reaches in the window; a control keeps only arrows, Space, Enter and letters."""
    replay = replayed.replay
    typing = (replay.header.title, replay.side.marks.comment, replay.side.notes.field)
    span = replay.board.axis.span_s
    tried = 0
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget in typing:
            continue
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        press(Qt.Key.Key_Plus)
        assert replay.board.axis.span_s < span, f"+ with the focus on {widget}"
        press(Qt.Key.Key_0)
        assert replay.board.axis.span_s == span, f"0 with the focus on {widget}"
        tried += 1
    assert tried > 15


def test_a_click_gives_no_button_the_focus(window: MainWindow, replayed: SessionsPage) -> None:
    """Space and Enter belong to the page until Tab has gone to a control."""
    assert replayed.isVisible()
    taking = [
        widget.accessibleName() or widget.objectName() or type(widget).__name__
        for page in (window.live, window.sessions, window.calls)
        for kind in (QAbstractButton, QComboBox)
        for widget in page.findChildren(kind)
        if widget.focusPolicy() & Qt.FocusPolicy.ClickFocus and not isinstance(widget, CallTile)
    ]
    assert not taking


def test_the_list_answers_from_everywhere(
    qtbot: QtBot, window: MainWindow, replayed: SessionsPage
) -> None:
    press(Qt.Key.Key_Escape)
    page = replayed.list
    assert replayed.showing_list
    page.table.selectRow(0)
    window.root.setFocus()
    press(Qt.Key.Key_Slash)
    assert page.filters.text.hasFocus()
    press(Qt.Key.Key_Escape)
    assert page.table.hasFocus()
    press(Qt.Key.Key_F2)
    title = page.details.title
    assert title.hasFocus()
    qtbot.keyClicks(title, "Renamed")
    press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.model.rows[0].title == "Renamed")
    assert replayed.showing_list, "Enter was the field's"
    window.root.setFocus()
    press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: replayed.replay.session is not None)


def test_calls_answer_after_clicks_beside_them(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    page = window.calls
    window.bring(page)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    page.start([call_scenes.stereo_call(tmp_path / f"{i}.wav", 8, i) for i in range(2)])
    qtbot.waitUntil(lambda: len(page.wall.grid.order) == 2, timeout=60_000)
    grid = page.wall.grid
    grid.focus_first()
    first = grid.current
    QTest.mouseClick(window.root, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    press(Qt.Key.Key_Delete)
    assert len(grid.order) == 2, "what is removed has the focus, visibly"
    press(Qt.Key.Key_Return)
    assert page.call.model is not None
    assert page.call.model.info.id == first
    QTest.mouseClick(page.call.timelines, Qt.MouseButton.LeftButton)
    press(Qt.Key.Key_Escape)
    assert page.call.model is None
    press(Qt.Key.Key_Return)
    QTest.mouseClick(page.call.stop, Qt.MouseButton.LeftButton)
    model = page.call.model
    assert model is not None
    qtbot.waitUntil(lambda: model.over and page.call.stop.isHidden(), timeout=20_000)
    press(Qt.Key.Key_Escape)
    assert page.call.model is None
    press(Qt.Key.Key_Return)
    press(Qt.Key.Key_Delete)
    assert len(page.controller.models) == 1, "the call that is opened"


def test_the_live_page_answers_from_a_control(
    window: MainWindow,
    runs: feed.FakeRuns,  # noqa: ARG001
) -> None:
    window.live.header.picker.setFocus(Qt.FocusReason.TabFocusReason)
    press(Qt.Key.Key_V)
    assert window.live.workspace.view == "lines"
