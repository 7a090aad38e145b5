"""The table of sessions: how its cells look, and how it behaves."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QTableView,
    QWidget,
)

from emolive.i18n import day_text, time_text
from emolive.labels import label_name
from emolive.times import duration_text
from emolive.ui.painting import fill_rounded, write
from emolive.ui.rows import Index, RowDelegate
from emolive.ui.sessions.session_model import Column, SessionModel, SessionRow, badges
from emolive.ui.sessions.summary_view import paint_share_bar
from emolive.ui.text_table import read_only
from emolive.ui.theme import Theme, Themed, font
from emolive.wording import percent


class SessionDelegate(RowDelegate):
    """Two lines of text, badges, bars and chips."""

    height = 54

    def draw(self, painter: QPainter, area: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        """Draw one cell."""
        row: SessionRow = index.data(Qt.ItemDataRole.UserRole)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, self.theme.colour("info_tint"))
            if index.column() == Column.TITLE:
                bar = QRectF(area.left(), area.top(), 3, area.height())
                painter.fillRect(bar, self.theme.colour("accent"))
        line = QRectF(area.left(), area.bottom() - 1, area.width(), 1)
        painter.fillRect(line, self.theme.colour("border", 130))
        cell = area.adjusted(14 if index.column() == Column.TITLE else 11, 0, -8, 0)
        {
            Column.TITLE: self._title,
            Column.STARTED: self._started,
            Column.LENGTH: self._length,
            Column.EMOTIONS: self._emotions,
            Column.TAGS: self._tags,
        }[Column(index.column())](painter, cell, row)

    def _title(self, painter: QPainter, cell: QRectF, row: SessionRow) -> None:
        top = QRectF(cell.left(), cell.top() + 8, cell.width(), 20)
        low = top.translated(0, 19)
        small = QFontMetricsF(font(11, bold=True))
        tags = [(t, colour, small.horizontalAdvance(t) + 14) for t, colour in badges(row.info)]
        room = top.width() - sum(width + 8 for _, _, width in tags)
        title = QFontMetricsF(font(13, bold=True)).horizontalAdvance(row.title)
        left = top.left() + min(room, title) + 8
        for text, colour, width in tags:
            tag = QRectF(left, top.top() + 1, width, 18)
            left += width + 8
            painter.setFont(font(11, bold=True))
            fill_rounded(painter, tag, 5, self.theme.colour(f"{colour}_tint"))
            painter.setPen(self.theme.colour(colour))
            painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)
        self._line(painter, QRectF(top.left(), top.top(), room, top.height()), row.title,
                   "text" if row.info.title else "muted", bold=True)  # fmt: skip
        self._line(painter, low, row.details, "accent" if row.segments else "muted", px=12)

    def _started(self, painter: QPainter, cell: QRectF, row: SessionRow) -> None:
        at = row.info.started_at.astimezone()
        top = QRectF(cell.left(), cell.top() + 8, cell.width(), 20)
        self._line(painter, top, day_text(at), "text")
        self._line(painter, top.translated(0, 19), time_text(at), "muted", px=12)

    def _length(self, painter: QPainter, cell: QRectF, row: SessionRow) -> None:
        self._line(painter, cell, duration_text(row.info.duration_s), "text")

    def _emotions(self, painter: QPainter, cell: QRectF, row: SessionRow) -> None:
        total = sum(row.samples.values())
        if not total:
            return
        bar = QRectF(cell.left(), cell.top() + 11, cell.width(), 12)
        paint_share_bar(painter, bar, row.samples, row.info.labels, self.theme)
        emotions = sorted(
            ((n, name) for name, n in row.samples.items() if name in row.info.labels), reverse=True
        )
        texts = [f"{label_name(name)} {percent(n / total)}" for n, name in emotions[:2]]
        text = "  ".join(texts)
        if QFontMetricsF(font(12)).horizontalAdvance(text) > cell.width():
            text = texts[0]
        low = QRectF(cell.left(), cell.top() + 27, cell.width(), 20)
        self._line(painter, low, text, "muted", px=12)

    def _tags(self, painter: QPainter, cell: QRectF, row: SessionRow) -> None:
        painter.setFont(font(12))
        metrics = QFontMetricsF(painter.font())
        left = cell.left()
        for i, tag in enumerate(row.info.tags):
            more = f"+{len(row.info.tags) - i}"
            last = i == len(row.info.tags) - 1
            width = metrics.horizontalAdvance(tag) + 14
            left_over = cell.right() - left
            if width + (0 if last else 30) > left_over:
                text = more if i else metrics.elidedText(
                    tag, Qt.TextElideMode.ElideRight, max(20.0, left_over - 14)
                )  # fmt: skip
                width = min(left_over, metrics.horizontalAdvance(text) + 14)
                self._chip(painter, QRectF(left, cell.center().y() - 11, width, 22), text)
                return
            self._chip(painter, QRectF(left, cell.center().y() - 11, width, 22), tag)
            left += width + 5

    def _chip(self, painter: QPainter, area: QRectF, text: str) -> None:
        painter.setPen(self.theme.colour("border"))
        painter.setBrush(self.theme.colour("plot"))
        painter.drawRoundedRect(area, 11, 11)
        painter.setPen(self.theme.colour("text"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _line(
        self,
        painter: QPainter,
        area: QRectF,
        text: str,
        colour: str,
        *,
        bold: bool = False,
        px: float = 13,
    ) -> None:
        right = Qt.TextElideMode.ElideRight
        write(painter, area, text, self.theme.colour(colour), px, bold=bold, elide=right)


class SessionTable(Themed, QTableView):
    """Enter and double click open, Delete asks to delete."""

    opened = Signal(str)
    delete_wanted = Signal()

    def __init__(self, model: SessionModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._sessions = model
        self.setModel(model)
        self.delegate = SessionDelegate(theme, self)
        self.setItemDelegate(self.delegate)
        read_only(self, SessionDelegate.height)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.TITLE, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        header.sortIndicatorChanged.connect(model.sort)
        header.setSortIndicator(Column.STARTED, Qt.SortOrder.DescendingOrder)
        header.setSortIndicatorClearable(False)
        self.doubleClicked.connect(lambda index: self._open(index.row()))

    def _recolour(self) -> None:
        self.delegate.theme = self.theme
        self.viewport().update()

    @property
    def chosen(self) -> list[SessionRow]:
        """The selected sessions."""
        rows = {index.row() for index in self.selectionModel().selectedRows()}
        return [self._sessions.rows[row] for row in sorted(rows) if row < len(self._sessions.rows)]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open, delete; the rest is Qt's."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex().row())
        elif key == Qt.Key.Key_Delete and self.chosen:
            self.delete_wanted.emit()
        else:
            super().keyPressEvent(event)

    def _resized(self) -> None:
        # Give the columns what they need; tags and dates only where there is room.
        width = self.viewport().width()
        self.setColumnHidden(Column.TAGS, width < 620)
        self.setColumnWidth(Column.STARTED, 104)
        self.setColumnWidth(Column.LENGTH, 102)
        self.setColumnWidth(Column.EMOTIONS, max(156, min(300, width // 4)))
        self.setColumnWidth(Column.TAGS, max(90, min(260, width // 6)))

    def _open(self, row: int) -> None:
        self.opened.emit(self._sessions.rows[row].info.id)
