"""The circumplex: where the answers lie between unpleasant and pleasant, calm and aroused.

Derived from the class probabilities, and named so; a fading trail shows the last moments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from emolive.explain.circumplex import Circumplex
from emolive.history.model import StreamModel
from emolive.history.rings import SPEECH, UNCERTAIN
from emolive.i18n import mark, tr
from emolive.labels import POSITIONS_FROM, canonical, emotion_name
from emolive.ui.live.view import LiveView
from emolive.ui.theme import Theme, font
from emolive.wording import signed, stream_name

TRAIL_S = 45.0
# Single windows jump; the trail shows their exponential mean over this time.
SMOOTHING_S = 2.5
_HOLE_S = 3.0
_RIM = 7.0


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """Where a stream was; `joined` tells that no silence lies between this point and the last."""

    at_s: float
    valence: float
    arousal: float
    joined: bool


def trail_of(stream: StreamModel, plane: Circumplex, seconds: float = TRAIL_S) -> list[TrailPoint]:
    """The smoothed positions of a stream's last `seconds`, oldest first."""
    newest = stream.decisions.last_s
    rows = stream.decisions.rows(newest - seconds, newest + 1.0)
    points: list[TrailPoint] = []
    valence = arousal = before_s = math.nan
    for i in np.flatnonzero((rows.state == SPEECH) | (rows.state == UNCERTAIN)):
        found = plane.expected(rows.probabilities[i])
        if found is None:
            continue
        at_s = float(rows.centre_s[i])
        joined = bool(points) and at_s - before_s <= _HOLE_S
        weight = 1 - math.exp(-(at_s - before_s) / SMOOTHING_S) if joined else 1.0
        if not joined:
            valence, arousal = found.valence, found.arousal
        valence += weight * (found.valence - valence)
        arousal += weight * (found.arousal - arousal)
        points.append(TrailPoint(at_s, valence, arousal, joined))
        before_s = at_s
    return points


