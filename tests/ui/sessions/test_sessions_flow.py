"""Find a session, open it where it matters, listen, mark, undo, export, read the files back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from emolive.session.audit_log import login_name
from emolive.session.library import Library
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.mark_lane import MarkLane
from emolive.ui.sessions.page import SessionsPage
from tests.ui.sessions.test_replay_page import drag, row
from tests.ui.stored_sessions import RATE, demo, store

_CTRL = Qt.KeyboardModifier.ControlModifier


def test_find_open_replay_annotate_undo_export(
    qtbot: QtBot, page: SessionsPage, library: Library, tmp_path: Path
) -> None:
    wanted = store(library, title="Interview 7", tags=("pilot",))
    store(library, title="Something else", audio=False)
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 2)

    # Find: the first angry segment of at least five seconds.
    qtbot.keyClicks(page.list.filters.text, "angry longer than 5 s tag:pilot")
    qtbot.waitUntil(lambda: [r.info.id for r in page.list.model.rows] == [wanted])
    segment = page.list.model.rows[0].segments[0]
    page.list.details.found.findChildren(QPushButton)[0].click()

    # Open: there, with that segment selected.
    replay = page.replay
    qtbot.waitUntil(lambda: replay.session is not None)
    assert replay.session is not None
    assert replay.playing.position == segment.start_sample
    assert replay.selection.stretch is not None
    assert replay.selection.stretch.end_sample == segment.end_sample

    # Replay: it is heard from there on.
    surface = replay.board.surface
    QTest.keyClick(surface, Qt.Key.Key_Space)
    qtbot.waitUntil(
        lambda: replay.playing.position > segment.start_sample + RATE // 4, timeout=10_000
    )
    QTest.keyClick(surface, Qt.Key.Key_Space)

    # Annotate: label the selected segment, and drag another mark.
    QTest.keyClick(surface, Qt.Key.Key_4)
    qtbot.waitUntil(lambda: len(library.annotations(wanted)) == 1)
    y = row(replay, MarkLane)
    drag(surface, QPoint(round(surface.x_of(30.0)), y), QPoint(round(surface.x_of(33.0)), y))
    QTest.keyClick(surface, Qt.Key.Key_7)
    qtbot.waitUntil(lambda: len(library.annotations(wanted)) == 2)

    # Undo the second.
    QTest.keyClick(surface, Qt.Key.Key_Z, _CTRL)
    qtbot.waitUntil(lambda: len(library.annotations(wanted)) == 1)
    mark = library.annotations(wanted)[0]
    assert (mark.label, mark.start_sample) == ("sad", segment.start_sample)

    # Export what is there, in several formats.
    replay.header.export_button.click()
    dialog = page.dialog
    assert isinstance(dialog, ExportDialog)
    for name, box in dialog.boxes.items():
        box.setChecked(name in ("csv", "json", "textgrid"))
    dialog.folder.setText(str(tmp_path / "out"))
    with qtbot.waitSignal(dialog.finished_writing, timeout=20_000):
        dialog.export_button.click()
    assert dialog.result_ is not None
    assert dialog.result_.problems == ()
    assert dialog.state.text() == "5 files were written."
    assert dialog.open_button.isVisible()
    dialog.close_button.click()
    assert page.dialog is None

    # Read back with readers of their own.
    stem = f"{wanted}-Interview-7"
    document = json.loads((tmp_path / "out" / f"{stem}.json").read_text(encoding="utf-8"))
    assert document["annotations"] == [
        {
            "stream": "mono",
            "start_s": pytest.approx(segment.start_sample / RATE, abs=1e-6),
            "end_s": pytest.approx(segment.end_sample / RATE, abs=1e-6),
            "label": "sad",
            "comment": "",
            "annotator": login_name(),
            "tier": "",
        }
    ]
    assert len(document["windows"]) == len(demo().analysis.windows)
    with (tmp_path / "out" / f"{stem}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(demo().analysis.windows)
    textgrid = pytest.importorskip("praatio.textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "out" / f"{stem}.TextGrid"), False)
    human = [name for name in grid.tierNames if "human" in name]
    entries = [e for e in grid.getTier(human[0]).entries if e.label == "sad"]
    assert len(entries) == 1
    assert entries[0].start == pytest.approx(segment.start_sample / RATE, abs=1e-4)

    # Back to the list.
    QTest.keyClick(surface, Qt.Key.Key_Escape)
    QTest.keyClick(surface, Qt.Key.Key_Escape)
    assert page.showing_list


def test_closing_ends_everything_while_it_plays_and_draws(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    page.open_session(store(library))
    qtbot.waitUntil(lambda: page.replay.session is not None)
    page.replay.playing.toggle()
    page.refresh()
    # The fixture ends the page within two seconds and checks that no thread is left.
    assert page.replay.playing.playing
