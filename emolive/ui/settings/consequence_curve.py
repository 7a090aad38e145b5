"""What each expected share of neutral leads to, drawn, with the chosen one marked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.baseline import ExpectedMix, Measured
from emolive.i18n import tr
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import percent

_HEIGHT = 136
_LEFT, _TOP, _BOTTOM, _GAP = 48, 8, 22, 14
_LINE = 20
_HIGHEST = 1.2


class ConsequenceCurve(Painted, QWidget):
    """False alarms, and angry speech that is found, as shares of what they are without adapting."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._measured: Measured | None = None
        self._ends = (0.0, 1.0)  # expected shares
        self._mix = ExpectedMix()
        self._before = 0.2  # of the width: where a balanced mix has its place
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_mix(self, measured: Measured, mix: ExpectedMix) -> None:
        """Mark this mix; a balanced one has no share of neutral, and its place before all."""
        self._measured, self._mix = measured, mix
        self._ends = (measured.expected[0], measured.expected[-1])
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the axes, the curves with their names, and what is chosen."""
        if self._measured is None:
            return
        painter.setFont(font(11))
        measured = self._measured
        alarms, found = measured.consequence(self._mix)
        widest = painter.fontMetrics().horizontalAdvance
        # Whatever the shares are, the plot keeps its width.
        names = max(widest(name) for _, name, _, _ in self._curves(1.0, 1.0))
        width = self.width() - _LEFT - names - 2 * _GAP
        plot = QRectF(_LEFT, _TOP, width, self.height() - _TOP - _BOTTOM)
        self._before = (widest(tr("balanced")) + 28) / max(1.0, plot.width())
        self._draw_axes(painter, plot, names, measured.expected)
        curve = [(share, measured.consequence(ExpectedMix(share))) for share in measured.expected]
        for colour, name, which, value in self._curves(alarms, found):
            painter.setPen(QPen(self._colour(colour), 2))
            points = [self._at(plot, share, both[which]) for share, both in curve]
            painter.drawPolyline(QPolygonF(points))
            painter.setBrush(self._colour(colour))
            painter.drawEllipse(self._at(plot, self._mix.neutral, value), 4, 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            beside = QRectF(plot.right() + _GAP, points[-1].y() - _LINE / 2, names + _GAP, _LINE)
            painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, name)

    @staticmethod
    def _curves(alarms: float, found: float) -> Sequence[tuple[str, str, int, float]]:
        """Colour, name, place among what follows from a mix, and share of each."""
        return (
            ("warning", tr("{share} of the false alarms", share=percent(alarms)), 0, alarms),
            ("accent", tr("{share} of angry speech found", share=percent(found)), 1, found),
        )

    def _draw_axes(
        self, painter: QPainter, plot: QRectF, names: int, expected: Sequence[float]
    ) -> None:
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        for share in (0.0, 0.5, 1.0):
            y = self._at(plot, None, share).y()
            painter.setPen(self._colour("muted" if share == 1.0 else "border"))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(self._colour("muted"))
            painter.drawText(QRectF(0, y - _LINE / 2, _LEFT - 8, _LINE), right, percent(share))
        chosen = self._at(plot, self._mix.neutral, 0.0).x()
        painter.setPen(QPen(self._colour("muted"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(chosen, plot.top()), QPointF(chosen, plot.bottom()))
        painter.setPen(self._colour("muted"))
        below = QRectF(-40, plot.bottom() + 3, 80, _LINE)
        for share in expected:
            at = below.translated(self._at(plot, share, 0.0).x(), 0)
            painter.drawText(at, Qt.AlignmentFlag.AlignHCenter, percent(share))
        painter.drawText(below.translated(plot.left() + 40, 0), 0, tr("balanced"))
        beside = QRectF(plot.right() + _GAP, below.top(), names + _GAP, _LINE)
        painter.drawText(beside, 0, tr("neutral speech expected"))

    def _colour(self, name: str) -> QColor:
        return self.theme.colour(name if self.isEnabled() else "faint")

    def _at(self, plot: QRectF, neutral: float | None, share: float) -> QPointF:
        first, last = self._ends
        within = 0.0 if neutral is None else (min(max(neutral, first), last) - first)
        along = (
            0.03
            if neutral is None
            else self._before + (0.97 - self._before) * within / (last - first)
        )
        height = plot.height() * share / _HIGHEST
        return QPointF(plot.left() + plot.width() * along, plot.bottom() - height)
