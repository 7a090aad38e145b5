"""Both parties on one time axis: emotions where they are inferred, speech where they are not."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from emolive.history.model import FollowClock
from emolive.i18n import mark, tr
from emolive.types import Role
from emolive.ui.calls.model import AlertEntry, CallModel
from emolive.ui.controls import label
from emolive.ui.sessions.event_lane import EventLane, Happening
from emolive.ui.theme import Theme
from emolive.ui.timeline.card import TimelineCard
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import MARGIN_RIGHT, paint_caption
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.wording import stream_name


class SpeechBand(DecisionBand):
    """When a party speaks whose emotions are not inferred."""

    title = mark("When the {name} speaks; emotion is not inferred")

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.5, tr("speech"))]

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Say what is not done here, in the empty part of the band."""
        paint_caption(painter, plot.adjusted(0, -3, 0, 0), self.caption, self.theme)


class Timelines(TimelineCard):
    """The panels of one call at a time; the customer's first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.lane: EventLane | None = None
        self._model: CallModel | None = None
        self._built_for: tuple[tuple[str, Role | None, bool], ...] = ()
        self._alerts_shown: tuple[tuple[int, int | None], ...] = ()
        self._clock = FollowClock()
        self.axis.follow_changed.connect(self._on_follow)
        tools = QHBoxLayout()
        tools.setContentsMargins(MARGIN_RIGHT, 0, MARGIN_RIGHT, 0)
        tools.setSpacing(2)
        tools.addWidget(label(tr("Timeline"), self, "heading"))
        tools.addStretch()
        tools.addWidget(self.spans)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 8, 1, 4)
        column.setSpacing(4)
        column.addLayout(tools)
        # Below the buttons: beside the numbers there is no room for names and buttons in one line.
        named = QHBoxLayout()
        named.setContentsMargins(8, 0, 8, 0)
        named.addWidget(self.legend)
        column.addLayout(named)
        column.addLayout(self.stack, 1)
        column.addWidget(self.ruler)

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
        self.legend.set_labels(
            info.facts.labels, not_inferred=any(not stream.infers for stream in streams)
        )
        self.lane = EventLane(self.axis, self.theme, info.facts.rate, self)
        self.lane.setAccessibleName(tr("Alerts"))
        self.stack.add(self.lane, 0, 4)
        self._alerts_shown = ()
        self.lane.show_happenings(())
        for stream in streams:
            name = stream_name(stream.name)
            if stream.infers:
                self.stack.add_stream(
                    (ProbabilityPanel, DecisionBand, LevelPanel),
                    stream,
                    self,
                    self.theme,
                    name if len(streams) > 1 else "",
                    8,
                )
                continue
            # When it speaks, and how loud, is all there is to see.
            caption = tr("{name}: emotion is not inferred", name=name)
            self.stack.add_stream((SpeechBand, LevelPanel), stream, self, self.theme, caption, 8)
        self.back.raise_()

    def _clear(self) -> None:
        self.stack.clear()
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
