from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.session.records import Annotation
from emolive.session.summary import NO_EMOTION
from emolive.ui.sessions import side_panel
from emolive.ui.sessions.mark_lane import MarkLane
from emolive.ui.sessions.replay_page import ReplayPage
from tests.ui.sessions.test_replay_page import drag, key, row
from tests.ui.stored_sessions import RATE, demo

At = Callable[[float, int], QPoint]
LEFT = Qt.MouseButton.LeftButton
_CTRL = Qt.KeyboardModifier.ControlModifier
_ALT = Qt.KeyboardModifier.AltModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


def stored(library: Library, replay: ReplayPage) -> list[Annotation]:
    assert replay.session is not None
    return library.annotations(replay.session.info.id)


def test_drag_and_a_digit_make_a_mark(
    qtbot: QtBot, library: Library, replay: ReplayPage, at: At
) -> None:
    y = row(replay, MarkLane)
    drag(replay.board.surface, at(10.0, y), at(13.0, y))
    key(replay, Qt.Key.Key_5)
    qtbot.waitUntil(lambda: len(stored(library, replay)) == 2)
    made = stored(library, replay)[1]
    assert made.label == "angry"
    assert made.stream == "mono"
    assert made.start_sample / RATE == pytest.approx(10.0, abs=0.25)
    assert made.end_sample / RATE == pytest.approx(13.0, abs=0.25)
    # It is selected, so that the next digit changes it.
    qtbot.waitUntil(lambda: replay.selection.mark_id == made.id)
    key(replay, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: stored(library, replay)[1].label == "neutral")
    assert replay.side.marks.model.rowCount() == 2


