"""Shares of emotions over days, weeks, months or sessions, stacked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from emolive.i18n import day_text, moment_text, month_text, ntr, tr
from emolive.labels import emotion_name
from emolive.session.results import Span, TrendPoint
from emolive.times import duration_text
from emolive.ui.theme import Theme, Themed, font
from emolive.wording import percent

_BAR = 0.82
_TICK_PX = 96


class TrendChart(Themed, QWidget):
    """Wheel and drag zoom and pan in time; the pointer tells exact values."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Emotions over time"))
        self.points: tuple[TrendPoint, ...] = ()
        self._emotions: tuple[str, ...] = ()
        self._span = Span.DAY
        # Made when it is needed first: most windows never show one.
        self._made: _Plot | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 14, 4)

    def _recolour(self) -> None:
        if self._made is not None:
            self._dress()
            self._draw()

    @property
    def _plot(self) -> _Plot:
        if self._made is None:
            self._made = _Plot(self)
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self._made)
            self._dress()
        return self._made

    def show_points(
        self, points: Sequence[TrendPoint], emotions: Sequence[str], span: Span
    ) -> None:
        """Show these, oldest first."""
        self.points, self._emotions, self._span = tuple(points), tuple(emotions), span
        self.setAccessibleDescription("; ".join(self.told(i) for i in range(len(self.points))))
        if not self.points and self._made is None:
            return
        self._draw()
        self._plot.setXRange(-0.6, max(0.6, len(self.points) - 0.4), padding=0)

    def told(self, index: int) -> str:
        """A point in words."""
        point = self.points[index]
        parts = [self._when(point)]
        if point.title:
            parts.append(point.title)
        elif self._span is not Span.SESSION:
            parts.append(ntr("{count} session", "{count} sessions", point.sessions))
        parts.append(duration_text(point.decided_s))
        shares = sorted(point.shares.items(), key=lambda item: -item[1])
        parts += [f"{emotion_name(label)} {percent(share)}" for label, share in shares if share]
        return " · ".join(parts)

    def ticks(self) -> list[tuple[float, str]]:
        """As many dates as there is room for."""
        low, high = self._plot.getViewBox().viewRange()[0]
        room = max(1, self._plot.width() // _TICK_PX)
        step = max(1, -(-int(high - low + 1) // room))
        return [
            (float(i), self._when(self.points[i], short=True))
            for i in range(0, len(self.points), step)
        ]

    def _when(self, point: TrendPoint, *, short: bool = False) -> str:
        if self._span is Span.SESSION and not short:
            return moment_text(point.start)
        if self._span is Span.MONTH:
            return month_text(point.start)
        return day_text(point.start)

    def _draw(self) -> None:
        self._plot.clear()
        if not self.points:
            return
        at = np.arange(len(self.points), dtype=np.float64)
        below = np.zeros(len(self.points))
        for label in self._emotions:
            shares = 100.0 * np.array([point.shares.get(label, 0.0) for point in self.points])
            bars = pg.BarGraphItem(
                x=at, y0=below, height=shares, width=_BAR,
                brush=self.theme.fill(label), pen=pg.mkPen(self.theme.colour("surface"), width=1),
            )  # fmt: skip
            self._plot.addItem(bars)
            below = below + shares

    def _dress(self) -> None:
        plot, theme = self._plot, self.theme
        plot.setBackground(theme.colour("surface"))
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.colour("border")))
            axis.setTextPen(pg.mkPen(theme.colour("muted")))
            axis.setStyle(tickFont=font(11), tickLength=0)


class _Plot(pg.PlotWidget):  # type: ignore[misc]
    def __init__(self, chart: TrendChart) -> None:
        super().__init__(chart)
        self._chart = chart
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(True, False)
        self.setYRange(0, 100, padding=0.02)
        self.setLimits(yMin=0, yMax=102)
        self.getAxis("left").setTicks(
            [[(float(n), percent(n / 100)) for n in (0, 25, 50, 75, 100)]]
        )
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dates follow the view."""
        self.getAxis("bottom").setTicks([self._chart.ticks()])
        super().paintEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer."""
        super().mouseMoveEvent(event)
        where = self.getViewBox().mapSceneToView(self.mapToScene(event.position().toPoint()))
        index = round(where.x())
        inside = 0 <= index < len(self._chart.points) and abs(where.x() - index) <= _BAR / 2
        text = self._chart.told(index) if inside else ""
        QToolTip.showText(event.globalPosition().toPoint() + QPoint(14, 10), text, self)
