"""The live timeline: panels of all kinds for each stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from emolive.history.model import StreamModel
from emolive.i18n import mark, tr
from emolive.settings import TimelineView
from emolive.types import Role
from emolive.ui.controls import PictureChoice
from emolive.ui.layouts import fill, hbox, vbox
from emolive.ui.theme import Theme
from emolive.ui.timeline.card import TimelineCard
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.live_voice import LiveVoice
from emolive.ui.timeline.navigation import LaneButton
from emolive.ui.timeline.panel import MARGIN_RIGHT, TimePanel
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.stream_panel import LanesArea, StreamPanel
from emolive.ui.timeline.voice_panels import VOICE_PANELS, VoicePanel
from emolive.wording import stream_name

# What is shown of each stream, from top to bottom; what stands together, stays together.
LIVE_PANELS: tuple[tuple[type[StreamPanel[Any]], ...], ...] = (
    (ProbabilityPanel, DecisionBand),
    (SpectrogramPanel,),
    (LevelPanel,),
)
VIEWS: dict[TimelineView, str] = {"areas": mark("areas"), "lines": mark("lines")}


class Workspace(TimelineCard):
    """Legend and view controls above the panels, which share one axis and one left margin.

    `picked` tells a stream's name and the time of a moment that was clicked, `lanes_chosen` the
    acoustic lanes that are to be shown.
    """

    picked = Signal(str, float)
    view_chosen = Signal(str)
    lanes_chosen = Signal(tuple)

    def __init__(
        self,
        theme: Theme,
        empty: QWidget,
        view: TimelineView = "areas",
        parent: QWidget | None = None,
    ) -> None:
        """`empty` is shown where there is nothing to show yet."""
        super().__init__(theme, parent)
        self.view: TimelineView = view
        self._voices: list[tuple[LiveVoice, str]] = []  # without lanes yet, and their captions
        self._make_view_buttons()
        self.lanes = LaneButton(theme, self)
        self.lanes.chosen.connect(self.lanes_chosen)
        tools = hbox(
            (self.legend, 1), 10, self.lanes, margins=(MARGIN_RIGHT, 0, MARGIN_RIGHT, 0), gap=2
        )
        for button in self.views.values():
            tools.addWidget(button)
        fill(tools, 8, self.spans)
        plots = QWidget(self)
        self._ground = QWidget(plots)
        self._ground.setLayout(self.stack)
        column = vbox(
            tools, (LanesArea(self._ground, plots), 1), within=plots, margins=(0, 8, 0, 4), gap=6
        )
        column.addWidget(self.ruler)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(1, 1, 1, 1)
        self._pages.addWidget(empty)
        self._pages.addWidget(plots)
        self.back.setParent(plots)
        self.back.setToolTip(tr("Follow the newest audio (L)"))

    def set_streams(
        self,
        labels: tuple[str, ...],
        streams: Sequence[StreamModel],
        voice_of: Callable[[str], LiveVoice],
    ) -> None:
        """Build the panels of a run; `voice_of` tells a stream's voice."""
        self.clear()
        several = len(streams) > 1
        self.legend.set_labels(
            labels, not_inferred=any(stream.role is Role.AGENT for stream in streams)
        )
        for kinds in LIVE_PANELS:
            for stream in streams:
                caption = stream_name(stream.name) if several else ""
                for panel in self.stack.add_stream(
                    kinds, stream, self._ground, self.theme, caption, 4 if several else 7
                ):
                    self._tell_picked(panel, stream.name)
        self._voices = [
            (voice_of(stream.name), stream_name(stream.name) if several else "")
            for stream in streams
        ]
        self.show_lanes(self.lanes.shown)
        self.show_view(self.view)
        self._pages.setCurrentIndex(1)
        self.back.raise_()

    def clear(self) -> None:
        """Remove the panels; the empty state shows."""
        self._pages.setCurrentIndex(0)
        self.axis.reset()
        self.stack.clear()
        self._voices = []

    def show_view(self, view: TimelineView) -> None:
        """Show stacked areas or lines."""
        self.view = view
        for name, button in self.views.items():
            button.setChecked(name == view)
        for panel in self.panels:
            if isinstance(panel, ProbabilityPanel):
                panel.set_view(view)

    def show_lanes(self, keys: Sequence[str]) -> None:
        """Show these acoustic lanes, and no others."""
        self.lanes.show_lanes(keys)
        if keys:  # made when first wanted: most are never
            for voice, name in self._voices:
                self._add_lanes(voice, name)
            self._voices = []
        for panel in self.panels:
            if isinstance(panel, VoicePanel):
                panel.setVisible(panel.key in keys)

    def _add_lanes(self, voice: LiveVoice, name: str) -> None:
        for panel in self.stack.add_stream(VOICE_PANELS, voice, self._ground, self.theme, gap=0):
            assert isinstance(panel, VoicePanel)
            panel.caption = " · ".join(filter(None, (panel.heading, name)))
            voice.arrived.connect(panel.refresh_curves)
            self._tell_picked(panel, voice.name)

    def _tell_picked(self, panel: TimePanel, stream: str) -> None:
        panel.picked.connect(lambda at_s: self.picked.emit(stream, at_s))

    def _make_view_buttons(self) -> None:
        self.views = {
            view: PictureChoice(
                view, tr("Draw probabilities as {view} (V)", view=tr(text)), self.theme, self
            )
            for view, text in VIEWS.items()
        }
        for view, button in self.views.items():
            button.clicked.connect(lambda _=False, view=view: self._choose_view(view))
            button.setChecked(view == self.view)

    def _choose_view(self, view: TimelineView) -> None:
        self.show_view(view)
        self.view_chosen.emit(view)
