from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.session.records import Note, SessionState, StreamInfo
from emolive.types import Segment
from emolive.ui.sessions.delete_dialog import DeleteDialog
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.session_model import Column
from emolive.ui.theme import LIGHT, dress
from tests.session.filled import session_record
from tests.ui.picture_file import left_of_ink
from tests.ui.stored_sessions import RATE, store


def quick(
    library: Library,
    title: str,
    segments: tuple[tuple[str, float], ...] = (("neutral", 20.0),),
    days_ago: float = 0.0,
    *,
    tags: tuple[str, ...] = (),
) -> str:
    """A session of segments alone."""
    writer = library.create(
        session_record(
            streams=(StreamInfo("mono", RATE),), labels=("neutral", "angry", "sad"),
            title=title, tags=tags, started_at=datetime.now(UTC) - timedelta(days=days_ago),
        ),
        audio=False,
    )  # fmt: skip
    at = 0
    for label, seconds in segments:
        end = at + round(seconds * RATE)
        writer.add_segments([Segment("mono", at, end, label, 0.7)])
        at = end
    return writer.finish(at).id


def listed(qtbot: QtBot, page: SessionsPage, titles: list[str]) -> None:
    qtbot.waitUntil(lambda: [row.info.title for row in page.list.model.rows] == titles)


@pytest.fixture
def filled(qtbot: QtBot, page: SessionsPage, library: Library) -> dict[str, str]:
    ids = {
        "calm": quick(library, "Calm talk", (("neutral", 60.0),), 1),
        "short": quick(library, "Short outburst", (("neutral", 30.0), ("angry", 4.0)), 3),
        "long": quick(
            library, "Long quarrel", (("angry", 42.0), ("uncertain", 9.0)), 40, tags=("case-9",)
        ),
    }
    page.refresh()
    listed(qtbot, page, ["Calm talk", "Short outburst", "Long quarrel"])
    return ids


def test_headers_stand_over_their_cells(filled: dict[str, str], page: SessionsPage) -> None:
    assert filled
    table = page.list.table
    table.clearSelection()
    header = table.horizontalHeader()
    for column in (Column.STARTED, Column.LENGTH):
        start = header.sectionViewportPosition(column)
        above = left_of_ink(header.grab().toImage(), start)
        assert above == pytest.approx(left_of_ink(table.viewport().grab().toImage(), start), abs=1)


def test_an_empty_library_says_what_to_do(qtbot: QtBot, page: SessionsPage) -> None:
    qtbot.waitUntil(lambda: page.list.empty.title.text() == "No sessions yet")
    assert page.list.empty.record_button.isVisible()
    assert not page.list.filters.isVisible()
    with qtbot.waitSignal(page.record_wanted):
        QTest.mouseClick(page.list.empty.record_button, Qt.MouseButton.LeftButton)


def test_a_library_that_cannot_be_opened_is_told_and_tried_again(
    qtbot: QtBot, page: SessionsPage
) -> None:
    page.set_problem("The disk is full: free some space.")
    assert page.list.empty.text.text() == "The disk is full: free some space."
    with qtbot.waitSignal(page.retry_library):
        page.list.empty.retry_button.click()


def test_the_list_tells_date_length_emotions_and_tags(
    page: SessionsPage, filled: dict[str, str]
) -> None:
    model = page.list.model
    row = model.row_of(filled["long"])
    texts = [model.data(model.index(row, column)) for column in Column]
    assert texts[Column.TITLE] == "Long quarrel"
    assert texts[Column.LENGTH] == "51 s"
    assert texts[Column.EMOTIONS] == "angry"
    assert texts[Column.TAGS] == "case-9"
    assert page.list.count.text() == "3 sessions"


