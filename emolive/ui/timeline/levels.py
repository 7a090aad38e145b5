"""The level over time, and where speech was detected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from emolive.history.streams import WithLevels
from emolive.i18n import decimal, mark, tr
from emolive.times import clock_text
from emolive.types import FloatArray
from emolive.ui.timeline.stream_panel import StreamPanel

FLOOR_DBFS = -60.0


class LevelPanel(StreamPanel[WithLevels]):
    """Level as an area, peak as a line, speech as a bar along the bottom."""

    title = mark("Level over time, {name}")
    stretch, least, most = 24, 24, 90

    def newest_s(self) -> float:
        """End of the newest audio."""
        return self.stream.end_s

    def stable_to_s(self) -> float:
        """The newest cell, or column, may still get louder."""
        return self.stream.end_s - 2 * max(self.stream.levels.cell_s, self.axis.seconds_per_px)

    def y_ticks(self) -> list[tuple[float, str]]:
        """Decibels relative to full scale."""
        if self.height() < 48:
            return [(0.5, "−30 dB")]
        return [(1 + at / -FLOOR_DBFS, f"{decimal(at)} dB") for at in (-12.0, -36.0)]

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw the cells that touch the columns."""
        at_s, level, peak, _, step_s = self._points(start, stop)
        height = self._image.height()
        bar = round(3 * scale)
        x = at_s / self.axis.seconds_per_px - self.axis.start_px
        painter.setPen(Qt.PenStyle.NoPen)
        half = step_s / self.axis.seconds_per_px / 2
        for first, last in _true_runs(~np.isnan(level)):
            points = _curve(x[first:last], level[first:last], height, half)
            outline = [*points, QPointF(points[-1].x(), height), QPointF(points[0].x(), height)]
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.colour("accent", 95))
            painter.drawPolygon(QPolygonF(outline))
            painter.setPen(QPen(self.theme.colour("accent", 170), scale))
            line = _curve(x[first:last], peak[first:last], height, half)
            painter.drawPolyline(QPolygonF(line))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for left, right in self.spoken(start, stop):
            area = QRectF(left, height - bar, right - left, bar)
            painter.fillRect(area, self.theme.colour("text", 210))

    def spoken(self, start: int, stop: int) -> list[tuple[float, float]]:
        """From where to where somebody speaks among these columns, in device pixels."""
        at_s, _, _, speech, step_s = self._points(start, stop)
        x = at_s / self.axis.seconds_per_px - self.axis.start_px
        half = step_s / self.axis.seconds_per_px / 2
        return [(x[first] - half, x[last - 1] + half) for first, last in _true_runs(speech)]

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """Level and peak at that time."""
        cell = int(at_s / self.stream.levels.cell_s)
        level, peak, speech = self.stream.levels.cells(cell, cell + 1)
        if at_s < 0 or np.isnan(level[0]):
            return ""
        voice = tr("speech") if speech[0] else tr("no speech")
        values = tr(
            "{level} dBFS, peak {peak}", level=decimal(level[0], 1), peak=decimal(peak[0], 1)
        )
        return f"<b>{clock_text(at_s)} · {voice}</b><br>{values}"

    def _points(
        self, start: int, stop: int
    ) -> tuple[npt.NDArray[np.float64], FloatArray, FloatArray, npt.NDArray[np.bool_], float]:
        """Centre times, level, peak, speech, and the step between them, at most one per column."""
        cell_s, column_s = self.stream.levels.cell_s, self.axis.seconds_per_px
        if column_s <= cell_s:
            first = max(0, int(self.axis.time_at(start) / cell_s) - 2)
            last = max(first + 1, int(self.axis.time_at(stop) / cell_s) + 3)
            at = (np.arange(first, last, dtype=np.float64) + 0.5) * cell_s
            return (at, *self.stream.levels.cells(first, last), cell_s)
        columns = np.arange(max(0, self.axis.start_px + start - 2), self.axis.start_px + stop + 3)
        edges = np.floor(columns * column_s / cell_s).astype(np.int64)
        level, peak, speech = self.stream.levels.cells(int(edges[0]), int(edges[-1]) + 1)
        at_edges = edges[:-1] - edges[0]
        return (
            (columns[:-1].astype(np.float64) + 0.5) * column_s,
            np.fmax.reduceat(level, at_edges),
            np.fmax.reduceat(peak, at_edges),
            np.logical_or.reduceat(speech, at_edges),
            column_s,
        )


def _curve(x: npt.NDArray[np.float64], dbfs: FloatArray, height: int, half: float) -> list[QPointF]:
    y = height * np.clip(dbfs / np.float32(FLOOR_DBFS), 0.0, 1.0)
    points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return [QPointF(x[0] - half, y[0]), *points, QPointF(x[-1] + half, y[-1])]


def _true_runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