class CircumplexPanel(LiveView):
    """Classes at their published places, and a fading trail per stream."""

    name, title, keys_text = "plane", mark("Plane"), mark("Valence and arousal")
    tip = mark("Valence and arousal, derived from the probabilities")
    hint = (210, 190)  # about square

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._plane = Circumplex(())
        self._trails: list[list[TrailPoint]] = []
        self._rim = QRectF()
        self.setMinimumSize(140, 110)
        self.setAccessibleName(tr("Valence and arousal, derived from the class probabilities"))
        tip = tr(
            "Derived, not measured: the mean of the classes' published places, weighted with "
            "their probabilities. Places: {source}.",
            source=POSITIONS_FROM,
        )
        self.setToolTip(tip)

    def set_streams(self, labels: tuple[str, ...], streams: Sequence[StreamModel]) -> None:
        """Follow these."""
        super().set_streams(labels, streams)
        self._plane = Circumplex(labels)
        self._trails = [[] for _ in streams]

    def show_decisions(self) -> None:
        """Draw the trails on."""
        self._trails = [trail_of(stream, self._plane) for stream in self._streams]
        self.setAccessibleDescription("; ".join(self._descriptions()))

    def paint(self, painter: QPainter) -> None:
        """Draw plane, axes, classes and trails."""
        # The scales are two, so the plane takes the room there is; the rim is the circumplex's.
        self._rim = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        self._paint_ground(painter)
        for label, place in zip(self._plane.labels, self._plane.positions, strict=True):
            if place is not None:
                self._paint_class(painter, self._point(place.valence, place.arousal), label)
        for index, trail in enumerate(self._trails):
            self._paint_trail(painter, trail, index)

    def _point(self, valence: float, arousal: float) -> QPointF:
        centre, rim = self._rim.center(), self._rim
        return QPointF(
            centre.x() + valence * (rim.width() / 2 - _RIM),
            centre.y() - arousal * (rim.height() / 2 - _RIM),
        )

    def _paint_ground(self, painter: QPainter) -> None:
        rim, centre = self._rim, self._rim.center()
        painter.setPen(QPen(self.theme.colour("border"), 1))
        painter.setBrush(self.theme.colour("plot"))
        painter.drawRoundedRect(rim, 8, 8)
        painter.setPen(QPen(self.theme.colour("border"), 1, Qt.PenStyle.DotLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(rim.adjusted(_RIM, _RIM, -_RIM, -_RIM))
        painter.drawLine(QPointF(rim.left(), centre.y()), QPointF(rim.right(), centre.y()))
        painter.drawLine(QPointF(centre.x(), rim.top()), QPointF(centre.x(), rim.bottom()))
        painter.setFont(font(10))
        painter.setPen(self.theme.colour("muted"))
        flag = Qt.AlignmentFlag
        for text, side in (
            (f"↑ {tr('aroused')}", flag.AlignTop | flag.AlignHCenter),
            (f"↓ {tr('calm')}", flag.AlignBottom | flag.AlignHCenter),
        ):
            width = painter.fontMetrics().horizontalAdvance(text) + 8
            inside = rim.adjusted(0, 1, 0, -1)
            strip = QRectF(centre.x() - width / 2, inside.top(), width, 13)
            if side & flag.AlignBottom:
                strip.moveBottom(inside.bottom())
            painter.fillRect(strip, self.theme.colour("plot"))
            painter.drawText(strip, flag.AlignCenter, text)
        ends = rim.adjusted(7, 0, -7, -2)
        painter.drawText(ends, flag.AlignLeft | flag.AlignBottom, f"← {tr('unpleasant')}")
        painter.drawText(ends, flag.AlignRight | flag.AlignBottom, f"{tr('pleasant')} →")

    def _paint_class(self, painter: QPainter, at: QPointF, label: str) -> None:
        painter.setPen(QPen(self.theme.colour("plot"), 1.5))
        painter.setBrush(self.theme.fill(label))
        painter.drawEllipse(at, 4.5, 4.5)
        painter.setFont(font(10))
        painter.setPen(self.theme.colour("muted"))
        name = emotion_name(label)
        width = painter.fontMetrics().horizontalAdvance(name)
        # Towards the rim, where the trail seldom runs; angry, beside fearful, is the exception.
        angry = canonical(label) == "angry"
        left = at.x() < self._rim.center().x() - 1 and not angry
        fits = at.x() + 8 + width < self.width() - 3
        x = max(4.0, at.x() - width - 8) if left or not fits else at.x() + 8
        painter.drawText(QPointF(x, at.y() + (-1.0 if angry else 3.5)), name)

    def _paint_trail(self, painter: QPainter, trail: list[TrailPoint], index: int) -> None:
        if not trail:
            return
        newest = max(p.at_s for one in self._trails for p in one[-1:])
        ink = self.theme.colour("accent" if index == 0 else "text")
        points = [self._point(p.valence, p.arousal) for p in trail]
        for before, point, one in zip(points, points[1:], trail[1:], strict=False):
            if one.joined:
                faded = QColor(ink)
                age = min(1.0, (newest - one.at_s) / TRAIL_S)
                faded.setAlphaF(0.05 + 0.75 * (1 - age) ** 2)
                pen = QPen(faded, 2.2)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawLine(before, point)
        # The newest place is hollow when it is older than the silence since.
        current = newest - trail[-1].at_s < _HOLE_S
        painter.setPen(QPen(self.theme.colour("plot") if current else ink, 2))
        painter.setBrush(ink if current else self.theme.colour("plot"))
        painter.drawEllipse(points[-1], 7.0, 7.0)
        if len(self._trails) > 1:
            painter.setFont(font(10, bold=True))
            painter.setPen(ink)
            name = stream_name(self._streams[index].name)
            painter.drawText(points[-1] + QPointF(10, 4), name)

    def _descriptions(self) -> list[str]:
        texts = []
        for stream, trail in zip(self._streams, self._trails, strict=True):
            if trail:
                texts.append(
                    tr(
                        "{stream}: valence {valence}, arousal {arousal}",
                        stream=stream_name(stream.name),
                        valence=signed(trail[-1].valence, 1),
                        arousal=signed(trail[-1].arousal, 1),
                    )
                )
        return texts
