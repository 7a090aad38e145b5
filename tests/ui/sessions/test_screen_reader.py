"""Names for a screen reader, on the page of sessions and in its dialogs."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.sessions.side_panel import MARKS, NOTES, SUMMARY
from tests.ui.test_screen_reader import unnamed, unreachable


def test_every_control_of_the_list_has_a_name(
    qtbot: QtBot, page: SessionsPage, session: str
) -> None:
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 1)
    page.list.table.selectRow(0)
    assert session
    assert unnamed(page) == []
    assert unreachable(page) == []
    assert page.library is not None
    page.delete([page.library.get(session)])
    qtbot.waitUntil(lambda: page.dialog is not None)
    assert page.dialog is not None
    assert unnamed(page.dialog) == []
    assert unreachable(page.dialog) == []
    page.dialog.reject()


def test_every_control_of_a_replay_has_a_name(
    qtbot: QtBot, page: SessionsPage, replay: ReplayPage
) -> None:
    replay._on_side(True)
    for view in (SUMMARY, MARKS, NOTES):
        replay.side.show_view(view)
        assert unnamed(page) == []
        assert unreachable(page) == []
    for button in (replay.header.export_button, replay.header.compare_button):
        button.click()
        qtbot.waitUntil(lambda: page.dialog is not None)
        assert page.dialog is not None
        assert unnamed(page.dialog) == []
        assert unreachable(page.dialog) == []
        page.dialog.reject()
