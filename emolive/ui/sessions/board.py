"""All panels of one session on one time axis, with the surface over them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from emolive.features import LogMelSpec
from emolive.history.rings import DecisionRing
from emolive.history.streams import Named
from emolive.i18n import tr
from emolive.session.other_timeline import OtherTimeline
from emolive.session.records import Annotation, Note
from emolive.session.session_history import LevelHistory, SessionHistory, StreamHistory
from emolive.ui.sessions.agreement_strip import AgreementStrip
from emolive.ui.sessions.event_lane import EventLane, happenings
from emolive.ui.sessions.mark_lane import MarkLane
from emolive.ui.sessions.selection import Selection
from emolive.ui.sessions.session_axis import SessionAxis
from emolive.ui.sessions.surface import Surface
from emolive.ui.sessions.tiles import SpectrogramTiles
from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import TimePanel, TimeRuler
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.stream_panel import PanelStack, StreamPanel
from emolive.wording import stream_name


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    name: str
    decisions: DecisionRing
    hop_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Loudness:
    name: str
    levels: LevelHistory
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Sound:
    name: str
    spectrogram: SpectrogramTiles
    spectrogram_spec: LogMelSpec


class Board(Themed, QWidget):
    """For each stream: probabilities, the model's decisions, marks by hand, spectrogram, level."""

    def __init__(self, theme: Theme, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.axis = SessionAxis(self)
        self.rate = 1
        self.duration_samples = 0
        self.lanes: list[MarkLane] = []
        self.tiles: list[SpectrogramTiles] = []
        self._ending: list[SpectrogramTiles] = []
        self._streams: dict[TimePanel, str] = {}
        self._several = False
        self._borders: list[int] = []
        self._hidden: set[type[TimePanel]] = set()
        self.events: EventLane | None = None
        self.ruler = TimeRuler(self.axis, theme, self)
        self.stack = PanelStack(self.axis)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(self.stack, 1)
        column.addWidget(self.ruler)
        self.surface = Surface(self, selection, theme, self)
        self.surface.setAccessibleName(tr("Timeline of the session"))
        selection.changed.connect(self._on_selection)

    @property
    def panels(self) -> list[TimePanel]:
        """The panels, from top to bottom."""
        return self.stack.panels

    # What it shows.

    def show_session(self, session: SessionHistory, other: OtherTimeline | None = None) -> None:
        """Build the panels anew; the view stays where the session stays the same."""
        info = session.info
        self.clear()
        self.rate, self.duration_samples = info.rate, info.duration_samples
        self._several = len(session.streams) > 1
        self.events = EventLane(self.axis, self.theme, info.rate, self)
        self._add(self.events, "", 0, 3)
        self.show_happenings(session, session.notes)
        for stream in session.streams:
            self._add_stream(session, stream, other)
        borders = {0, info.duration_samples}
        for stream in session.streams:
            for segment in stream.segments:
                borders |= {segment.start_sample, segment.end_sample}
        self._borders = sorted(borders)
        self.surface.gaps = session.gaps
        self.set_marks(session.annotations)
        self._apply_hidden()
        self.surface.raise_()

    def show_happenings(self, session: SessionHistory, notes: Sequence[Note]) -> None:
        """Show alerts and notes."""
        if self.events is not None:
            self.events.show_happenings(happenings(session.alerts, notes))

    def set_marks(self, marks: Sequence[Annotation]) -> None:
        """Show what people marked."""
        for lane in self.lanes:
            lane.set_draft(None)
            lane.set_marks(marks)

    def show_kind(self, kind: type[TimePanel], shown: bool) -> None:
        """Show or hide all panels of a kind."""
        (self._hidden.discard if shown else self._hidden.add)(kind)
        self._apply_hidden()

    def clear(self) -> None:
        """Remove the panels and end their threads."""
        self._end_tiles()
        self.stack.clear()
        self.lanes, self._streams = [], {}
        self.events = None

    def close_tiles(self, timeout: float) -> bool:
        """End the spectrograms' threads; whether all ended within about `timeout` seconds each."""
        self._end_tiles()
        ended = [tiles.close(timeout) for tiles in self._ending]
        self._ending = []
        return all(ended)

    def _end_tiles(self) -> None:
        # They are not waited for: what is being computed takes a moment, and says nothing more.
        self._ending = [tiles for tiles in self._ending if not tiles.close(0.0)]
        self._ending += [tiles for tiles in self.tiles if not tiles.close(0.0)]
        for tiles in self.tiles:
            tiles.deleteLater()
        self.tiles = []

    # What the surface asks.

    def panel_at(self, y: int) -> TimePanel | None:
        """The panel at a height."""
        for panel in self.panels:
            if panel.isVisible() and panel.y() <= y < panel.y() + panel.height():
                return panel
        return None

    def stream_at(self, y: int) -> str | None:
        """The stream whose panels are at that height, where there are several."""
        panel = self.panel_at(y)
        return (self._streams.get(panel) or None) if panel is not None and self._several else None

    def extent(self, stream: str | None) -> tuple[int, int]:
        """Top and bottom of a stream's panels; None: of all."""
        mine = [
            panel
            for panel in self.panels
            if panel.isVisible() and (stream is None or self._streams.get(panel) == stream)
        ]
        if not mine:
            return 0, self.ruler.y()
        return min(p.y() for p in mine), max(p.y() + p.height() for p in mine)

    def borders(self, near_sample: int, reach: int) -> list[int]:
        """Where segments and marks begin and end, near a sample."""
        first = bisect_left(self._borders, near_sample - reach)
        last = bisect_right(self._borders, near_sample + reach)
        return self._borders[first:last]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the surface over everything."""
        self.surface.setGeometry(self.rect())
        super().resizeEvent(event)

    # How it is put together.

    def _add_stream(
        self, session: SessionHistory, stream: StreamHistory, other: OtherTimeline | None
    ) -> None:
        info, name = session.info, stream.name
        shown = stream_name(name) if self._several else ""
        theirs = other.decisions.get(name) if other is not None else None
        caption = _caption(shown, info.model if theirs is not None else "")
        answers = _Answers(name, stream.decisions, session.hop_s)
        self._add_kinds((ProbabilityPanel, DecisionBand), answers, caption, 2)
        if other is not None and theirs is not None:
            strip = AgreementStrip(
                self.axis, self.theme, stream.decisions, theirs, session.hop_s, self
            )
            self._add(strip, name, 0, 2)
            # The decided band next to ours.
            answers = _Answers(name, theirs, other.hop_s)
            self._add_kinds((DecisionBand,), answers, "", 2)
            self._add_kinds((ProbabilityPanel,), answers, _caption(shown, other.model), 2)
        lane = MarkLane(self.axis, self.theme, name, info.labels, info.rate, self)
        self.lanes.append(lane)
        self._add(lane, name, 0, 4)
        if stream.audio is not None:
            tiles = SpectrogramTiles(stream.audio, session.spectrogram, info.duration_s, self)
            self.tiles.append(tiles)
            (spectrogram,) = self._add_kinds(
                (SpectrogramPanel,), _Sound(name, tiles, session.spectrogram), "", 3
            )
            tiles.arrived.connect(spectrogram.redraw)
        if stream.levels is not None:
            loudness = _Loudness(name, stream.levels, info.duration_s)
            self._add_kinds((LevelPanel,), loudness, "", 10 if self._several else 0)

    def _add_kinds(
        self, kinds: Sequence[type[StreamPanel[Any]]], stream: Named, caption: str, gap: int
    ) -> list[TimePanel]:
        made = self.stack.add_stream(kinds, stream, self, self.theme, caption, gap)
        for panel in made:
            self._below_surface(panel, stream.name)
        return made

    def _add(self, panel: TimePanel, stream: str, stretch: int, gap: int) -> None:
        self.stack.add(panel, stretch, gap)
        self._below_surface(panel, stream)

    def _below_surface(self, panel: TimePanel, stream: str) -> None:
        panel.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._streams[panel] = stream

    def _apply_hidden(self) -> None:
        for panel in self.panels:
            if not isinstance(panel, EventLane):
                panel.setVisible(type(panel) not in self._hidden)

    def _on_selection(self) -> None:
        for lane in self.lanes:
            lane.select(self.surface.selection.mark_id)


def _caption(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
