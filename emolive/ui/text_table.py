"""A table of texts that are read, not changed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)


def read_only(table: QTableView, row_px: int) -> None:
    """Rows of this height that are read and selected as a whole, without lines between."""
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(row_px)
    table.horizontalHeader().setHighlightSections(False)


class TextTable(QTableWidget):
    """Each column is as wide as its texts, but some, which share what is left."""

    def __init__(
        self,
        columns: Sequence[str],
        name: str,
        *,
        wide: Sequence[int],
        height: int,
        parent: QWidget,
    ) -> None:
        """`wide` are the columns that share what is left, `height` is in px."""
        super().__init__(0, len(columns), parent)
        # A long title in two lines.
        self.setHorizontalHeaderLabels([name.replace(" ", "\n", 1) for name in columns])
        self.setAccessibleName(name)
        read_only(self, 28)
        self.setFixedHeight(height)
        head = self.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in range(len(columns)):
            fits = QHeaderView.ResizeMode.ResizeToContents
            head.setSectionResizeMode(
                column, QHeaderView.ResizeMode.Stretch if column in wide else fits
            )

    def show_lines(self, lines: Sequence[Sequence[str]]) -> None:
        """Show these; a text that is cut is in its tip."""
        self.setRowCount(len(lines))
        for row, cells in enumerate(lines):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.setItem(row, column, item)
