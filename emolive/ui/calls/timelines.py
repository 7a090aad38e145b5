"""Both parties on one time axis: emotions where they are inferred, speech where they are not."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from emolive.history.model import FollowClock
from emolive.i18n import mark, tr
from emolive.times import clock_text
from emolive.types import Role
from emolive.ui.calls.model import AlertEntry, CallModel
from emolive.ui.controls import label
from emolive.ui.layouts import STRETCH, fill, hbox, vbox
from emolive.ui.painting import write
from emolive.ui.sessions.event_lane import EventLane, Happening
from emolive.ui.theme import Theme
from emolive.ui.timeline.card import TimelineCard
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import MARGIN_RIGHT, TimePanel
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.wording import stream_name

_LANE_PX, _NAME_PX = 36, 18


class SpeechLane(LevelPanel):
    """When a party speaks whose emotions are not inferred: all there is to see of it.

    Its name stands above the bars, so that it covers none of them.
    """

    title = mark("When the {name} speaks; emotion is not inferred")
    stretch, least, most = 0, _LANE_PX, _LANE_PX
    grid = None  # no lines over the name

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.28, tr("speech"))]

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw a bar where somebody speaks."""
        spans = self.spoken(start, stop)
        top = round(_NAME_PX * scale)
        height = self._image.height() - top - round(5 * scale)
        for left, right in spans:
            painter.fillRect(QRectF(left, top, right - left, height), self.theme.colour("accent"))

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Write whose speech it is, and what is not done with it."""
        room = plot.adjusted(8, 0, -8, _NAME_PX - plot.height())
        muted, right = self.theme.colour("muted"), Qt.TextElideMode.ElideRight
        write(painter, room, self.caption, muted, 11, elide=right)

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """Whether somebody speaks then."""
        cell = int(at_s / self.stream.levels.cell_s)
        level, _, speech = self.stream.levels.cells(cell, cell + 1)
        if at_s < 0 or np.isnan(level[0]):
            return ""
        return f"<b>{clock_text(at_s)}</b> · {tr('speech') if speech[0] else tr('no speech')}"


class Timelines(TimelineCard):
    """The panels of one call at a time; the customer's first.

    `picked` tells a stream's name and the time of a moment that was clicked, where emotion is
    inferred.
    """

    picked = Signal(str, float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.lane: EventLane | None = None
        self._model: CallModel | None = None
        self._built_for: tuple[tuple[str, Role | None, bool], ...] = ()
        self._inferred: dict[str, list[TimePanel]] = {}
        self._alerts_shown: tuple[tuple[int, int | None], ...] = ()
        self._clock = FollowClock()
        self.axis.follow_changed.connect(self._on_follow)
        tools = hbox(
            label(tr("Timeline"), self, "heading"),
            STRETCH,
            self.spans,
            margins=(MARGIN_RIGHT, 0, MARGIN_RIGHT, 0),
            gap=2,
        )
        # Below the buttons: beside the numbers there is no room for names and buttons in one line.
        named = hbox(self.legend, margins=(8, 0, 8, 0))
        column = vbox(tools, named, within=self, margins=(1, 8, 1, 4), gap=4)
        fill(column, (self.stack, 1), self.ruler)

    def show_call(self, model: CallModel | None) -> None:
        """Another call; its panels come with its streams."""
        self._model = model
        self._clock = FollowClock()
        self._built_for = ()
        self._alerts_shown = ()
        self._clear()
        self.axis.reset()
        if model is not None:
            self._build()

    def refresh(self) -> None:
        """One frame: move the axis, draw what is new."""
        model = self._model
        if model is None:
            return
        self._build()
        now_s = model.end_s
        if not model.over:
            now_s = self._clock.step(model.end_s, time.monotonic())
        self._show_alerts(list(model.alerts))
        self.advance(now_s, model.oldest_s)

    def show_moment(self, at_s: float) -> None:
        """Mark a moment and bring it into view."""
        self.axis.follow_live(False)
        self.axis.choose(at_s)
        self.axis.reveal(at_s)

    def pointed(self) -> tuple[str, float] | None:
        """The stream and the moment under the pointer, where emotion is inferred."""
        at_s = self.axis.pointed_s
        for name, panels in self._inferred.items():
            if at_s is not None and any(panel.underMouse() for panel in panels):
                return name, at_s
        return None

    def _build(self) -> None:
        """Make the panels, anew when the streams are others than before."""
        assert self._model is not None
        streams = sorted(self._model.streams.values(), key=lambda stream: stream.role is Role.AGENT)
        key = tuple((stream.name, stream.role, stream.infers) for stream in streams)
        if key == self._built_for or not streams:
            return
        self._clear()
        self._built_for = key
        info = self._model.info
        self.legend.set_labels(info.facts.labels)
        self.lane = EventLane(self.axis, self.theme, info.facts.rate, self)
        self.lane.setAccessibleName(tr("Alerts"))
        self.stack.add(self.lane, 0, 4)
        self._alerts_shown = ()
        self.lane.show_happenings(())
        for stream in streams:
            name = stream_name(stream.name)
            if stream.infers:
                made = self.stack.add_stream(
                    (ProbabilityPanel, DecisionBand, LevelPanel),
                    stream,
                    self,
                    self.theme,
                    name if len(streams) > 1 else "",
                    8,
                )
                self._inferred[stream.name] = made
                for panel in made:
                    panel.picked.connect(
                        lambda at_s, name=stream.name: self.picked.emit(name, at_s)
                    )
                continue
            caption = tr("{name}: emotion is not inferred", name=name)
            self.stack.add_stream((SpeechLane,), stream, self, self.theme, caption, 8)
        self.back.raise_()

    def _clear(self) -> None:
        self.stack.clear()
        self._inferred = {}
        self.lane = None

    def _show_alerts(self, entries: Sequence[AlertEntry]) -> None:
        shown = tuple((entry.number, entry.end_sample) for entry in entries)
        if self.lane is None or shown == self._alerts_shown:
            return
        self._alerts_shown = shown
        self.lane.show_happenings(
            [
                Happening(
                    entry.alert.fired_sample,
                    entry.end_sample,
                    str(entry.alert.severity),
                    entry.alert.message,
                )
                for entry in entries
            ]
        )

    def _on_follow(self) -> None:
        if self.axis.follow:
            self.axis.choose(None)
