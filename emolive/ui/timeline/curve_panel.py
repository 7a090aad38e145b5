"""Curves over the shared time axis, drawn by pyqtgraph: values zoom by themselves or by hand."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from emolive.history.streams import Named
from emolive.i18n import decimal_mark
from emolive.types import FloatArray
from emolive.ui.controls import timer
from emolive.ui.theme import Theme, font
from emolive.ui.timeline.panel import MARGIN_LEFT
from emolive.ui.timeline.stream_panel import StreamPanel
from emolive.ui.timeline.time_axis import TimeAxis

# More points than this are thinned out: a screen has no more columns.
_MOST_POINTS = 12_000
_CAPTION_PX, _TICK_PX = 16, 13


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Values at moments in seconds, NaN where there is none; `dots` are not joined."""

    at_s: npt.NDArray[np.float64]
    values: FloatArray
    colour: QColor
    dots: bool = False


S = TypeVar("S", bound=Named)


class CurvePanel(StreamPanel[S]):
    """What kinds of curves are shown is up to subclasses: `menu`, `curves`, `band`, `describe`.

    The view in time is the axis's. Values fit what is in view until `zoom_values` is used;
    `fit_values` goes back to that.
    """

    menu: ClassVar[str]  # its name for people
    stretch, least, most = 26, 58, 150
    follow_ms: ClassVar = 100  # between two pictures of what goes on; not all kinds in one frame

    def __init__(
        self, axis: TimeAxis, theme: Theme, stream: S, parent: QWidget | None = None
    ) -> None:
        super().__init__(axis, theme, stream, parent)
        self._fitted = True
        self._captioned = ""
        self._plot: pg.PlotWidget | None = None
        self._items: list[pg.PlotDataItem] = []
        self._band: pg.LinearRegionItem | None = None
        self._lines: list[pg.InfiniteLine] = []
        self._follow = timer(self, self.follow_ms, self.refresh_curves, once=True)
        # The margin does not change with the view, and what is drawn in it draws all above it.
        axis.changed.disconnect(self.update)
        axis.changed.connect(self._on_axis)
        axis.marks_changed.connect(self._show_marks)

    # What a kind of panel must say about itself.

    @abstractmethod
    def curves(self, start_s: float, end_s: float) -> Sequence[Curve]:
        """The curves between two moments."""

    def band(self, curves: Sequence[Curve]) -> tuple[float, float] | None:  # noqa: ARG002
        """A range of values to be shaded."""
        return None

    def limits(self) -> tuple[float, float] | None:
        """Values that are always in view; None: what there is."""
        return None

    # What it gets for it.

    @property
    def plot(self) -> QRect:
        """The curves' area, below their caption."""
        return super().plot.adjusted(0, _CAPTION_PX, 0, 0)

    def zoom_values(self, factor: float, height: float) -> None:
        """Show `factor` times the range of values; what is at `height` (0 to 1) stays there."""
        self._fitted = False
        box = self._box()
        low, high = self.value_range()
        at = low + (high - low) * height
        box.setYRange(at - (at - low) * factor, at + (high - at) * factor, padding=0)

    def fit_values(self) -> None:
        """Show all values that are in view."""
        self._fitted = True
        self.refresh_curves()

    def value_range(self) -> tuple[float, float]:
        """The values at the bottom and at the top."""
        low, high = self._box().viewRange()[1]
        return float(low), float(high)

    def refresh_curves(self) -> None:
        """Draw what is in view anew."""
        if self._plot is None or not self.isVisible():
            return
        start_s, end_s = self.axis.start_s, self.axis.end_s
        shown = self.curves(start_s, end_s)
        self._plot.setXRange(start_s, end_s, padding=0)
        if len(self._items) != len(shown):
            for item in self._items:
                self._plot.removeItem(item)
            self._items = [self._plot.plot(antialias=True) for _ in shown]
            for item in self._items:
                # As one path, a line wider than a pixel takes Qt four times as long.
                item.curve.setSegmentedLineMode("on")
        for item, curve in zip(self._items, shown, strict=True):
            self._set(item, curve)
        self._show_band(self.band(shown))
        self._fit(shown)
        if self.caption != self._captioned:  # said anew, it draws all above it once more
            self._captioned = self.caption
            self.update(0, 0, self.width(), _CAPTION_PX)
        self._plot.scene().prepareForPaint()  # else it does so while it draws, and draws twice

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom in time; with Ctrl in values."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at = 1.0 - (event.position().y() - _CAPTION_PX) / self.plot.height()
            self.zoom_values(0.8 ** (event.angleDelta().y() / 120), at)
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go back to the newest audio; with Ctrl the values fit again."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.fit_values()
        else:
            super().mouseDoubleClickEvent(event)

    def redraw(self) -> None:
        """The data or colours are others now."""
        super().redraw()
        if self._plot is not None:
            self._dress()
            self.refresh_curves()

    def showEvent(self, event: QShowEvent) -> None:
        """Make the plot when it is first seen: most are never."""
        if self._plot is None:
            self._make()
        super().showEvent(event)
        self.refresh_curves()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The plot fills all but the right margin."""
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """The margin, and above the curves what they are: the plot draws itself."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("surface"))
        painter.setFont(font(11))
        painter.setPen(self.theme.colour("muted"))
        line = QRect(MARGIN_LEFT, 0, self.plot.width(), _CAPTION_PX)
        text = painter.fontMetrics().elidedText(
            self.caption, Qt.TextElideMode.ElideRight, line.width()
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()

    def _on_axis(self) -> None:
        if not self.axis.follow:
            self.refresh_curves()
        elif self.isVisible() and not self._follow.isActive():
            self._follow.start()

    def _make(self) -> None:
        axis = _Values("left")
        axis.setWidth(MARGIN_LEFT)
        axis.enableAutoSIPrefix(False)  # for which it sets its label anew with each range
        axis.setStyle(tickFont=font(11), tickLength=0, maxTickLevel=0, tickTextOffset=7)
        self._plot = plot = pg.PlotWidget(self, axisItems={"left": axis})
        plot.hideAxis("bottom")
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(False, False)
        # The panel, or what lies over it, takes the mouse.
        plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        item = plot.getPlotItem()
        item.layout.setContentsMargins(0, 0, 0, 0)
        item.showGrid(x=False, y=True, alpha=0.14)
        self._box().disableAutoRange()
        self._lines = [pg.InfiniteLine(angle=90) for _ in range(2)]
        for line in self._lines:
            line.hide()
            plot.addItem(line, ignoreBounds=True)
        self._dress()
        self._place()
        self._show_marks()
        plot.show()

    def _dress(self) -> None:
        assert self._plot is not None
        theme = self.theme
        self._plot.setBackground(theme.colour("surface"))
        box = self._box()
        box.setBackgroundColor(theme.colour("plot"))
        box.setBorder(pg.mkPen(theme.colour("border")))
        left = self._plot.getAxis("left")
        left.setPen(pg.mkPen(theme.colour("text", 60)))
        left.setTextPen(pg.mkPen(theme.colour("muted")))
        self._lines[0].setPen(pg.mkPen(theme.colour("text", 130)))
        self._lines[1].setPen(pg.mkPen(theme.colour("accent"), width=2))

    def _box(self) -> pg.ViewBox:
        if self._plot is None:
            self._make()
        assert self._plot is not None
        return self._plot.getViewBox()

    def _place(self) -> None:
        if self._plot is not None:
            plot = self.plot
            self._plot.setGeometry(0, plot.top(), plot.right() + 1, plot.height())

    def _set(self, item: pg.PlotDataItem, curve: Curve) -> None:
        thin = max(1, len(curve.at_s) // _MOST_POINTS)
        at, values = curve.at_s[::thin], curve.values[::thin]
        held = ~np.isnan(values)
        if curve.dots or not held.any():  # what is NaN alone has no bounds
            at, values = at[held], values[held]
        if curve.dots:
            item.setData(
                at, values, pen=None, symbol="o", symbolSize=2.6, symbolPen=None,
                symbolBrush=curve.colour,
            )  # fmt: skip
        else:
            item.setData(at, values, pen=pg.mkPen(curve.colour, width=1.6), connect="finite",
                         symbol=None)  # fmt: skip

    def _fit(self, shown: Sequence[Curve]) -> None:
        if not self._fitted:
            return
        box = self._box()
        if (limits := self.limits()) is not None:
            box.setYRange(*limits, padding=0.02)
        else:
            held = [c.values[~np.isnan(c.values)] for c in shown]
            values = np.concatenate(held) if held else np.empty(0)
            scale = box.parentItem().getAxis("left")
            if scale.style["showValues"] != bool(values.size):
                scale.setStyle(showValues=bool(values.size))  # of nothing it says nothing
            if values.size:
                low, high = float(values.min()), float(values.max())
                edge = max(0.06 * (high - low), 1e-3 * max(1.0, abs(high)))
                box.setYRange(low - edge, high + edge, padding=0)

    def _show_band(self, band: tuple[float, float] | None) -> None:
        assert self._plot is not None
        if self._band is None and band is not None:
            self._band = pg.LinearRegionItem(
                orientation="horizontal", movable=False, pen=pg.mkPen(None)
            )
            self._band.setZValue(-20)
            self._plot.addItem(self._band, ignoreBounds=True)
        if self._band is not None:
            self._band.setVisible(band is not None)
            if band is not None:
                self._band.setBrush(self.theme.colour("accent", 26))
                self._band.setRegion(band)

    def _show_marks(self) -> None:
        if self._plot is not None:
            marks = (self.axis.pointed_s, self.axis.chosen_s)
            for line, at_s in zip(self._lines, marks, strict=True):
                line.setVisible(at_s is not None)
                if at_s is not None:
                    line.setPos(at_s)


class _Values(pg.AxisItem):  # type: ignore[misc]
    """A scale with as many values as have room, whose negative numbers have a minus."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """The least round step whose ticks are `_TICK_PX` apart."""
        least = (high - low) * _TICK_PX / max(1.0, size)
        power = 10.0 ** math.floor(math.log10(max(least, 1e-9)))
        steps = (1, 2, 2.5, 5, 10) if power >= 10 else (1, 2, 5, 10)  # which are told as integers
        return [(next(step * power for step in steps if step * power >= least), 0.0)]

    def tickStrings(self, values: Any, scale: Any, spacing: Any) -> list[str]:
        """The texts of ticks."""
        return [
            text.replace("-", "−").replace(".", decimal_mark())
            for text in super().tickStrings(values, scale, spacing)
        ]
