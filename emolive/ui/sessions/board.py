"""All panels of one session on one time axis, with the surface over them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from emolive.features import LogMelSpec
from emolive.history.rings import DecisionRing
from emolive.history.streams import Named
from emolive.i18n import tr
from emolive.session.comparison import OtherTimeline
from emolive.session.library_settings import TierSettings
from emolive.session.records import Annotation, Note, Trace
from emolive.session.session_history import LevelHistory, SessionHistory, StreamHistory
from emolive.ui.layouts import vbox
from emolive.ui.sessions.comparison import AgreementStrip
from emolive.ui.sessions.event_lane import EventLane, happenings
from emolive.ui.sessions.mark_lane import LaneKind, MarkLane
from emolive.ui.sessions.selection import Selection
from emolive.ui.sessions.session_axis import SessionAxis
from emolive.ui.sessions.surface import Surface
from emolive.ui.sessions.tiles import SpectrogramTiles, VoiceCurves
from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import TimePanel, TimeRuler
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.rating_panels import RATING_PANELS, RatingPanel, Ratings
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.stream_panel import PanelStack, StreamPanel
from emolive.ui.timeline.voice_panels import VOICE_PANELS, VoicePanel
from emolive.wording import stream_name

_LANE_GAP = 4


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
    """For each stream: probabilities, decisions, marks by hand, spectrogram, level, voice."""

    def __init__(self, theme: Theme, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.axis = SessionAxis(self)
        self.rate = 1
        self._me, self._others = "", True
        self._labels: Mapping[str, Sequence[str]] = {}
        self.duration_samples = 0
        self.lanes: list[MarkLane] = []
        self.tiles: list[SpectrogramTiles] = []
        self.voices: list[VoiceCurves] = []
        self._ending: list[SpectrogramTiles | VoiceCurves] = []
        self._streams: dict[TimePanel, str] = {}
        self._several = False
        self._borders: list[int] = []
        self._hidden: set[type[TimePanel]] = {*VOICE_PANELS, *RATING_PANELS}
        self.events: EventLane | None = None
        self.ratings = Ratings()
        self.ruler = TimeRuler(self.axis, theme, parent)  # below, where the board is scrolled
        self.stack = PanelStack(self.axis)
        vbox((self.stack, 1), within=self, gap=2)
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
        self.ratings = Ratings(info.rate)
        for panel in self._add_kinds(RATING_PANELS, self.ratings, "", 4):
            assert isinstance(panel, RatingPanel)
            panel.setAccessibleName(tr(panel.menu))
        self.set_traces(session.traces)
        borders = {0, info.duration_samples}
        for stream in session.streams:
            for segment in stream.segments:
                borders |= {segment.start_sample, segment.end_sample}
        self._borders = sorted(borders)
        self.surface.gaps = session.gaps
        self._labels = {"": info.labels} | {tier.name: tier.labels for tier in session.tiers}
        self.set_marks(session.annotations)
        self._apply_hidden()
        self.surface.raise_()

    def show_happenings(self, session: SessionHistory, notes: Sequence[Note]) -> None:
        """Show alerts and notes."""
        if self.events is not None:
            self.events.show_happenings(happenings(session.alerts, notes))

    def set_people(self, me: str, others: bool) -> None:
        """Whose marks can be edited, and whether others' are shown."""
        self._me, self._others = me, others

    def set_tiers(self, tiers: Sequence[TierSettings]) -> None:
        """What can be labelled beside the emotions."""
        self._labels = {"": self._labels[""]} | {tier.name: tier.labels for tier in tiers}

    def set_marks(self, marks: Sequence[Annotation]) -> None:
        """Show what people marked: a lane for each tier, and for what each of the others did."""
        for stream in dict.fromkeys(lane.stream for lane in self.lanes):
            self._arrange_lanes(stream, marks)
        for lane in self.lanes:
            lane.set_draft(None)
            mine = (None,) if lane.kind.annotator is None else (lane.kind.annotator,)
            lane.set_marks(
                [
                    mark
                    for mark in marks
                    if mark.tier == lane.kind.tier and self._owner(mark) in mine
                ]
            )

    def set_traces(self, traces: Sequence[Trace]) -> None:
        """Show what people rated, one's own first."""
        mine = [trace for trace in traces if trace.annotator == self._me]
        others = [trace for trace in traces if trace.annotator != self._me]
        self.ratings.traces = (*mine, *(others if self._others else ()))
        for panel in self.panels:
            if isinstance(panel, RatingPanel):
                panel.redraw()

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
        workers: list[SpectrogramTiles | VoiceCurves] = [*self.tiles, *self.voices]
        for worker in workers:
            if not worker.close(0.0):
                self._ending.append(worker)
            worker.deleteLater()
        self.tiles, self.voices = [], []

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
            return 0, self.height()
        return min(p.y() for p in mine), max(p.y() + p.height() for p in mine)

    def borders(self, near_sample: int, reach: int) -> list[int]:
        """Where segments and marks begin and end, near a sample."""
        first = bisect_left(self._borders, near_sample - reach)
        last = bisect_right(self._borders, near_sample + reach)
        return self._borders[first:last]

    def _resized(self) -> None:
        # Keep the surface over everything.
        self.surface.setGeometry(self.rect())

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
        self._labels = {"": info.labels}
        lane = self._lane(name, LaneKind())
        self.lanes.append(lane)
        self._add(lane, name, 0, _LANE_GAP)
        if stream.audio is not None:
            tiles = SpectrogramTiles(stream.audio, session.spectrogram, info.duration_s, self)
            self.tiles.append(tiles)
            (spectrogram,) = self._add_kinds(
                (SpectrogramPanel,), _Sound(name, tiles, session.spectrogram), "", 3
            )
            tiles.arrived.connect(spectrogram.redraw)
        last = 10 if self._several else 0
        if stream.levels is not None:
            loudness = _Loudness(name, stream.levels, info.duration_s)
            self._add_kinds((LevelPanel,), loudness, "", last)
        if stream.audio is not None:
            curves = VoiceCurves(name, stream.audio, info.duration_s, self)
            self.voices.append(curves)
            for panel in self._add_kinds(VOICE_PANELS, curves, "", last):
                assert isinstance(panel, VoicePanel)
                panel.caption = _caption(panel.heading, shown)
                curves.arrived.connect(panel.refresh_curves)

    def _owner(self, mark: Annotation) -> str | None:
        return None if mark.annotator in ("", self._me) else mark.annotator

    def _arrange_lanes(self, stream: str, marks: Sequence[Annotation]) -> None:
        here = [mark for mark in marks if mark.stream in (None, stream)]
        given = {LaneKind(mark.tier, self._owner(mark)) for mark in here}
        own = [LaneKind(tier) for tier in self._labels]
        own += sorted(
            (kind for kind in given if kind.annotator is None and kind not in own),
            key=lambda kind: kind.tier,
        )
        others = sorted(
            (kind for kind in given if kind.annotator is not None and self._others),
            key=lambda kind: (kind.annotator or "", kind.tier),
        )
        before = [lane for lane in self.lanes if lane.stream == stream]
        if [lane.kind for lane in before] == [*own, *others]:
            return
        new = [self._lane(stream, kind) for kind in (*own, *others)]
        self.stack.replace(before, new, _LANE_GAP)
        at = self.lanes.index(before[0])
        self.lanes = [lane for lane in self.lanes if lane not in before]
        self.lanes[at:at] = new
        for lane in before:
            del self._streams[lane]
        for lane in new:
            self._below_surface(lane, stream)
            lane.select(self.surface.selection.mark_id)
        self.surface.raise_()

    def _lane(self, stream: str, kind: LaneKind) -> MarkLane:
        labels = self._labels.get(kind.tier, ())
        return MarkLane(self.axis, self.theme, stream, labels, self.rate, self, kind)

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
