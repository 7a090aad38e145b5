"""The panels on the time axis: timelines, spectrograms and levels, one set per stream."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from emolive.acoustics import SPECTROGRAM
from emolive.history.model import RunInfo, StreamModel
from emolive.i18n import mark, tr
from emolive.settings import TimelineView
from emolive.types import Role
from emolive.ui.icons import icon
from emolive.ui.segments import Segment
from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.legend import Legend
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.navigation import BackToLive, SpanButtons
from emolive.ui.timeline.panel import MARGIN_RIGHT, TimePanel, TimeRuler
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.wording import stream_name

VIEWS: dict[TimelineView, str] = {"areas": mark("areas"), "lines": mark("lines")}


class Workspace(Themed, QFrame):
    """Legend and view controls above the panels, which share one axis and one left margin.

    `picked` tells a stream's name and the time of a moment that was clicked.
    """

    picked = Signal(str, float)
    view_chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        empty: QWidget,
        view: TimelineView = "areas",
        parent: QWidget | None = None,
    ) -> None:
        """`empty` is shown where there is nothing to show yet."""
        super().__init__(parent)
        self.setProperty("card", True)
        self.theme = theme
        self.view: TimelineView = view
        self.axis = TimeAxis(self)
        self.legend = Legend(theme, self)
        self.ruler = TimeRuler(self.axis, theme, self)
        self.panels: list[TimePanel] = []
        self._make_view_buttons()
        self.spans = SpanButtons(self.axis, self)
        tools = QHBoxLayout()
        tools.setContentsMargins(MARGIN_RIGHT, 0, MARGIN_RIGHT, 0)
        tools.setSpacing(2)
        tools.addWidget(self.legend, 1)
        tools.addSpacing(10)
        for button in self.views.values():
            tools.addWidget(button)
        tools.addSpacing(8)
        tools.addWidget(self.spans)
        self._stack = QVBoxLayout()
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(0)
        self._plots = plots = QWidget(self)
        column = QVBoxLayout(plots)
        column.setContentsMargins(0, 8, 0, 4)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addLayout(self._stack, 1)
        column.addWidget(self.ruler)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(1, 1, 1, 1)
        self._pages.addWidget(empty)
        self._pages.addWidget(plots)
        self.back = BackToLive(self.axis, self.ruler, plots)
        self.back.setToolTip(tr("Follow the newest audio (L)"))
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Draw everything in other colours."""
        super().set_theme(theme)
        self._dress_views()

    def set_streams(self, info: RunInfo, streams: Sequence[StreamModel]) -> None:
        """Build the panels of a run: first the timelines, then the spectrograms, then levels."""
        self.clear()
        several = len(streams) > 1
        self.legend.set_labels(
            info.labels, not_inferred=any(stream.role is Role.AGENT for stream in streams)
        )
        gap = 4 if several else 7
        for stream in streams:
            name = stream_name(stream.name)
            timeline = ProbabilityPanel(
                self.axis, self.theme, stream, info.hop_s, self, view=self.view
            )
            timeline.setAccessibleName(tr("Emotion probabilities over time, {name}", name=name))
            band = DecisionBand(self.axis, self.theme, stream, info.hop_s, self)
            band.setAccessibleName(tr("Decided emotions over time, {name}", name=name))
            self._add(timeline, stream, 100, 2, caption=several)
            self._add(band, stream, 0, gap)
        for stream in streams:
            name = stream_name(stream.name)
            spectrogram = SpectrogramPanel(self.axis, self.theme, stream, SPECTROGRAM, self)
            spectrogram.setAccessibleName(tr("Log-mel spectrogram, {name}", name=name))
            self._add(spectrogram, stream, 52, gap, caption=several)
        for stream in streams:
            level = LevelPanel(self.axis, self.theme, stream, self)
            name = stream_name(stream.name)
            level.setAccessibleName(tr("Level over time, {name}", name=name))
            level.setMinimumHeight(24 if several else 34)
            level.setMaximumHeight(90)
            self._add(level, stream, 22, 2, caption=several)
        self._pages.setCurrentIndex(1)
        self.back.raise_()

    def clear(self) -> None:
        """Remove the panels; the empty state shows."""
        self._pages.setCurrentIndex(0)
        self.axis.reset()
        for panel in self.panels:
            panel.hide()
            panel.deleteLater()
        self.panels = []
        while self._stack.takeAt(0) is not None:
            pass

    def refresh(self, now_s: float, oldest_s: float) -> None:
        """One frame: move the axis, draw what is new."""
        self.axis.advance(now_s, oldest_s)
        for panel in self.panels:
            panel.refresh()
        if not self.axis.follow:
            self.back.refresh()

    def show_view(self, view: TimelineView) -> None:
        """Show stacked areas or lines."""
        self.view = view
        for name, button in self.views.items():
            button.setChecked(name == view)
        self._dress_views()
        for panel in self.panels:
            if isinstance(panel, ProbabilityPanel):
                panel.set_view(view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the way back to live in its corner."""
        super().resizeEvent(event)
        self.back.place()

    def _make_view_buttons(self) -> None:
        self.views = {
            view: Segment("", tr("Draw probabilities as {view} (V)", view=tr(text)), self)
            for view, text in VIEWS.items()
        }
        for view, button in self.views.items():
            button.clicked.connect(lambda _=False, view=view: self._choose_view(view))
            button.setChecked(view == self.view)

    def _choose_view(self, view: TimelineView) -> None:
        self.show_view(view)
        self.view_chosen.emit(view)

    def _dress_views(self) -> None:
        for view, button in self.views.items():
            chosen = button.isChecked()
            button.setIcon(icon(view, self.theme.accent if chosen else self.theme.muted))

    def _add(
        self,
        panel: TimePanel,
        stream: StreamModel,
        stretch: int,
        gap: int,
        *,
        caption: bool = False,
    ) -> None:
        panel.caption = stream_name(stream.name) if caption else ""
        panel.picked.connect(lambda at_s, name=stream.name: self.picked.emit(name, at_s))
        self.panels.append(panel)
        self._stack.addWidget(panel, stretch)
        self._stack.addSpacing(gap)
