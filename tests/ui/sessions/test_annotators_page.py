"""Several people mark one session, in tiers of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.session.library_settings import TierSettings
from emolive.session.records import Annotation
from emolive.ui.sessions import side_panel
from emolive.ui.sessions.mark_lane import LaneKind
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.sessions.tiers_dialog import TiersDialog
from tests.ui.sessions.test_replay_page import drag, key
from tests.ui.stored_sessions import RATE

At = Callable[[float, int], QPoint]
TIER = TierSettings(name="engagement", labels=("low", "high"))


@pytest.fixture
def session(library: Library, session: str) -> str:
    """Marked by anna, too, and with a tier."""
    library.change_settings(tiers=(TIER,))
    anna = Annotation("annas", 1 * RATE, 4 * RATE, "sad", "", "mono", "anna")
    library.change_annotations(session, put=[anna])
    return session


def by_id(library: Library, session: str) -> dict[str, Annotation]:
    return {mark.id: mark for mark in library.annotations(session)}


def kinds(replay: ReplayPage) -> list[LaneKind]:
    return [lane.kind for lane in replay.board.lanes]


def lane_y(replay: ReplayPage, kind: LaneKind) -> int:
    lane = next(lane for lane in replay.board.lanes if lane.kind == kind)
    return lane.y() + lane.height() // 2


def test_everybody_has_a_lane_and_changes_only_own_marks(
    qtbot: QtBot, library: Library, session: str, replay: ReplayPage, at: At
) -> None:
    assert kinds(replay) == [LaneKind(), LaneKind("engagement"), LaneKind("", "anna")]
    before = by_id(library, session)["annas"]
    said: list[str] = []
    replay.said.connect(said.append)
    y = lane_y(replay, LaneKind("", "anna"))
    drag(replay.board.surface, at(2.0, y), at(6.0, y))  # selects; what is hers does not move
    QTest.mouseClick(replay.board.surface, Qt.MouseButton.LeftButton, pos=at(2.0, y))
    assert replay.selection.mark_id == "annas"
    key(replay, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: bool(said))
    assert "by anna" in said[0]
    key(replay, Qt.Key.Key_Delete)
    key(replay, Qt.Key.Key_Z)
    assert by_id(library, session)["annas"] == before

    bar = replay.side.marks.bar
    bar.who.setCurrentText("anna")
    bar.who.lineEdit().editingFinished.emit()
    assert LaneKind("", "anna") not in kinds(replay)
    replay.selection.select_mark("annas")
    key(replay, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: by_id(library, session)["annas"].label == "happy")


def test_marks_are_made_in_the_name_and_the_tier_that_is_chosen(
    qtbot: QtBot, library: Library, session: str, page: SessionsPage, replay: ReplayPage, at: At
) -> None:
    named: list[str] = []
    page.annotator_named.connect(named.append)
    replay.side.show_view(side_panel.MARKS)
    line = replay.side.marks.bar.who.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, "ben")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert named == ["ben"]
    # What is dragged in a tier's lane is labelled with its labels.
    y = lane_y(replay, LaneKind("engagement"))
    drag(replay.board.surface, at(8.0, y), at(10.0, y))
    assert replay.actions_.labels == ("low", "high")
    key(replay, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: len(by_id(library, session)) == 3)
    made = next(m for m in library.annotations(session) if m.id not in ("known", "annas"))
    assert (made.annotator, made.tier, made.label) == ("ben", "engagement", "high")
    # To select an emotion's mark is to label emotions again.
    replay.actions_.pick_mark("known")
    assert replay.marking.tier == ""
    assert replay.actions_.labels[0] == "neutral"


def test_others_marks_can_be_hidden(
    qtbot: QtBot, library: Library, session: str, replay: ReplayPage
) -> None:
    qtbot.waitUntil(lambda: "anna" in replay.side.marks.agreement.text())
    replay.side.marks.bar.others.click()
    assert kinds(replay) == [LaneKind(), LaneKind("engagement")]
    assert replay.side.marks.model.rowCount() == 1
    qtbot.waitUntil(lambda: "anna" not in replay.side.marks.agreement.text())
    replay.side.marks.bar.others.click()
    assert replay.side.marks.model.rowCount() == 2
    assert len(by_id(library, session)) == 2


def test_agreement_between_annotators_is_said(
    qtbot: QtBot, library: Library, session: str, replay: ReplayPage
) -> None:
    # Alike from 2 to 4 s, all of it sad: one label, so kappa says nothing; then ben disagrees.
    ben = [
        Annotation("b1", 2 * RATE, 3 * RATE, "sad", "", "mono", "ben"),
        Annotation("b2", 3 * RATE, 4 * RATE, "happy", "", "mono", "ben"),
    ]
    library.change_annotations(session, put=ben)
    replay.open(library, session)
    agreement = replay.side.marks.agreement
    qtbot.waitUntil(lambda: "anna and ben" in agreement.text())
    assert "anna and ben: Cohen's κ 0.00; the same label 50" in agreement.text()
    assert "Krippendorff's α" in agreement.text()


def test_tiers_are_edited_for_the_library(
    qtbot: QtBot, library: Library, session: str, page: SessionsPage, replay: ReplayPage
) -> None:
    replay.side.marks.bar.edit.click()
    dialog = page.dialog
    assert isinstance(dialog, TiersDialog)
    row = dialog.add()
    row.name.setText("engagement")
    row.labels.setText("a")
    dialog.save_button.click()
    assert "two tiers engagement" in dialog.problem.text()
    row.name.setText("stance")
    row.labels.setText("for, against")
    dialog.rows[0].remove.click()
    dialog.save_button.click()
    wanted = (TierSettings(name="stance", labels=("for", "against")),)
    qtbot.waitUntil(lambda: library.settings().tiers == wanted)
    qtbot.waitUntil(lambda: LaneKind("stance") in kinds(replay))
    assert replay.side.marks.bar.tier.findData("engagement") < 0
    assert session