def test_words_lengths_and_times_find_sessions_and_their_segments(
    qtbot: QtBot, page: SessionsPage, filled: dict[str, str]
) -> None:
    qtbot.keyClicks(page.list.filters.text, "angry longer than 10 s")
    listed(qtbot, page, ["Long quarrel"])
    found = page.list.model.rows[0].segments
    assert [(s.label, s.end_sample // RATE) for s in found] == [("angry", 42)]
    assert page.list.count.text() == "1 of 3 sessions"
    # The first hit is chosen, and its segment leads into the session.
    assert [row.info.id for row in page.list.table.chosen] == [filled["long"]]
    button = page.list.details.found.findChildren(QPushButton)[0]
    assert button.accessibleName() == "angry at 0:00, 42.0 s"
    with qtbot.waitSignal(page.list.opened) as opened:
        button.click()
    assert opened.args == [filled["long"], 0]


def test_filters_and_text_must_both_match_and_can_be_cleared(
    qtbot: QtBot, page: SessionsPage, filled: dict[str, str]
) -> None:
    filters = page.list.filters
    filters.emotions.choose(["angry"])
    filters.changed.emit()
    listed(qtbot, page, ["Short outburst", "Long quarrel"])
    filters.when.setCurrentIndex(filters.when.findText("last 7 days"))
    filters.changed.emit()
    listed(qtbot, page, ["Short outburst"])
    qtbot.keyClicks(filters.text, "quarrel")
    listed(qtbot, page, [])
    assert page.list.empty.title.text() == "No session matches"
    page.list.empty.clear_button.click()
    listed(qtbot, page, ["Calm talk", "Short outburst", "Long quarrel"])
    assert not filters.active
    assert filters.emotions.chosen == ()
    assert filled


def test_a_search_that_makes_no_sense_is_one_sentence_and_the_list_stays(
    qtbot: QtBot, page: SessionsPage, filled: dict[str, str]
) -> None:
    qtbot.keyClicks(page.list.filters.text, "colour:red")
    qtbot.waitUntil(page.list.problem.isVisible)
    assert "'colour' is nothing to search by" in page.list.problem.text()
    assert page.list.model.rowCount() == len(filled)
    page.list.filters.clear()
    qtbot.waitUntil(lambda: not page.list.problem.isVisible())


def test_marks_by_hand_are_searched_when_asked(
    qtbot: QtBot, page: SessionsPage, library: Library, session: str
) -> None:
    quick(library, "Unmarked", (("happy", 20.0),))
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 2)
    page.list.filters.by_hand.click()
    listed(qtbot, page, ["Interview 7"])
    assert [s.label for s in page.list.model.rows[0].segments] == ["happy"]
    assert page.list.model.rows[0].info.id == session


def test_sorting_keeps_the_choice(qtbot: QtBot, page: SessionsPage, filled: dict[str, str]) -> None:
    table = page.list.table
    table.selectRow(page.list.model.row_of(filled["short"]))
    header = table.horizontalHeader()
    x = header.sectionViewportPosition(Column.LENGTH) + 20
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 10))
    lengths = [row.info.duration_s for row in page.list.model.rows]
    assert lengths == sorted(lengths, reverse=True) or lengths == sorted(lengths)
    assert [row.info.id for row in table.chosen] == [filled["short"]]
    assert qtbot


def test_rename_tag_and_note_are_stored(
    qtbot: QtBot, page: SessionsPage, library: Library, filled: dict[str, str]
) -> None:
    page.list.table.selectRow(page.list.model.row_of(filled["calm"]))
    page.list.table.setFocus()
    details = page.list.details
    QTest.keyClick(page.list.table, Qt.Key.Key_F2)
    assert details.title.hasFocus()
    qtbot.keyClicks(details.title, "Quiet talk")
    QTest.keyClick(details.title, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: library.get(filled["calm"]).title == "Quiet talk")
    qtbot.waitUntil(lambda: page.list.model.rows[0].title == "Quiet talk")

    qtbot.keyClicks(details.tags.field, "pilot")
    QTest.keyClick(details.tags.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: library.get(filled["calm"]).tags == ("pilot",))
    qtbot.waitUntil(lambda: "pilot" in page.list.model.rows[0].info.tags)

    qtbot.keyClicks(details.notes.field, "Look at minute two.")
    details.notes.add_button.click()
    qtbot.waitUntil(lambda: len(library.notes(filled["calm"])) == 1)
    assert library.notes(filled["calm"])[0].text == "Look at minute two."

    def chips() -> list[QPushButton]:
        return [b for b in details.tags.findChildren(QPushButton) if "pilot" in b.text()]

    qtbot.waitUntil(lambda: len(chips()) == 1)
    (chip,) = chips()
    chip.click()
    qtbot.waitUntil(lambda: library.get(filled["calm"]).tags == ())


