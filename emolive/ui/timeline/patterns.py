"""Hatching for what is no emotion: the same on the timeline, the legend and the card."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen

_TILE = 8


@lru_cache(maxsize=32)
def hatch(colour: str, alpha: int, scale: float = 1.0, rising: bool = True) -> QBrush:
    """Diagonal lines 8 units apart, for a painter in device pixels at `scale`."""
    size = max(4, round(_TILE * scale))
    tile = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    tile.fill(Qt.GlobalColor.transparent)
    ink = QColor(colour)
    ink.setAlpha(alpha)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(ink, 1.3 * scale))
    for offset in (-size, 0, size):  # neighbours too, so that tiles join without a seam
        if rising:
            painter.drawLine(QPointF(offset, size), QPointF(offset + size, 0))
        else:
            painter.drawLine(QPointF(offset, 0), QPointF(offset + size, size))
    painter.end()
    return QBrush(tile)
