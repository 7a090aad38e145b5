"""How cursor, selection, loop and gaps look."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from emolive.i18n import tr
from emolive.times import seconds_text
from emolive.ui.painting import fill_rounded, hatch
from emolive.ui.theme import Theme, font


class SurfacePainter:
    """Draws in one theme's colours."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def cursor(self, painter: QPainter, x: float, plot: QRect, *, focus: bool) -> None:
        """A line from top to bottom with a handle; wider where keys go to it."""
        if not plot.left() - 1 <= x <= plot.right() + 1:
            return
        ink = self._theme.colour("text")
        ground = self._theme.colour("surface", 200)
        painter.fillRect(QRectF(x - 1.75, plot.top(), 3.5, plot.height()), ground)
        painter.fillRect(QRectF(x - 0.75, plot.top(), 1.5, plot.height()), ink)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("accent") if focus else ink)
        top = float(plot.top())
        painter.drawPolygon(
            QPolygonF([QPointF(x - 6, top), QPointF(x + 6, top), QPointF(x, top + 8)])
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def hair(self, painter: QPainter, x: float, plot: QRect) -> None:
        """A thin line under the pointer."""
        painter.fillRect(
            QRectF(x - 0.5, plot.top(), 1, plot.height()), self._theme.colour("text", 90)
        )

    def stretch(self, painter: QPainter, area: QRectF, plot: QRect, seconds: float) -> None:
        """A selected stretch with its length."""
        shown = area & QRectF(plot)
        if shown.isEmpty():
            return
        painter.fillRect(shown, self._theme.colour("accent", 46))
        edge = self._theme.colour("accent")
        for x in (area.left(), area.right()):
            if plot.left() <= x <= plot.right():
                painter.fillRect(QRectF(x - 0.75, area.top(), 1.5, area.height()), edge)
        text = seconds_text(seconds)
        painter.setFont(font(11, bold=True))
        width = painter.fontMetrics().horizontalAdvance(text) + 12
        if shown.width() < width + 4:
            return
        tag = QRectF(shown.center().x() - width / 2, area.bottom() - 22, width, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill_rounded(painter, tag, 5, edge)
        painter.setPen(self._theme.colour("on_accent"))
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def loop(self, painter: QPainter, left: float, right: float, plot: QRect) -> None:
        """A bar along the bottom of what is repeated, with ends."""
        colour = self._theme.colour("accent")
        left, right = max(left, plot.left() - 8.0), min(right, plot.right() + 8.0)
        if right <= left:
            return
        bottom = float(plot.bottom() + 1)
        painter.fillRect(QRectF(left, bottom - 3, right - left, 3), colour)
        for x in (left, right - 3):
            painter.fillRect(QRectF(x, bottom - 7, 3, 7), colour)

    def gap(self, painter: QPainter, area: QRectF) -> None:
        """Where nothing was kept."""
        if area.isEmpty():
            return
        area.setWidth(max(area.width(), 2.0))
        painter.fillRect(area, self._theme.colour("surface", 190))
        painter.setBrushOrigin(0, 0)
        painter.fillRect(area, hatch(self._theme.warning, 150))
        painter.setPen(QPen(self._theme.colour("warning"), 1, Qt.PenStyle.DashLine))
        for x in (area.left(), area.right()):
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        text = tr("not recorded")
        painter.setFont(font(11))
        width = painter.fontMetrics().horizontalAdvance(text) + 14
        if area.width() < width + 6:
            return
        tag = QRectF(area.center().x() - width / 2, area.center().y() - 9, width, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill_rounded(painter, tag, 5, self._theme.colour("warning_tint"))
        painter.setPen(self._theme.colour("warning"))
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