def test_deleting_asks_once_and_says_what_goes(
    qtbot: QtBot, page: SessionsPage, library: Library, filled: dict[str, str]
) -> None:
    table = page.list.table
    table.selectRow(page.list.model.row_of(filled["short"]))
    QTest.keyClick(table, Qt.Key.Key_Delete)
    dialog = page.dialog
    assert isinstance(dialog, DeleteDialog)
    assert dialog.heading.text() == "Delete this session?"
    dialog.keep_button.click()
    assert library.get(filled["short"]).title == "Short outburst"

    QTest.keyClick(table, Qt.Key.Key_Delete)
    dialog = page.dialog
    assert isinstance(dialog, DeleteDialog)
    dialog.delete_button.click()
    listed(qtbot, page, ["Calm talk", "Long quarrel"])
    assert all(info.id != filled["short"] for info in library.sessions())


def test_what_is_being_recorded_is_marked_and_cannot_be_deleted(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    writer = library.create(
        session_record(streams=(StreamInfo("mono", RATE),), labels=("angry",),
                   title="Now")
    )  # fmt: skip
    try:
        writer.commit(3 * RATE)
        page.refresh()
        qtbot.waitUntil(lambda: page.list.model.rowCount() == 1)
        row = page.list.model.rows[0]
        assert row.info.state is SessionState.RECORDING
        assert "recording" in page.list.model.data(page.list.model.index(0, Column.TITLE))
        assert not page.list.details.delete_button.isEnabled()
    finally:
        writer.finish(3 * RATE)
    # It looks again by itself while something is recorded.
    qtbot.waitUntil(lambda: page.list.details.delete_button.isEnabled(), timeout=10_000)


def test_several_can_be_chosen(qtbot: QtBot, page: SessionsPage, filled: dict[str, str]) -> None:
    page.list.table.selectAll()
    assert page.list.details.facts.text().startswith("3 sessions chosen")
    assert not page.list.details.open_button.isEnabled()
    assert page.list.details.export_button.isEnabled()
    assert len(filled) == 3
    assert qtbot


def test_thousands_of_sessions_stay_quick(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    first = quick(library, "A first one")
    with library.database.writing() as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(sessions)")]
        copied = ", ".join(
            {"id": "printf('copy-%05d', n)", "title": "printf('Session %05d', n)"}.get(c, c)
            for c in columns
        )
        connection.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE"
            f" n < 3000) INSERT INTO sessions ({', '.join(columns)}) SELECT {copied} FROM sessions,"
            " numbers WHERE id = ?",
            (first,),
        )
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 3001, timeout=20_000)
    table = page.list.table
    began = time.thread_time()
    for share in (0.2, 0.9, 0.5):
        bar = table.verticalScrollBar()
        bar.setValue(round(share * bar.maximum()))
        table.viewport().repaint()
    page.list.model.sort(Column.TITLE, Qt.SortOrder.AscendingOrder)
    table.viewport().repaint()
    assert time.thread_time() - began < 2.0
    assert page.list.model.rows[1].title == "Session 00001"


def test_the_theme_changes_without_a_word(qtbot: QtBot, page: SessionsPage, session: str) -> None:
    qtbot.waitUntil(lambda: page.list.model.rowCount() >= 0 and bool(session))
    dress(page, LIGHT)
    assert page.list.theme is LIGHT


def test_notes_of_the_chosen_session_are_shown(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    store(library, title="With note", notes=(Note("Tired."),))
    page.refresh()
    qtbot.waitUntil(lambda: page.list.details.notes.shown == ("Tired.",))


def test_keys_reach_search_and_list(
    qtbot: QtBot, page: SessionsPage, filled: dict[str, str], tmp_path: Path
) -> None:
    del tmp_path
    page.list.table.setFocus()
    QTest.keyClick(page.list.table, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.list.filters.text.hasFocus()
    qtbot.keyClicks(page.list.filters.text, "quarrel")
    listed(qtbot, page, ["Long quarrel"])
    QTest.keyClick(page.list.filters.text, Qt.Key.Key_Down)
    assert page.list.table.hasFocus()
    with qtbot.waitSignal(page.list.opened) as opened:
        QTest.keyClick(page.list.table, Qt.Key.Key_Return)
    assert opened.args[0] == filled["long"]
