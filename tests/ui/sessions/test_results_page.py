"""Results side by side: sorted, filtered, opened, exported; and their trend."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.labels import USUAL
from emolive.session.library import Library
from emolive.session.results import Span
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.results_page import ResultsPage
from emolive.ui.theme import LIGHT, dress
from tests.session.filled import fill, segment
from tests.ui.sessions.conftest import NOW


@pytest.fixture
def results(qtbot: QtBot, library: Library, page: SessionsPage) -> ResultsPage:
    for title, days, label in (("Anna", 0, "angry"), ("Ben", 1, "happy"), ("Cem", 40, "angry")):
        parts = [segment("customer", 0, 3 + days / 10, label), segment("customer", 8, 9, "sad")]
        fill(library, title, parts, at=NOW + timedelta(days=days), seconds=10.0)
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 3)
    page.list.results_button.click()
    qtbot.waitUntil(lambda: page.results.model.rowCount() == 3)
    assert page.results.isVisible()
    return page.results


def titles(results: ResultsPage) -> list[str]:
    return [one.session.title for one in results.filter.shown]


def test_rows_are_sorted_by_value_and_filtered_by_words(results: ResultsPage) -> None:
    assert titles(results) == ["Cem", "Ben", "Anna"]
    angry = 5 + results.model.emotions.index("angry")
    assert results.filter.headerData(angry, Qt.Orientation.Horizontal) == "angry"
    results.table.sortByColumn(angry, Qt.SortOrder.AscendingOrder)
    assert titles(results)[0] == "Ben"
    assert results.filter.headerData(angry, Qt.Orientation.Horizontal) == "angry ↑"
    assert "75" in results.filter.data(results.filter.index(1, angry))
    results.text.setText("angry")
    assert sorted(titles(results)) == ["Anna", "Cem"]
    assert "2" in results.count.text()
    results.text.setText("nobody")
    assert titles(results) == []
    assert not results.table_button.isEnabled()


def test_the_columns_share_the_room_that_a_large_screen_has(
    qtbot: QtBot, page: SessionsPage, results: ResultsPage
) -> None:
    header, view = results.table.horizontalHeader(), results.table.viewport()
    for width in (2400, 1800):
        page.window().resize(width, 900)
        qtbot.waitUntil(
            lambda: 0 <= view.width() - header.length() < header.count() + 2, timeout=20_000
        )
        assert header.sectionSize(0) == max(map(header.sectionSize, range(header.count())))


def test_nothing_is_beside_the_table_where_room_is_short(
    qtbot: QtBot, library: Library, page: SessionsPage, results: ResultsPage
) -> None:
    parts = [segment("customer", 4 * i, 4 * i + 3, label) for i, label in enumerate(USUAL)]
    fill(library, "Annual review with the whole team", parts, at=NOW, seconds=40.0)
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 4)
    page.list.results_button.click()
    qtbot.waitUntil(lambda: page.results.model.rowCount() == 4)
    table, header = results.table, results.table.horizontalHeader()
    for width, mostly in ((924, False), (1600, True)):
        page.window().resize(width, 640)
        qtbot.waitUntil(lambda width=width: page.width() == width)
        QApplication.processEvents()
        assert table.horizontalScrollBar().maximum() == 0
        assert table.isColumnHidden(3) is not mostly
        for column in range(5, header.count()):  # a share is never cut
            text = table.fontMetrics().horizontalAdvance("100 %")
            assert header.sectionSize(column) > text + 16


def test_a_row_opens_its_session_and_leads_back(
    qtbot: QtBot, page: SessionsPage, results: ResultsPage
) -> None:
    results.table.activated.emit(results.filter.index(1, 0))
    qtbot.waitUntil(lambda: page.replay.session is not None)
    assert page.replay.session is not None
    assert page.replay.session.info.title == "Ben"
    page.replay.header.back_button.click()
    assert results.isVisible()
    QTest.keyClick(results.table, Qt.Key.Key_Escape)
    assert page.showing_list


def test_the_table_is_saved_as_shown_and_sessions_are_exported(
    qtbot: QtBot, page: SessionsPage, results: ResultsPage, tmp_path: Path
) -> None:
    results._choose = lambda _: str(tmp_path / "out.csv")
    results.text.setText("angry")
    results.table_button.click()
    qtbot.waitUntil((tmp_path / "out.csv").exists)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [row["title"] for row in csv.DictReader(file)] == ["Cem", "Anna"]
    results.table.selectRow(1)
    results.export_button.click()
    assert isinstance(page.dialog, ExportDialog)


def test_the_trend_follows_span_and_filter(results: ResultsPage) -> None:
    results.as_trend.click()
    assert results.chart.isVisible()
    assert len(results.chart.points) == 3
    results.span.setCurrentIndex(results.span.findData(Span.MONTH))
    results.span.activated.emit(results.span.currentIndex())
    assert [point.sessions for point in results.chart.points] == [2, 1]
    assert "angry" in results.chart.told(1)
    assert results.chart.ticks()[0][1] == "2026-03"
    results.text.setText("happy")
    assert [point.sessions for point in results.chart.points] == [1]
    dress(results, LIGHT)
    assert results.chart.theme is LIGHT
