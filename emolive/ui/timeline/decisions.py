"""What was decided: the band under the probabilities, and what both panels share."""

from __future__ import annotations

import html

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from emolive.history import stacking
from emolive.history.rings import NO_LABEL, NOT_INFERRED, SILENCE, SPEECH, UNCERTAIN, DecisionRows
from emolive.history.stacking import Span
from emolive.history.streams import WithDecisions
from emolive.i18n import mark, tr
from emolive.labels import emotion_name
from emolive.times import clock_text
from emolive.types import SpeechState
from emolive.ui.painting import fill_state
from emolive.ui.theme import Theme, font
from emolive.ui.timeline.stream_panel import StreamPanel
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.wording import percent, state_name

BAND_HEIGHT = 22
COLUMN_PX = 3
_SPANS_PX = 64
STATES = {
    SPEECH: SpeechState.SPEECH,
    SILENCE: SpeechState.SILENCE,
    UNCERTAIN: SpeechState.UNCERTAIN,
    NOT_INFERRED: SpeechState.NOT_INFERRED,
}


class DecisionPanel(StreamPanel[WithDecisions]):
    """What both panels over decisions share."""

    def __init__(
        self, axis: TimeAxis, theme: Theme, stream: WithDecisions, parent: QWidget | None = None
    ) -> None:
        super().__init__(axis, theme, stream, parent)
        self._decisions = stream.decisions
        self._hop_s = stream.hop_s
        self._fills = theme.fills(stream.decisions.labels)

    def _recolour(self) -> None:
        self._fills = self.theme.fills(self._decisions.labels)
        super()._recolour()

    def newest_s(self) -> float:
        """Centre of the newest decision."""
        return self._decisions.last_s

    def stable_to_s(self) -> float:
        """The line towards the next decision is still open, and so is the newest column."""
        return self._decisions.last_s - self._step_s

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """Decision and exact probabilities at that time, the most probable first."""
        row = self._decisions.nearest(at_s, 1.5 * self._hop_s)
        if not len(row):
            return ""
        labels = self._decisions.labels
        state = STATES[int(row.state[0])]
        head = state_name(state)
        if row.label[0] != NO_LABEL:
            name = emotion_name(labels[row.label[0]])
            head = f"{name} {percent(row.confidence[0])}"
        lines = [f"<b>{clock_text(float(row.centre_s[0]))} · {html.escape(head)}</b>"]
        if state in (SpeechState.SPEECH, SpeechState.UNCERTAIN):
            shares = row.probabilities[0]
            cells = [
                f'<tr><td><span style="color:{self._fills[k].name()}">■</span>&nbsp;'
                f'{html.escape(emotion_name(labels[k]))}&nbsp;&nbsp;</td><td align="right">'
                f"{percent(shares[k], 1)}</td></tr>"
                for k in np.argsort(shares)[::-1]
            ]
            lines.append(f"<table cellspacing=0>{''.join(cells)}</table>")
        return "<br>".join(lines) if len(lines) == 1 else lines[0] + lines[1]

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

    def _area(self, span: Span, height: int) -> QRectF:
        left, right = self.axis.x(span.start_s), self.axis.x(span.end_s)
        return QRectF(left, 0, right - left, height)


class DecisionBand(DecisionPanel):
    """The decided label as a coloured band with names; a new colour is a new decision."""

    title = mark("Decided emotions over time, {name}")
    least = most = BAND_HEIGHT
    grid = None  # no lines over the names

    def __init__(
        self, axis: TimeAxis, theme: Theme, stream: WithDecisions, parent: QWidget | None = None
    ) -> None:
        super().__init__(axis, theme, stream, parent)
        self._spans: list[Span] = []
        self._spans_of: tuple[int, int, float] | None = None

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.5, tr("decided"))] if self.height() else []

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw the spans as blocks."""
        height = self._image.height()
        painter.setBrushOrigin(-self.axis.start_px, 0)
        for span in stacking.spans(self._rows(start, stop), self._step_s):
            area = self._area(span, height)
            if span.state == SPEECH and span.label != NO_LABEL:
                painter.fillRect(area, self._fills[span.label])
            else:
                fill_state(painter, area, STATES[span.state], self.theme, scale)

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Write names where they fit; they stay in view as long as their span does."""
        ratio = self.devicePixelRatioF()
        painter.setFont(font(11, bold=True))
        painter.setClipRect(plot)
        metrics = painter.fontMetrics()
        labels = self._decisions.labels
        for span in self._visible_spans():
            if span.state != SPEECH or span.label == NO_LABEL:
                continue
            left = max(0.0, self.axis.x(span.start_s)) / ratio + plot.left() + 6
            right = min(self.axis.width, self.axis.x(span.end_s)) / ratio + plot.left() - 4
            text = emotion_name(labels[span.label])
            if metrics.horizontalAdvance(text) <= right - left:
                ink = self.theme.swatch(labels[span.label]).ink(dark=self.theme.dark)
                painter.setPen(QColor(ink))
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
