"""What widgets that draw themselves share: lines of text, areas, flags, patterns of states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)

from emolive.types import SpeechState
from emolive.ui.theme import Theme, font

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


@contextmanager
def clipped(painter: QPainter, area: QRectF, radius: float) -> Iterator[None]:
    """What is drawn meanwhile keeps inside an area with round corners."""
    shape = QPainterPath()
    shape.addRoundedRect(area, radius, radius)
    painter.save()
    painter.setClipPath(shape)
    yield
    painter.restore()


_TILE = 8


@lru_cache(maxsize=32)
def hatch(colour: str, alpha: int, scale: float = 1.0, rising: bool = True) -> QBrush:
    """Diagonal lines 8 units apart, for a painter in device pixels at `scale`."""
    tile = _tile(scale)
    size = tile.width()
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_ink(colour, alpha), 1.3 * scale))
    for offset in (-size, 0, size):  # neighbours too, so that tiles join without a seam
        if rising:
            painter.drawLine(QPointF(offset, size), QPointF(offset + size, 0))
        else:
            painter.drawLine(QPointF(offset, 0), QPointF(offset + size, size))
    painter.end()
    return QBrush(tile)


@lru_cache(maxsize=32)
def dots(colour: str, alpha: int, scale: float = 1.0) -> QBrush:
    """Dots 8 units apart."""
    tile = _tile(scale)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_ink(colour, alpha))
    painter.drawEllipse(QPointF(tile.width() / 2, tile.height() / 2), 1.3 * scale, 1.3 * scale)
    painter.end()
    return QBrush(tile)


def fill_state(
    painter: QPainter,
    area: QRectF,
    state: SpeechState,
    theme: Theme,
    scale: float = 1.0,
    *,
    over: bool = False,
) -> None:
    """Fill with the pattern of a state without an emotion.

    `over`: on top of something that shall still shine through.
    """
    if state is SpeechState.SILENCE:
        painter.fillRect(area, hatch(theme.faint, 120, scale, rising=False))
    elif state is SpeechState.UNCERTAIN:
        painter.fillRect(area, theme.colour("plot", 168) if over else theme.colour("border"))
        painter.fillRect(area, hatch(theme.text, 120 if over else 90, scale))
    else:
        painter.fillRect(area, dots(theme.muted, 170, scale))


def _tile(scale: float) -> QImage:
    size = max(4, round(_TILE * scale))
    tile = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    tile.fill(Qt.GlobalColor.transparent)
    return tile


def _ink(colour: str, alpha: int) -> QColor:
    ink = QColor(colour)
    ink.setAlpha(alpha)
    return ink


def severity_colour(severity: str, theme: Theme, alpha: int = 255) -> QColor:
    """The colour of an alert, or of a note."""
    names = {"critical": "danger", "warning": "warning", "info": "accent"}
    return theme.colour(names.get(severity, "muted"), alpha)


def paint_flag(
    painter: QPainter, x: float, top: float, height: float, colour: QColor, severity: str
) -> None:
    """A flag on a pole (a square for a "note"): an alert, not by colour alone."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRect(QRectF(x - 0.75, top, 1.5, height))
    if severity == "note":
        painter.drawRoundedRect(QRectF(x - 0.75, top, 9, 8), 2, 2)
    else:
        points = [QPointF(x, top), QPointF(x + 10, top + 4), QPointF(x, top + 8)]
        painter.drawPolygon(QPolygonF(points))
