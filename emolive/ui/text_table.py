"""A table of texts that are read, not changed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)


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
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setFixedHeight(height)
        head = self.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setHighlightSections(False)
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
