"""Rows and columns in one expression: what stands in them, from the first to the last."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLayout,
    QLayoutItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)


class _Room(Enum):
    STRETCH = 0


STRETCH = _Room.STRETCH
# A number is so many pixels of room; a tuple adds a share of what is left, and an alignment.
Part = (
    QWidget
    | QLayout
    | int
    | _Room
    | tuple[QWidget | QLayout | _Room, int]
    | tuple[QWidget, int, Qt.AlignmentFlag]
)
Margins = int | tuple[int, int, int, int]
Box = TypeVar("Box", bound=QBoxLayout)


def hbox(
    *parts: Part, within: QWidget | None = None, margins: Margins | None = 0, gap: int | None = None
) -> QHBoxLayout:
    """Parts side by side, `within` a widget.

    Margins (left, top, right, bottom) and gap are in px; None: as usual in this style.
    """
    return _made(QHBoxLayout(), parts, within, margins, gap)


def vbox(
    *parts: Part, within: QWidget | None = None, margins: Margins | None = 0, gap: int | None = None
) -> QVBoxLayout:
    """Parts one below the other; else as `hbox`."""
    return _made(QVBoxLayout(), parts, within, margins, gap)


def fill(box: QBoxLayout, *parts: Part) -> None:
    """Add parts at the end of a row or column."""
    for part in parts:
        match part:
            case QWidget():
                box.addWidget(part)
            case QLayout():
                box.addLayout(part)
            case _Room():
                box.addStretch()
            case int():
                box.addSpacing(part)
            case (what, share, side):
                box.addWidget(what, share, side)
            case (what, share):
                if isinstance(what, QWidget):
                    box.addWidget(what, share)
                elif isinstance(what, QLayout):
                    box.addLayout(what, share)
                else:
                    box.addStretch(share)


def stack(parent: QWidget, *pages: QWidget) -> QStackedWidget:
    """Pages in each other's place; the first one is seen."""
    made = QStackedWidget(parent)
    for page in pages:
        made.addWidget(page)
    return made


def _made(
    box: Box,
    parts: tuple[Part, ...],
    within: QWidget | None,
    margins: Margins | None,
    gap: int | None,
) -> Box:
    if within is not None:
        within.setLayout(box)
    if margins is not None:
        box.setContentsMargins(*((margins,) * 4 if isinstance(margins, int) else margins))
    if gap is not None:
        box.setSpacing(gap)
    fill(box, *parts)
    return box


class FlowLayout(QLayout):
    """Wraps its widgets where the line is full."""

    def __init__(self, parent: QWidget | None = None, gap: int = 6) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Add at the end."""
        self._items.append(item)

    def count(self) -> int:
        """How many there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """One of them, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take one out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """It takes no more than it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """The narrower, the higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of all lines."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the widgets."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """One line of the widest."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """The largest widget."""
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            hint = item.sizeHint()
            if x > rect.x() and x + hint.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self._gap, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), hint))
            x += hint.width() + self._gap
            line = max(line, hint.height())
        return y + line - rect.y()
