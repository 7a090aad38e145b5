"""How a call looks on the wall: as a card, and as a row of the list."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from emolive.history.rings import NO_LABEL, SILENCE, SPEECH, UNCERTAIN
from emolive.types import Role, SpeechState
from emolive.ui.calls.face import CallFace, party_letter
from emolive.ui.calls.model import TREND_S, CallTrend
from emolive.ui.painting import fill_state, paint_flag, severity_colour, write
from emolive.ui.theme import RADIUS, Theme, font

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_PAD = 14.0
# Answers farther apart than this are not joined by a line.
_GAP_S = 2.0


class TilePainter:
    """Draws in one theme's colours. Coordinates are those of the widget."""

    def __init__(self, theme: Theme, labels: tuple[str, ...]) -> None:
        self.theme = theme
        self.labels = labels
        self._fills = theme.fills(labels)

    def ground(self, painter: QPainter, area: QRectF, face: CallFace, *, focus: bool) -> None:
        """Frame and background; an edge in the colour of the gravest alert."""
        theme = self.theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = area.adjusted(0.75, 0.75, -0.75, -0.75)
        shape = QPainterPath()
        shape.addRoundedRect(frame, RADIUS, RADIUS)
        painter.fillPath(shape, theme.colour("surface"))
        edge, width = theme.colour("border"), 1.0
        if face.severity is not None:
            colour = severity_colour(face.severity, theme)
            painter.save()
            painter.setClipPath(shape)
            painter.fillRect(QRectF(frame.left(), frame.top(), 5, frame.height()), colour)
            painter.restore()
            edge = severity_colour(face.severity, theme, 170)
        if focus:
            edge, width = theme.colour("accent"), 2.0
        painter.setPen(QPen(edge, width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shape)

    def emotion(self, painter: QPainter, area: QRectF, face: CallFace, px: float) -> None:
        """The party's emotion: colour, word and how sure."""
        side = min(area.height(), px * 0.92)
        box = QRectF(area.left(), area.center().y() - side / 2, side, side)
        self._swatch(painter, box, face)
        x = box.right() + px * 0.5
        painter.setFont(font(px, bold=True))
        painter.setPen(self.theme.colour("muted" if face.label is None else "text"))
        metrics = painter.fontMetrics()
        room = area.right() - x
        word = metrics.elidedText(face.word, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(x, area.top(), room, area.height()), _LEFT, word)
        x += metrics.horizontalAdvance(word) + px * 0.45
        painter.setFont(font(max(11.0, px * 0.66)))
        painter.setPen(self.theme.colour("muted"))
        text = " · ".join(part for part in (face.detail, face.party) if part)
        if painter.fontMetrics().horizontalAdvance(text) <= area.right() - x:
            painter.drawText(
                QRectF(x, area.top() + 1, area.right() - x, area.height()), _LEFT, text
            )

    def trend(self, painter: QPainter, area: QRectF, trend: CallTrend | None) -> None:
        """Minutes of unpleasant emotion as a curve, over the decided emotions as a band."""
        theme = self.theme
        band = QRectF(area.left(), area.bottom() - 6, area.width(), 6)
        plot = area.adjusted(0, 0, 0, -8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(plot, theme.colour("plot"))
        painter.fillRect(band, theme.colour("plot"))
        line = QRectF(plot.left(), plot.center().y(), plot.width(), 1)
        painter.fillRect(line, theme.colour("text", 20))
        if trend is None or not len(trend.at_s):
            return
        scale = area.width() / TREND_S
        x = area.left() + (trend.at_s - trend.start_s) * scale
        painter.save()
        painter.setClipRect(area)
        self._band(painter, band, x, trend, scale)
        self._curve(painter, plot, x, trend)
        painter.restore()

    def speaking(
        self,
        painter: QPainter,
        right: float,
        middle: float,
        face: CallFace,
        streams: list[tuple[str, Role | None]],
    ) -> float:
        """A letter for each party, lit while it speaks; returns the left end."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(10, bold=True))
        x = right
        for name, role in reversed(streams):
            x -= 19
            circle = QRectF(x, middle - 9, 18, 18)
            lit = name in face.speaking
            painter.setPen(QPen(self.theme.colour("accent" if lit else "border"), 1))
            painter.setBrush(self.theme.colour("info_tint") if lit else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)
            painter.setPen(self.theme.colour("accent" if lit else "faint"))
            painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, party_letter(name, role))
            x -= 4
        return x

    def recording(self, painter: QPainter, x: float, middle: float) -> None:
        """A red dot in a ring: the call is being recorded."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.theme.colour("danger")
        painter.setPen(QPen(colour, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, middle), 5.5, 5.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x, middle), 3.2, 3.2)

    def note(self, painter: QPainter, area: QRectF, face: CallFace) -> None:
        """The gravest alert; without one, how the engine is doing."""
        if face.severity is not None:
            colour = severity_colour(face.severity, self.theme)
            paint_flag(
                painter, area.left() + 1.75, area.center().y() - 7, 14, colour, face.severity
            )
            text, area = face.alert, area.adjusted(18, 0, 0, 0)
            if face.n_open > 1:
                text = f"{face.n_open} · {text}"
        else:
            text = face.health
            colour = self.theme.colour("warning" if face.troubled else "muted")
        write(painter, area, " ".join(text.split()), colour, 12, elide=Qt.TextElideMode.ElideRight)

    def text(
        self,
        painter: QPainter,
        area: QRectF,
        text: str,
        px: float,
        colour: str,
        *,
        bold: bool = False,
        right: bool = False,
    ) -> None:
        """A line that gives way, with smaller letters and then with an ellipsis."""
        painter.setPen(self.theme.colour(colour))
        for size in (px, 0.92 * px, 0.85 * px):
            painter.setFont(font(size, bold=bold))
            metrics = painter.fontMetrics()
            if metrics.horizontalAdvance(text) <= area.width():
                break
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(area.width()))
        painter.drawText(area, _RIGHT if right else _LEFT, shown)

    def _swatch(self, painter: QPainter, box: QRectF, face: CallFace) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(box, 5, 5)
        if face.label in self.labels:
            painter.fillPath(shape, self._fills[self.labels.index(face.label)])
            return
        painter.save()
        painter.setClipPath(shape)
        painter.fillPath(shape, self.theme.colour("plot"))
        if face.state is not None:
            fill_state(painter, box, face.state, self.theme)
        painter.restore()
        painter.setPen(QPen(self.theme.colour("faint"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shape)

    def _band(
        self, painter: QPainter, band: QRectF, x: np.ndarray, trend: CallTrend, scale: float
    ) -> None:
        codes = np.where(trend.state == SPEECH, trend.label, 200 + trend.state)
        borders = np.flatnonzero(np.diff(codes.astype(np.int16))) + 1
        first = [0, *borders.tolist()]
        last = [*borders.tolist(), len(codes)]
        half = _typical_step(trend.at_s) * scale / 2
        for a, b in zip(first, last, strict=True):
            area = QRectF(x[a] - half, band.top(), x[b - 1] - x[a] + 2 * half, band.height())
            state, label = int(trend.state[a]), int(trend.label[a])
            if state == SPEECH and label != NO_LABEL:
                painter.fillRect(area, self._fills[label])
            elif state == UNCERTAIN:
                fill_state(painter, area, SpeechState.UNCERTAIN, self.theme)
            elif state == SILENCE:
                painter.fillRect(area, self.theme.colour("border", 110))
            else:
                fill_state(painter, area, SpeechState.NOT_INFERRED, self.theme)

    def _curve(self, painter: QPainter, plot: QRectF, x: np.ndarray, trend: CallTrend) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.theme.colour("danger")
        known = ~np.isnan(trend.negative)
        far = np.diff(trend.at_s, prepend=trend.at_s[:1]) > _GAP_S
        group = np.cumsum(far | (np.diff(known.astype(np.int8), prepend=0) != 0))
        y = plot.bottom() - np.nan_to_num(trend.negative) * (plot.height() - 2) - 1
        for number in np.unique(group[known]):
            at = np.flatnonzero((group == number) & known)
            if len(at) < 2:
                continue
            points = [QPointF(a, b) for a, b in zip(x[at].tolist(), y[at].tolist(), strict=True)]
            foot = [QPointF(points[-1].x(), plot.bottom()), QPointF(points[0].x(), plot.bottom())]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.colour("danger", 44))
            painter.drawPolygon(QPolygonF([*points, *foot]))
            painter.setPen(QPen(colour, 1.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF(points))


def paint_card(
    ink: TilePainter,
    painter: QPainter,
    area: QRectF,
    face: CallFace,
    trend: CallTrend | None,
    streams: list[tuple[str, Role | None]],
    *,
    focus: bool,
    room: float,
) -> None:
    """A card; `room` is what buttons take at the right of its last line."""
    ink.ground(painter, area, face, focus=focus)
    left, right = area.left() + _PAD + 2, area.right() - _PAD
    top = area.top() + 10
    ink.text(painter, QRectF(right - 84, top, 54, 22), face.duration, 13, "muted", right=True)
    begin = left
    if face.recorded:
        ink.recording(painter, left + 6, top + 11)
        begin += 18
    name = QRectF(begin, top, right - begin - 92, 22)
    ink.text(painter, name, face.name, 13, "text", bold=True)
    letters = ink.speaking(painter, right + 2, top + 41, face, streams)
    ink.emotion(painter, QRectF(left, top + 27, letters - left - 4, 28), face, 19)
    ink.trend(painter, QRectF(left, top + 63, right - left, area.height() - 118), trend)
    ink.note(painter, QRectF(left, area.bottom() - 36, right - left - room, 26), face)


def paint_row(
    ink: TilePainter,
    painter: QPainter,
    area: QRectF,
    face: CallFace,
    trend: CallTrend | None,
    streams: list[tuple[str, Role | None]],
    *,
    focus: bool,
    room: float,
) -> None:
    """A row of the list."""
    ink.ground(painter, area, face, focus=focus)
    left, right = area.left() + _PAD + 2, area.right() - 44
    width = right - left
    height = area.height()
    name = QRectF(left, area.top(), width * 0.18, height)
    if face.recorded:
        ink.recording(painter, left + 6, area.center().y())
        name.setLeft(left + 18)
    ink.text(painter, name, face.name, 13, "text", bold=True)
    mood = QRectF(name.right() + 12, area.top() + 12, width * 0.17, height - 24)
    ink.emotion(painter, mood, face, 15)
    letters = ink.speaking(painter, mood.right() + 52, area.center().y(), face, streams)
    curve = QRectF(max(mood.right() + 62, letters), area.top() + 9, width * 0.2, height - 18)
    ink.trend(painter, curve, trend)
    time = QRectF(right - 60, area.top(), 54, height)
    ink.text(painter, time, face.duration, 13, "muted", right=True)
    rest = QRectF(curve.right() + 16, area.top(), time.left() - curve.right() - 28 - room, height)
    if rest.width() > 40:
        ink.note(painter, rest, face)


def _typical_step(at_s: np.ndarray) -> float:
    return float(np.median(np.diff(at_s))) if len(at_s) > 1 else 0.5
