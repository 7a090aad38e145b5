"""Sessions side by side: a table of results to sort, filter, open and export, and their trend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QTableView,
    QWidget,
)

from emolive.i18n import ntr, tr
from emolive.session.results import SessionResult, Span, emotions_of, trend, write_results
from emolive.ui.background import Background
from emolive.ui.controls import (
    ChoiceBox,
    ChoiceButton,
    IconButton,
    card,
    label,
    push_button,
    text_field,
)
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.layouts import STRETCH, hbox, stack, vbox
from emolive.ui.sessions.results_model import FACTS, ResultsFilter, ResultsModel
from emolive.ui.sessions.trend_chart import TrendChart
from emolive.ui.text_table import read_only
from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.legend import Legend
from emolive.wording import percent

_SESSION_PX, _LEAST_SESSION_PX = 220, 130
_CELL_PADDING = 24
_GIVEN_UP = (3, 4)  # mostly, decided: in this order, where there is no room for them
FileChooser = Callable[[QWidget], str]


def choose_file(parent: QWidget) -> str:
    """Ask where the table goes; "" for nowhere."""
    chosen, _ = QFileDialog.getSaveFileName(
        parent, tr("Save the table"), "results.csv", f"{tr('CSV tables')} (*.csv)"
    )
    return chosen


class ResultsTable(QTableView):
    """Its columns are as wide as their texts, and share what is left.

    Where there is less, titles of sessions and emotions give way, then the columns `_GIVEN_UP`.
    """

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.spread()

    def spread(self) -> None:
        """Set the widths."""
        header, columns = self.horizontalHeader(), range(self.horizontalHeader().count())
        for column in _GIVEN_UP:
            self.showColumn(column)
        header.resizeSections(QHeaderView.ResizeMode.ResizeToContents)
        header.resizeSection(0, _SESSION_PX)
        least = self.fontMetrics().horizontalAdvance(percent(1.0)) + _CELL_PADDING
        for column in columns[FACTS:]:
            name = str(self.model().headerData(column, Qt.Orientation.Horizontal)).rstrip(" ↓↑")
            named = header.fontMetrics().horizontalAdvance(f"{name} ↓") + _CELL_PADDING
            header.resizeSection(column, max(least, named))
        room = self.viewport().width()
        header.resizeSection(
            0, max(_LEAST_SESSION_PX, _SESSION_PX + min(0, room - header.length()))
        )
        for column in columns[FACTS:]:
            over = -(-max(0, header.length() - room) // (len(columns) - column))
            header.resizeSection(column, max(least, header.sectionSize(column) - over))
        for column in _GIVEN_UP:
            self.setColumnHidden(column, header.length() > room)
        spare = (room - header.length()) // (len(columns) + 2)
        for column in columns if spare > 0 else ():
            more = spare if column else 3 * spare  # titles are long
            header.resizeSection(column, header.sectionSize(column) + more)


class ResultsPage(Themed, QWidget):
    """Shows what it is given; opening and exporting sessions is for others."""

    left = Signal()
    opened = Signal(str)
    export_wanted = Signal(list)  # SessionInfo
    said = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        theme: Theme,
        worker: Background,
        parent: QWidget | None = None,
        *,
        choose: FileChooser = choose_file,
    ) -> None:
        super().__init__(theme, parent)
        self._worker = worker
        self._choose = choose
        self.model = ResultsModel(self)
        self.filter = ResultsFilter(self.model, self)
        self.back_button = IconButton("back", tr("Back to the list"), theme, self, keys="Esc")
        self.count = label("", self, "muted")
        self.text = text_field(
            tr("Filter"), self, placeholder=tr("Filter by title, source, tag or emotion")
        )
        self.text.setClearButtonEnabled(True)
        self.as_table = ChoiceButton(tr("Table"), tr("A session a row"), self)
        self.as_trend = ChoiceButton(tr("Trend"), tr("Shares of emotions over time"), self)
        spans = [
            (tr("each session"), Span.SESSION),
            (tr("days"), Span.DAY),
            (tr("weeks"), Span.WEEK),
            (tr("months"), Span.MONTH),
        ]
        self.span = ChoiceBox(tr("A bar stands for"), self, spans)
        self.table_button = push_button(
            tr("Save table…"), self, self._on_save, tip=tr("As CSV, as it is filtered and sorted")
        )
        self.export_button = push_button(
            tr("Export sessions…"), self, self._on_export, tip=tr("Those that are selected, or all")
        )
        self.table = ResultsTable(self)
        self.chart = TrendChart(theme, self)
        self.legend = Legend(theme, self)
        self.empty = Invitation(theme, Ghost.BARS, self)
        self.clear_button = self.empty.add_button(
            tr("Show all sessions"), self.text.clear, "primary"
        )
        self.list_button = self.empty.add_button(tr("Back to the list"), self.left.emit, "primary")
        self._lay_out()
        self._connect()
        self.show_trend(False)

    def show_results(self, results: Sequence[SessionResult]) -> None:
        """Show these sessions."""
        self.text.clear()
        self.model.set_results(results)
        self.legend.set_labels(tuple(self.model.emotions), states=False)
        self.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
        self.table.spread()
        self._refresh()
        self.table.setFocus()

    def show_trend(self, on: bool) -> None:
        """The trend, or the table."""
        self.as_trend.setChecked(on)
        self.as_table.setChecked(not on)
        self._show_page()
        self.span.setVisible(on)
        self.table_button.setVisible(not on)

    def _lay_out(self) -> None:
        head = hbox(
            self.back_button,
            label(tr("Results"), self, "page"),
            self.count,
            STRETCH,
            self.span,
            self.as_table,
            self.as_trend,
            6,
            self.table_button,
            self.export_button,
            gap=10,
        )
        table = self.table
        table.setModel(self.filter)
        table.setSortingEnabled(True)
        read_only(table, 34)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setObjectName("results")
        table.setTabKeyNavigation(False)
        table.setAccessibleName(tr("Results"))
        trend_side = QWidget(self)
        vbox(self.legend, (self.chart, 1), within=trend_side, margins=(8, 8, 8, 0))
        self._pages = stack(self, table, trend_side, self.empty)
        frame = card(self, self._pages, margins=(1, 6, 1, 6))
        vbox(head, self.text, (frame, 1), within=self, gap=10)

    def _connect(self) -> None:
        self.back_button.clicked.connect(self.left)
        self.text.textChanged.connect(self._on_text)
        self.as_table.clicked.connect(lambda: self.show_trend(False))
        self.as_trend.clicked.connect(lambda: self.show_trend(True))
        self.span.activated.connect(lambda _: self._refresh())
        self.table.activated.connect(
            lambda index: self.opened.emit(self.filter.shown[index.row()].session.id)
        )

    def _on_text(self, text: str) -> None:
        self.filter.set_text(text)
        self._refresh()

    def _refresh(self) -> None:
        shown = self.filter.shown
        self.count.setText(ntr("{count} session", "{count} sessions", len(shown)))
        span = Span(self.span.currentData())
        self.chart.show_points(trend(shown, span), emotions_of(shown), span)
        for button in (self.table_button, self.export_button):
            button.setEnabled(bool(shown))
        self._show_page()

    def _show_page(self) -> None:
        """The table or the trend; without a session, what they would be."""
        if self.filter.shown:
            self._pages.setCurrentIndex(int(self.as_trend.isChecked()))
            return
        if self.text.text():
            self.empty.say(tr("No session matches"), tr("Try fewer words."), "", self.clear_button)
        else:
            self.empty.say(
                tr("Sessions side by side"),
                tr(
                    "Each session is a row here, with its length and its shares of emotions, to "
                    "be sorted, filtered and saved as a table; the trend shows them over time."
                ),
                tr("Audio files and folders that are dropped here are analysed into sessions."),
                self.list_button,
            )
        self._pages.setCurrentIndex(2)

    def _on_save(self) -> None:
        chosen = self._choose(self)
        if not chosen:
            return
        shown, path = self.filter.shown, Path(chosen)

        self._worker.ask(
            lambda: write_results(shown, path),
            lambda _: self.said.emit(tr("The table is in {path}.", path=path)),
            self.failed.emit,
        )

    def _on_export(self) -> None:
        shown = self.filter.shown
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        chosen = [shown[row] for row in rows] or shown
        self.export_wanted.emit([one.session for one in chosen])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leads back."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)
