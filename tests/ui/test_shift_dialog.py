"""The shift in the window: chosen by day and team, its alerts lead to their moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.ui.calls.page import CallsPage
from emolive.ui.calls.shift_dialog import ShiftDialog
from emolive.ui.text_table import TextTable
from emolive.ui.theme import DARK, apply
from tests.session.filled import RATE
from tests.session.test_shift import call
from tests.ui import feed
from tests.ui.picture_file import left_of_ink


def test_the_shift_is_shown_filtered_and_leads_to_the_alert(qtbot: QtBot, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        now = datetime.now(UTC)
        newest = call(library, now - timedelta(minutes=2), "agent:Jane", "team:Billing")
        call(library, now - timedelta(days=3), "agent:Bob", "team:Sales")
        dialog = ShiftDialog(DARK, library)
        qtbot.addWidget(dialog)
        dialog.show()
        dialog.show_days(7)
        qtbot.waitUntil(lambda: dialog.sum.text().startswith("2 calls"), timeout=10_000)
        QApplication.processEvents()
        for table in (dialog.agents, dialog.alerts):
            assert table.horizontalScrollBar().maximum() == 0, "it is 1000 px wide"
        assert [dialog.agents.item(row, 0).text() for row in range(2)] == ["Bob", "Jane"]
        assert "sad 80" in dialog.emotions.accessibleDescription()
        assert "1 call, 1 alert" in dialog.hours.accessibleDescription()
        row = dialog.team.findText("Billing")
        dialog.team.setCurrentIndex(row)
        dialog.team.activated.emit(row)
        qtbot.waitUntil(lambda: dialog.sum.text().startswith("1 call"), timeout=10_000)
        assert dialog.agents.rowCount() == 1
        with qtbot.waitSignal(dialog.opened) as opened:
            dialog.alerts.cellActivated.emit(0, 0)
        assert opened.args == [newest, 25 * RATE]
        dialog.close()


def test_headers_stand_over_their_cells(qtbot: QtBot) -> None:
    apply(QApplication.instance(), DARK)
    window = QWidget()
    qtbot.addWidget(window)
    table = TextTable(("H", "H"), "Letters", wide=(0, 1), height=120, parent=window)
    table.show_lines([("H", "H")])
    table.resize(400, 120)
    header = left_of_ink(table.horizontalHeader().grab().toImage(), table.columnWidth(0))
    cells = left_of_ink(table.viewport().grab().toImage(), table.columnWidth(0))
    assert header == pytest.approx(cells, abs=1)


def test_from_the_calls_page_to_an_alert_s_moment_by_keyboard(qtbot: QtBot, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        newest = call(library, datetime.now(UTC) - timedelta(minutes=2), "agent:Jane")
        page = CallsPage(feed.preferences("dark"), DARK)
        qtbot.addWidget(page)
        page.show()
        page.set_library(library)
        page.activateWindow()
        qtbot.waitUntil(page.isActiveWindow)
        QTest.keyClick(page.wall.add, Qt.Key.Key_S)
        qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ShiftDialog))
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ShiftDialog)
        dialog.spans[-1].setFocus()
        QTest.keyClick(dialog.spans[-1], Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: dialog.alerts.rowCount() == 1, timeout=20_000)
        dialog.alerts.setFocus()
        dialog.alerts.setCurrentCell(0, 0)
        with qtbot.waitSignal(page.session_wanted) as wanted:
            QTest.keyClick(dialog.alerts, Qt.Key.Key_Return)
        assert wanted.args == [newest, 25 * RATE]
        assert dialog.isHidden()
        page.end(0.0)
