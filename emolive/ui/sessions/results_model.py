"""Results as a table: a session a row, an emotion's share a column; sorted and filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
)

from emolive.i18n import moment_text, tr
from emolive.labels import emotion_name
from emolive.session.results import SessionResult, emotions_of
from emolive.times import duration_text
from emolive.ui.rows import Index
from emolive.wording import percent

FACTS = 5  # columns before those of emotions
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ResultsModel(QAbstractTableModel):
    """Texts to be shown, and under UserRole what to sort by."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.results: tuple[SessionResult, ...] = ()
        self.emotions: list[str] = []

    def set_results(self, results: Sequence[SessionResult]) -> None:
        """Show these."""
        self.beginResetModel()
        self.results = tuple(results)
        self.emotions = emotions_of(results)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """One per session."""
        return 0 if parent.isValid() else len(self.results)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Facts, then one per emotion."""
        return 0 if parent.isValid() else FACTS + len(self.emotions)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section >= 2 and section != 3 else _LEFT
        if role == Qt.ItemDataRole.ToolTipRole and section >= FACTS:
            name = emotion_name(self.emotions[section - FACTS])
            return f"{name}: {tr('Share of the time with an emotion')}"
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        names = (tr("Session"), tr("Started"), tr("Length"), tr("Mostly"), tr("Decided"))
        return names[section] if section < FACTS else emotion_name(self.emotions[section - FACTS])

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        one, column = self.results[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column >= 2 and column != 3 else None
        if role == Qt.ItemDataRole.ToolTipRole and column == 0:
            return one.session.source
        if role == Qt.ItemDataRole.UserRole:
            return self._key(one, column)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return self._text(one, column)

    def words(self, row: int) -> str:
        """What a filter looks through."""
        one = self.results[row]
        parts = [one.session.title, one.session.source, *one.session.tags, one.session.model]
        if one.dominant is not None:
            parts += [one.dominant, emotion_name(one.dominant)]
        return " ".join(parts).casefold()

    def _share(self, one: SessionResult, column: int) -> float | None:
        return one.decided if column == 4 else one.share(self.emotions[column - FACTS])

    def _text(self, one: SessionResult, column: int) -> str:
        if column == 0:
            return one.session.title or tr("Untitled")
        if column == 1:
            return moment_text(one.session.started_at.astimezone())
        if column == 2:
            return duration_text(one.session.duration_s)
        if column == 3:
            return emotion_name(one.dominant) if one.dominant else "–"
        share = self._share(one, column)
        return "–" if share is None else percent(share)

    def _key(self, one: SessionResult, column: int) -> Any:
        if column == 0:
            return one.session.title.casefold()
        if column == 1:
            return one.session.started_at.timestamp()
        if column == 2:
            return one.session.duration_s
        if column == 3:
            return one.dominant or ""
        share = self._share(one, column)
        return -1.0 if share is None else share


class ResultsFilter(QSortFilterProxyModel):
    """Rows in which all words occur, sorted by values instead of texts."""

    def __init__(self, model: ResultsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._words: list[str] = []
        self.setSourceModel(model)
        self.setSortRole(Qt.ItemDataRole.UserRole)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, whose name says so."""
        super().sort(column, order)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.columnCount() - 1)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns, and an arrow at the one that rows are sorted by."""
        name = super().headerData(section, orientation, role)
        if role != Qt.ItemDataRole.DisplayRole or section != self.sortColumn():
            return name
        return f"{name} {'↓' if self.sortOrder() is Qt.SortOrder.DescendingOrder else '↑'}"

    def set_text(self, text: str) -> None:
        """Keep rows with these words."""
        self._words = text.casefold().split()
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: ARG002
        """Whether all words are there."""
        words = self._model.words(row)
        return all(word in words for word in self._words)

    @property
    def shown(self) -> list[SessionResult]:
        """What is left, in its order."""
        rows = (self.mapToSource(self.index(row, 0)).row() for row in range(self.rowCount()))
        return [self._model.results[row] for row in rows]
