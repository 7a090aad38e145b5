"""Class probabilities over time: stacked areas, or a line for each class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from emolive.history import stacking
from emolive.history.rings import SPEECH
from emolive.history.stacking import Trajectory
from emolive.i18n import mark
from emolive.settings import TimelineView
from emolive.types import FloatArray
from emolive.ui.painting import fill_state
from emolive.ui.timeline.decisions import STATES, DecisionPanel

# Areas a little softer than the band, which holds the answer.
AREA_STRENGTH = 0.86
LINE_PX = 2.0
_LEAST_SHARE = 0.02


class ProbabilityPanel(DecisionPanel):
    """Probabilities of the classes; silence and uncertain are hatched, holes are empty."""

    title = mark("Emotion probabilities over time, {name}")
    stretch, least = 100, 52
    _view: TimelineView = "areas"

    def set_view(self, view: TimelineView) -> None:
        """Draw areas, or lines."""
        if view != self._view:
            self._view = view
            self.redraw()

    def y_ticks(self) -> list[tuple[float, str]]:
        """Shares of 1."""
        if self.height() < 70:
            return [(0.0, "0"), (1.0, "100 %")]
        return [(0.0, "0"), (0.5, "50 %"), (1.0, "100 %")]

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw the trajectories of speech, and patterns where there is no answer."""
        rows = self._rows(start, stop)
        height = self._image.height()
        painter.setBrushOrigin(-self.axis.start_px, 0)
        spans = [s for s in stacking.spans(rows, self._step_s) if s.state != SPEECH]
        lines = self._view == "lines"
        if lines:  # below the lines, which are thin
            for span in spans:
                fill_state(painter, self._area(span, height), STATES[span.state], self.theme, scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for trajectory in stacking.trajectories(rows, self._step_s):
            paint = self._paint_lines if lines else self._paint_areas
            paint(painter, trajectory, height, scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if not lines:
            for span in spans:
                area = self._area(span, height)
                fill_state(painter, area, STATES[span.state], self.theme, scale, over=True)

    def _paint_areas(
        self, painter: QPainter, trajectory: Trajectory, height: int, scale: float
    ) -> None:
        """From the highest to the lowest, each over the one before."""
        x = self._x(trajectory)
        ground = self.theme.colour("plot")
        edge = QPen(self.theme.colour("plot", 170), scale)
        tops = trajectory.tops
        for label in reversed(range(tops.shape[1])):
            points = _points(x, (1.0 - np.minimum(tops[:, label], 1.0)) * height)
            outline = [*points, QPointF(x[-1], height), QPointF(x[0], height)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_mixed(self._fills[label], ground, AREA_STRENGTH))
            painter.drawPolygon(QPolygonF(outline))
            if not self._condensed:
                painter.setPen(edge)
                painter.drawPolyline(QPolygonF(points))

    def _paint_lines(
        self, painter: QPainter, trajectory: Trajectory, height: int, scale: float
    ) -> None:
        """Lines keep off the edges, where they would be cut, and rest where there is nothing."""
        x = self._x(trajectory)
        room = height - 2 * LINE_PX * scale
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # A rim in the background's colour keeps crossing lines apart.
        rim = QPen(self.theme.colour("plot", 190), (LINE_PX + 2) * scale)
        rim.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        for label, fill in enumerate(self._fills):
            pen = QPen(fill, LINE_PX * scale)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            shares = trajectory.shares[:, label]
            y = (1.0 - shares) * room + LINE_PX * scale
            for first, last in _drawn(shares):
                points = QPolygonF(_points(x[first:last], y[first:last]))
                for used in (rim, pen):
                    painter.setPen(used)
                    painter.drawPolyline(points)

    def _x(self, trajectory: Trajectory) -> npt.NDArray[np.float64]:
        x: npt.NDArray[np.float64] = trajectory.at_s / self.axis.seconds_per_px - self.axis.start_px
        return x


def _drawn(shares: FloatArray) -> list[tuple[int, int]]:
    """Index ranges of points whose line is drawn: on either side of a share worth a line."""
    seen = shares >= _LEAST_SHARE
    near = seen.copy()
    near[1:] |= seen[:-1]
    near[:-1] |= seen[1:]
    edges = np.flatnonzero(np.diff(near.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


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