def test_a_digit_without_a_selection_labels_the_segment_at_the_cursor(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    replay.actions_.seek(8.0)
    key(replay, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: len(stored(library, replay)) == 2)
    segment = next(s for s in demo().analysis.segments if s.start_sample <= 8 * RATE < s.end_sample)
    made = next(mark for mark in stored(library, replay) if mark.id != "known")
    assert (made.start_sample, made.end_sample) == (segment.start_sample, segment.end_sample)
    assert made.label == "happy"


def test_a_mark_is_moved_by_its_middle_and_resized_by_its_edges(
    qtbot: QtBot, library: Library, replay: ReplayPage, at: At
) -> None:
    y = row(replay, MarkLane)
    surface = replay.board.surface
    drag(surface, at(3.5, y), at(9.5, y))
    qtbot.waitUntil(lambda: stored(library, replay)[0].start_sample > 7 * RATE)
    moved = stored(library, replay)[0]
    assert moved.end_sample - moved.start_sample == 3 * RATE
    assert moved.start_sample / RATE == pytest.approx(8.0, abs=0.1)
    assert replay.selection.mark_id == "known"

    right = at(moved.end_sample / RATE, y) - QPoint(2, 0)
    QTest.mousePress(surface, LEFT, _ALT, pos=right)
    QTest.mouseMove(surface, at(20.0, y))
    QTest.mouseRelease(surface, LEFT, _ALT, pos=at(20.0, y))
    qtbot.waitUntil(lambda: stored(library, replay)[0].end_sample > 19 * RATE)
    resized = stored(library, replay)[0]
    assert resized.start_sample == moved.start_sample
    assert resized.end_sample / RATE == pytest.approx(20.0, abs=0.2)


def test_dragged_borders_snap_to_segments(
    qtbot: QtBot, library: Library, replay: ReplayPage, at: At
) -> None:
    border = demo().analysis.segments[1].end_sample
    y = row(replay, MarkLane)
    drag(replay.board.surface, at(border / RATE, y) + QPoint(3, 0), at(12.6, y))
    assert replay.selection.stretch is not None
    assert replay.selection.stretch.start_sample == border
    assert qtbot
    assert library


def test_undo_and_redo_walk_through_all_edits(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    begin = stored(library, replay)
    key(replay, Qt.Key.Key_N)  # selects the mark that is there
    assert replay.selection.mark_id == "known"
    key(replay, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: stored(library, replay)[0].label == "calm")
    key(replay, Qt.Key.Key_Right, _ALT)
    qtbot.waitUntil(lambda: stored(library, replay)[0].start_sample == round(2.1 * RATE))
    key(replay, Qt.Key.Key_Right, _ALT | _SHIFT)
    qtbot.waitUntil(lambda: stored(library, replay)[0].end_sample == round(5.2 * RATE))
    replay.actions_.seek(3.0)
    replay.selection.select_mark("known")
    key(replay, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: len(stored(library, replay)) == 2)
    replay.selection.select_mark("known")
    key(replay, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: len(stored(library, replay)) == 1)
    end = stored(library, replay)
    qtbot.waitUntil(lambda: "delete" in replay.transport.undo_button.toolTip())

    for _ in range(5):
        key(replay, Qt.Key.Key_Z, _CTRL)
    qtbot.waitUntil(lambda: stored(library, replay) == begin)
    qtbot.waitUntil(lambda: not replay.transport.undo_button.isEnabled())
    for _ in range(5):
        key(replay, Qt.Key.Key_Z, _CTRL | _SHIFT)
    qtbot.waitUntil(lambda: stored(library, replay) == end)


def test_keys_that_repeat_quickly_add_up(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    key(replay, Qt.Key.Key_N)
    for _ in range(15):
        key(replay, Qt.Key.Key_Right, _ALT)
    for _ in range(5):
        key(replay, Qt.Key.Key_Left, _ALT | _SHIFT)
    qtbot.waitUntil(
        lambda: (
            (stored(library, replay)[0].start_sample, stored(library, replay)[0].end_sample)
            == (round(3.5 * RATE), 6 * RATE)
        )
    )
    # A border that would turn the mark around is no edit.
    replay.actions_.seek(8.0)
    replay.selection.select_mark("known")
    key(replay, Qt.Key.Key_BracketLeft)
    key(replay, Qt.Key.Key_BracketRight)
    qtbot.waitUntil(lambda: stored(library, replay)[0].end_sample == 8 * RATE)
    assert stored(library, replay)[0].start_sample == round(3.5 * RATE)


def test_a_comment_is_written_in_the_side_panel(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    key(replay, Qt.Key.Key_N)
    key(replay, Qt.Key.Key_C)
    assert replay.side.view == side_panel.MARKS
    field = replay.side.marks.comment
    qtbot.waitUntil(field.hasFocus)
    assert field.text() == "smiling"
    qtbot.keyClicks(field, "laughing 1 2 3")  # digits are text here, no labels
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: stored(library, replay)[0].comment == "laughing 1 2 3")
    assert stored(library, replay)[0].label == "happy"


def test_a_comment_on_a_stretch_marks_it_first(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    replay.actions_.select_segment_at(8 * RATE, None)
    key(replay, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: len(stored(library, replay)) == 2)
    made = next(mark for mark in stored(library, replay) if mark.id != "known")
    assert made.label is None
    field = replay.side.marks.comment
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "door slams at 5")  # which are keys elsewhere
    QTest.keyClick(field, Qt.Key.Key_Return)
    comment = "door slams at 5"
    qtbot.waitUntil(
        lambda: [m.comment for m in stored(library, replay) if m != made] == ["smiling", comment]
    )
    assert {mark.label for mark in stored(library, replay)} == {"happy", None}
    key(replay, Qt.Key.Key_Escape)
    key(replay, Qt.Key.Key_C)  # nothing is selected: nothing to write about
    assert not field.hasFocus()


def test_the_models_segments_can_be_taken_over_in_one_edit(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    replay.marking.delete("known")
    qtbot.waitUntil(lambda: stored(library, replay) == [])
    qtbot.waitUntil(replay.side.marks.adopt_button.isEnabled)
    replay.side.marks.adopt_button.click()
    emotions = [s for s in demo().analysis.segments if s.label not in NO_EMOTION]
    qtbot.waitUntil(lambda: len(stored(library, replay)) == len(emotions))
    # All of it agrees with the model, of course.
    qtbot.waitUntil(lambda: "κ 1.00" in replay.side.marks.agreement.text())
    key(replay, Qt.Key.Key_Z, _CTRL)
    qtbot.waitUntil(lambda: stored(library, replay) == [])


def test_agreement_follows_the_marks(qtbot: QtBot, replay: ReplayPage) -> None:
    marks = replay.side.marks
    qtbot.waitUntil(lambda: "You and the model" in marks.agreement.text())
    before = marks.agreement.text()
    segment = next(s for s in demo().analysis.segments if s.label == "angry")
    replay.marking.add(segment.start_sample, segment.end_sample, "angry", "mono")
    qtbot.waitUntil(lambda: marks.agreement.text() != before)


def test_a_mark_that_cannot_be_stored_springs_back_and_is_told(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    assert replay.session is not None
    library.delete(replay.session.info.id)
    with qtbot.waitSignal(replay.failed) as told:
        replay.marking.add(0, RATE, "angry", "mono")
    assert "There is no session" in told.args[0]


def test_choosing_in_the_list_goes_there(qtbot: QtBot, replay: ReplayPage) -> None:
    replay._on_side(True)
    replay.side.show_view(side_panel.MARKS)
    marks = replay.side.marks
    marks.list.setFocus()
    index = marks.model.index(0)
    rect = marks.list.visualRect(index)
    QTest.mouseClick(marks.list.viewport(), LEFT, pos=rect.center())
    assert replay.selection.mark_id == "known"
    assert replay.playing.position == 2 * RATE
    assert marks.comment.text() == "smiling"
    QTest.keyClick(marks.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: marks.model.rowCount() == 0)


def test_overlapping_marks_lie_in_rows_and_each_can_be_taken(
    qtbot: QtBot, replay: ReplayPage
) -> None:
    replay.marking.add(3 * RATE, 6 * RATE, "sad", "mono")
    qtbot.waitUntil(lambda: len(replay.marking.marks) == 2)
    lane = replay.board.lanes[0]
    found = {
        hit[0].label
        for y in range(2, lane.height(), 3)
        if (hit := lane.hit(QPoint(round(replay.board.surface.x_of(4.0)), y).toPointF()))
    }
    assert found == {"happy", "sad"}
