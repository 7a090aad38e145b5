"""A narrow lane with what happened in a session: alerts and notes about a moment."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.session.records import AlertRecord, Note
from emolive.times import clock_text
from emolive.ui.painting import paint_flag, severity_colour, write
from emolive.ui.theme import Theme
from emolive.ui.timeline.panel import TimePanel
from emolive.ui.timeline.time_axis import TimeAxis

LANE_HEIGHT = 20
_NEAR_PX = 8.0


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry: an alert (its severity) or a note (severity "note")."""

    at_sample: int
    end_sample: int | None
    severity: str
    text: str


def happenings(alerts: Sequence[AlertRecord], notes: Sequence[Note]) -> tuple[Happening, ...]:
    """Alerts, and notes about a moment, in the order of time."""
    found = [Happening(a.at_sample, a.end_sample, str(a.severity), a.message) for a in alerts]
    found += [
        Happening(note.at_sample, None, "note", note.text)
        for note in notes
        if note.at_sample is not None
    ]
    return tuple(sorted(found, key=lambda one: one.at_sample))


class EventLane(TimePanel):
    """Flags on a line; hovering tells what they stand for."""

    grid = None  # no lines behind the flags

    def __init__(
        self, axis: TimeAxis, theme: Theme, rate: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(axis, theme, parent)
        self._rate = rate
        self._shown: tuple[Happening, ...] = ()
        self.setFixedHeight(LANE_HEIGHT)
        self.setAccessibleName(tr("Alerts and notes"))

    def show_happenings(self, shown: Sequence[Happening]) -> None:
        """Show these; without any the lane is hidden."""
        self._shown = tuple(shown)
        self.setVisible(bool(self._shown))
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """While it is hidden, its width is not that of the other panels."""
        if self._shown:
            super().resizeEvent(event)

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.5, tr("events"))]

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """What happened near by."""
        reach = _NEAR_PX * self.axis.seconds_per_px * self.devicePixelRatioF()
        near = [
            one
            for one in self._shown
            if one.at_sample / self._rate - reach <= at_s
            and at_s <= (one.end_sample or one.at_sample) / self._rate + reach
        ]
        return "<br>".join(
            f"<b>{clock_text(one.at_sample / self._rate)}</b> {html.escape(one.text)}"
            for one in near[:6]
        )

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Draw flags, and bars for alerts that lasted."""
        painter.setClipRect(plot.adjusted(1, 1, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = self.devicePixelRatioF()
        for i, one in enumerate(self._shown):
            x = plot.left() + self.axis.x(one.at_sample / self._rate) / ratio
            end = x
            if one.end_sample is not None:
                end = plot.left() + self.axis.x(one.end_sample / self._rate) / ratio
            if end < plot.left() or x > plot.right():
                continue
            colour = severity_colour(one.severity, self.theme)
            if end > x + 1:
                soft = QColor(colour)
                soft.setAlpha(60)
                painter.fillRect(QRectF(x, plot.top() + 3, end - x, plot.height() - 6), soft)
            paint_flag(painter, x, plot.top() + 3.0, plot.height() - 6.0, colour, one.severity)
            room = plot.right() - 8.0
            if i + 1 < len(self._shown):
                following = self._shown[i + 1].at_sample / self._rate
                room = min(room, plot.left() + self.axis.x(following) / ratio - 6)
            space = room - (x + 14)
            if space > 60:
                area = QRectF(x + 14, plot.top(), space, plot.height())
                text, right = " ".join(one.text.split()), Qt.TextElideMode.ElideRight
                write(painter, area, text, self.theme.colour("text"), 11, elide=right)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setClipping(False)
