"""The way of a new user: demo, record, stop, find the session, replay, annotate, export."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from emolive.ui.main_window import MainWindow
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.mark_lane import MarkLane
from tests.ui.sessions.test_replay_page import drag, row
from tests.ui.test_recording import agree, run_demo, window  # noqa: F401


def test_from_the_demo_to_an_exported_session(
    qtbot: QtBot,
    window: MainWindow,  # noqa: F811
    tmp_path: Path,
) -> None:
    # The demo plays, and the timeline moves.
    run_demo(qtbot, window)
    model = window.runner.model
    assert model is not None
    qtbot.waitUntil(
        lambda: any(s.current is not None for s in model.streams.values()), timeout=20_000
    )
    before_s = window.live.workspace.axis.now_s
    qtbot.waitUntil(lambda: window.live.workspace.axis.now_s > before_s + 0.5)

    # Record, and stop everything.
    qtbot.keyClick(window, Qt.Key.Key_R)
    agree(qtbot)
    button = window.live.header.recording
    qtbot.waitUntil(lambda: button.text().strip().startswith("0:05"), timeout=20_000)
    with qtbot.waitSignal(window.recording.recorded, timeout=20_000) as done:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    window.live.toggle()
    qtbot.waitUntil(lambda: not window.runner.active, timeout=10_000)

    # Find it, and open it.
    window.show_page(1)
    page = window.sessions
    qtbot.waitUntil(lambda: [r.info.id for r in page.list.model.rows] == [done.args[0]])
    qtbot.keyClick(page.list.table, Qt.Key.Key_Return)
    replay = page.replay
    qtbot.waitUntil(lambda: replay.session is not None)

    # Annotate a second of it.
    surface = replay.board.surface
    y = row(replay, MarkLane)
    drag(surface, QPoint(round(surface.x_of(1.0)), y), QPoint(round(surface.x_of(2.0)), y))
    QTest.keyClick(surface, Qt.Key.Key_3)
    library = window.library_controller.library
    assert library is not None
    qtbot.waitUntil(lambda: len(library.annotations(done.args[0])) == 1)

    # Export, and read it back.
    replay.header.export_button.click()
    dialog = page.dialog
    assert isinstance(dialog, ExportDialog)
    for name, box in dialog.boxes.items():
        box.setChecked(name == "json")
    dialog.folder.setText(str(tmp_path / "out"))
    with qtbot.waitSignal(dialog.finished_writing, timeout=20_000):
        dialog.export_button.click()
    dialog.close_button.click()
    (written,) = (tmp_path / "out").glob("*.json")
    document = json.loads(written.read_text(encoding="utf-8"))
    assert document["annotations"][0]["label"] == "happy"
    assert document["duration_s"] > 4.5
    assert document["windows"]
