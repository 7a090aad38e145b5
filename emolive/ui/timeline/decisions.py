"""The emotion timeline: stacked probabilities, and under them the decided label."""

from __future__ import annotations

import html

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from emolive.palette import Swatch, swatches
from emolive.ui.history import stacking
from emolive.ui.history.model import StreamModel
from emolive.ui.history.rings import NO_LABEL, SILENCE, SPEECH, DecisionRows
from emolive.ui.history.stacking import Span, Stretch
from emolive.ui.theme import Theme, font
from emolive.ui.timeline.panel import TimePanel
from emolive.ui.timeline.patterns import hatch
from emolive.ui.timeline.time_axis import TimeAxis, clock_text

BAND_HEIGHT = 22
COLUMN_PX = 3
_SPANS_PX = 64
# Areas a little softer than the band, which holds the answer.
AREA_STRENGTH = 0.86


class DecisionPanel(TimePanel):
    """What both panels over decisions share."""

    def __init__(
        self,
        axis: TimeAxis,
        theme: Theme,
        stream: StreamModel,
        hop_s: float,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(axis, theme, parent)
        self._decisions = stream.decisions
        self._hop_s = hop_s
        self._swatches = swatches(stream.decisions.labels)

    def newest_s(self) -> float:
        """Centre of the newest decision."""
        return self._decisions.last_s

    def stable_to_s(self) -> float:
        """The line towards the next decision is still open, and so is the newest column."""
        return self._decisions.last_s - self._step_s

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """Decision and probabilities at that time."""
        rows = self._decisions.rows(at_s - self._hop_s, at_s + self._hop_s)
        if not len(rows):
            return ""
        i = int(np.abs(rows.centre_s - at_s).argmin())
        labels = self._decisions.labels
        head = "uncertain"
        if rows.state[i] == SILENCE:
            head = "silence"
        elif rows.label[i] != NO_LABEL:
            head = labels[rows.label[i]]
        lines = [f"<b>{clock_text(at_s)} · {html.escape(head)}</b>"]
        if rows.state[i] != SILENCE:
            order = np.argsort(rows.probabilities[i])[::-1][:3]
            lines += [f"{html.escape(labels[k])} {rows.probabilities[i][k]:.0%}" for k in order]
        return "<br>".join(lines)

    def colour(self, label: int) -> QColor:
        """Fill of a class."""
        return QColor(self._swatches[label].fill(dark=self.theme.dark))

    @property
    def _condensed(self) -> bool:
        """Whether there are more decisions than room to draw each."""
        return self._column_s > self._hop_s

    @property
    def _column_s(self) -> float:
        return COLUMN_PX * self.axis.seconds_per_px

    @property
    def _step_s(self) -> float:
        return max(self._hop_s, self._column_s)

    def _rows(self, start: int, stop: int) -> DecisionRows:
        """Decisions that touch ``[start, stop)``, at most one for each `COLUMN_PX`."""
        margin = 4 * self._step_s
        rows = self._decisions.rows(
            self.axis.time_at(start) - margin, self.axis.time_at(stop) + margin
        )
        return stacking.condense(rows, self._column_s) if self._condensed else rows


class ProbabilityPanel(DecisionPanel):
    """Stacked class probabilities; silence and uncertain are hatched, holes are empty."""

    def y_ticks(self) -> list[tuple[float, str]]:
        """Shares of 1."""
        if self.height() < 70:
            return [(0.0, "0"), (1.0, "100 %")]
        return [(0.0, "0"), (0.5, "50 %"), (1.0, "100 %")]

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw areas from the highest to the lowest, each over the one before."""
        rows = self._rows(start, stop)
        height = self._image.height()
        painter.setBrushOrigin(-self.axis.start_px, 0)
        for stretch in stacking.stretches(rows, self._step_s):
            self._paint_stretch(painter, stretch, height, scale)
        for span in stacking.spans(rows, self._step_s):
            if span.state == SPEECH:
                continue
            left, right = self.axis.x(span.start_s), self.axis.x(span.end_s)
            area = QRectF(left, 0, right - left, height)
            if span.state == SILENCE:
                painter.fillRect(area, hatch(self.theme.faint, 120, scale, rising=False))
            else:
                painter.fillRect(area, self.theme.colour("plot", 168))
                painter.fillRect(area, hatch(self.theme.text, 120, scale))

    def _paint_stretch(
        self, painter: QPainter, stretch: Stretch, height: int, scale: float
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = stretch.at_s / self.axis.seconds_per_px - self.axis.start_px
        edge = QPen(self.theme.colour("plot", 170), scale)
        for label in reversed(range(stretch.tops.shape[1])):
            y = (1.0 - np.minimum(stretch.tops[:, label], 1.0)) * height
            points = _points(x, y)
            outline = [*points, QPointF(x[-1], height), QPointF(x[0], height)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_mixed(self.colour(label), self.theme.colour("plot"), AREA_STRENGTH))
            painter.drawPolygon(QPolygonF(outline))
            if not self._condensed:
                painter.setPen(edge)
                painter.drawPolyline(QPolygonF(points))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class DecisionBand(DecisionPanel):
    """The decided label as a coloured band with names; a new colour is a new decision."""

    def __init__(
        self,
        axis: TimeAxis,
        theme: Theme,
        stream: StreamModel,
        hop_s: float,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(axis, theme, stream, hop_s, parent)
        self.setFixedHeight(BAND_HEIGHT)
        self._spans: list[Span] = []
        self._spans_of: tuple[int, int, float] | None = None

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.5, "decided")] if self.height() else []

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw the spans as blocks."""
        height = self._image.height()
        painter.setBrushOrigin(-self.axis.start_px, 0)
        for span in stacking.spans(self._rows(start, stop), self._step_s):
            left, right = self.axis.x(span.start_s), self.axis.x(span.end_s)
            area = QRectF(left, 0, right - left, height)
            if span.state == SPEECH and span.label != NO_LABEL:
                painter.fillRect(area, self.colour(span.label))
            elif span.state == SILENCE:
                painter.fillRect(area, hatch(self.theme.faint, 120, scale, rising=False))
            else:
                painter.fillRect(area, self.theme.colour("border"))
                painter.fillRect(area, hatch(self.theme.text, 90, scale))

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Write names where they fit; they stay in view as long as their span does."""
        ratio = self.devicePixelRatioF()
        painter.setFont(font(11, bold=True))
        painter.setClipRect(plot)
        metrics = painter.fontMetrics()
        for span in self._visible_spans():
            if span.state != SPEECH or span.label == NO_LABEL:
                continue
            left = max(0.0, self.axis.x(span.start_s)) / ratio + plot.left() + 6
            right = min(self.axis.width, self.axis.x(span.end_s)) / ratio + plot.left() - 4
            text = self._decisions.labels[span.label]
            if metrics.horizontalAdvance(text) <= right - left:
                ink: Swatch = self._swatches[span.label]
                painter.setPen(QColor(ink.ink(dark=self.theme.dark)))
                area = QRectF(left, plot.top(), right - left, plot.height())
                painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
        painter.setClipping(False)

    def _visible_spans(self) -> list[Span]:
        per_column = max(1, int(self._column_s / self._hop_s))
        columns = self._decisions.count // per_column
        # A bit beyond the view, so that they last for a while of scrolling.
        key = (columns, self.axis.start_px // _SPANS_PX, self.axis.seconds_per_px)
        if key != self._spans_of:
            self._spans_of = key
            rows = self._rows(-_SPANS_PX, self.axis.width + _SPANS_PX)
            self._spans = list(stacking.spans(rows, self._step_s))
        return self._spans

    def grid_colour(self) -> QColor:
        """No lines over the names."""
        return QColor(Qt.GlobalColor.transparent)


def _mixed(colour: QColor, ground: QColor, share: float) -> QColor:
    def channel(one: float, other: float) -> float:
        return share * one + (1 - share) * other

    return QColor.fromRgbF(
        channel(colour.redF(), ground.redF()),
        channel(colour.greenF(), ground.greenF()),
        channel(colour.blueF(), ground.blueF()),
    )


def _points(x: npt.NDArray[np.float64], y: npt.NDArray[np.floating]) -> list[QPointF]:
    return [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
