"""What the timelines of running audio share: axis, legend, ruler, buttons, and their panels."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QWidget

from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.legend import Legend
from emolive.ui.timeline.navigation import BackToLive, SpanButtons
from emolive.ui.timeline.panel import TimePanel, TimeRuler
from emolive.ui.timeline.stream_panel import PanelStack
from emolive.ui.timeline.time_axis import TimeAxis


class TimelineCard(Themed, QFrame):
    """Its parts, which whoever inherits lays out; the panels share one axis and one left margin."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setProperty("card", True)
        self.axis = TimeAxis(self)
        self.legend = Legend(theme, self)
        self.ruler = TimeRuler(self.axis, theme, self)
        self.spans = SpanButtons(self.axis, self)
        self.stack = PanelStack(self.axis)
        self.back = BackToLive(self.axis, self.ruler, theme, self)

    @property
    def panels(self) -> list[TimePanel]:
        """The panels, from top to bottom."""
        return self.stack.panels

    def advance(self, now_s: float, oldest_s: float) -> None:
        """One frame: move the axis, draw what is new."""
        self.axis.advance(now_s, oldest_s)
        for panel in self.panels:
            panel.refresh()
        if not self.axis.follow:
            self.back.refresh()

    def _resized(self) -> None:
        # Keep the way back to live in its corner.
        self.back.place()
