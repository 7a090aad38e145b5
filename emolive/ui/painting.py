"""What widgets that draw themselves draw again and again: lines of text, rounded areas."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from emolive.ui.theme import font

_MIDDLE = Qt.AlignmentFlag.AlignVCenter
Flags = Qt.AlignmentFlag | Qt.TextFlag | int


def write(
    painter: QPainter,
    area: QRectF | QRect,
    text: str,
    colour: QColor,
    px: float,
    align: Flags = _MIDDLE,
    *,
    bold: bool = False,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideNone,
) -> None:
    """A line of text in letters of `px` pixels; what does not fit gives way as `elide` says."""
    painter.setFont(font(px, bold=bold))
    painter.setPen(colour)
    shown = QFontMetricsF(painter.font()).elidedText(text, elide, area.width())
    painter.drawText(area, align, shown)


def fill_rounded(painter: QPainter, area: QRectF, radius: float, colour: QColor) -> None:
    """An area with round corners, without an outline."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(area, radius, radius)
