"""The list of sessions as a table model: everything is in memory, cells are made when seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from emolive.i18n import moment_text, ntr, tr
from emolive.labels import label_name
from emolive.session.records import SessionInfo, SessionState
from emolive.session.search import SearchHit
from emolive.session.summary import dominant_of
from emolive.times import duration_text
from emolive.types import Segment
from emolive.ui.rows import Index
from emolive.wording import stream_name


class Column(IntEnum):
    """What stands where."""

    TITLE = 0
    STARTED = 1
    LENGTH = 2
    EMOTIONS = 3
    TAGS = 4


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session of the list: samples per label, and the segments that a search found."""

    info: SessionInfo
    samples: Mapping[str, int] = field(default_factory=dict)
    segments: tuple[Segment, ...] = ()

    @property
    def title(self) -> str:
        """Its title, or what stands for one."""
        return self.info.title or tr("Untitled")

    @property
    def details(self) -> str:
        """What stands under the title: found segments, otherwise streams or source."""
        if self.segments:
            return ntr("{count} matching segment", "{count} matching segments", len(self.segments))
        names = [stream_name(stream.name) for stream in self.info.streams]
        parts = [", ".join(names)] if len(names) > 1 else []
        parts.append(self.info.source or "")
        if not self.info.has_audio:
            parts.append(tr("timeline only"))
        return "  ·  ".join(part for part in parts if part)


def rows_of(
    hits: Sequence[SearchHit], samples: Mapping[str, Mapping[str, int]]
) -> list[SessionRow]:
    """What a search found, with the samples per label of all sessions."""
    return [SessionRow(hit.session, samples.get(hit.session.id, {}), hit.segments) for hit in hits]


class SessionModel(QAbstractTableModel):
    """Rows are sorted here, so that the view asks only for what it shows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[SessionRow] = []
        self._column = Column.STARTED
        self._descending = True

    def set_rows(self, rows: Sequence[SessionRow]) -> None:
        """Show other sessions; the order stays."""
        self.beginResetModel()
        self.rows = list(rows)
        self._sort()
        self.endResetModel()

    def row_of(self, session_id: str) -> int:
        """Where a session is; -1: it is not in the list."""
        return next((i for i, row in enumerate(self.rows) if row.info.id == session_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many sessions."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns, with an arrow where it is sorted."""
        if orientation is Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        name = (tr("Session"), tr("Recorded"), tr("Length"), tr("Emotions"), tr("Tags"))[section]
        if section == self._column:
            name += "  ↓" if self._descending else "  ↑"
        return name

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; the row itself under UserRole, for the delegate."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return row
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        column = Column(index.column())
        if column is Column.TITLE:
            return "  ·  ".join([row.title, *(text for text, _ in badges(row.info))])
        if column is Column.STARTED:
            return moment_text(row.info.started_at.astimezone())
        if column is Column.LENGTH:
            return duration_text(row.info.duration_s)
        if column is Column.EMOTIONS:
            dominant = dominant_of(row.samples)
            return label_name(dominant) if dominant else tr("no emotion")
        return ", ".join(row.info.tags)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        if column < 0:
            return
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        before = [self.rows[index.row()].info.id for index in old]
        self._column = Column(column)
        self._descending = order is Qt.SortOrder.DescendingOrder
        self._sort()
        places = {row.info.id: i for i, row in enumerate(self.rows)}
        new = [
            self.index(places[session], index.column())
            for session, index in zip(before, old, strict=True)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _sort(self) -> None:
        key = _KEYS[self._column]
        self.rows.sort(key=lambda row: (key(row), row.info.id), reverse=self._descending)


# What each column is sorted by.
_KEYS: Mapping[Column, Callable[[SessionRow], Any]] = {
    Column.TITLE: lambda row: row.title.casefold(),
    Column.STARTED: lambda row: row.info.started_at,
    Column.LENGTH: lambda row: row.info.duration_s,
    Column.EMOTIONS: lambda row: dominant_of(row.samples) or "~",
    Column.TAGS: lambda row: row.info.tags,
}


def badges(info: SessionInfo) -> list[tuple[str, str]]:
    """Marks of a session: text and the name of the theme's colour."""
    found = []
    if info.state is SessionState.RECORDING:
        found.append((tr("recording"), "danger"))
    if info.recovered:
        found.append((tr("recovered"), "warning"))
    return found
