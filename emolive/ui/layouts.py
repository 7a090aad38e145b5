"""Rows and columns in one expression: what stands in them, from the first to the last."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget


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
