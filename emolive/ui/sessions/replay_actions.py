"""What keys, buttons and menus do in a replayed session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from emolive.i18n import tr
from emolive.labels import label_name
from emolive.session.records import Annotation
from emolive.session.replay import next_segment
from emolive.session.session_history import SessionHistory
from emolive.session.summary import NO_EMOTION
from emolive.types import Segment
from emolive.ui.sessions.board import Board
from emolive.ui.sessions.marking import Marking
from emolive.ui.sessions.playing import Playing
from emolive.ui.sessions.selection import Region, Selection

NUDGE_S = 0.1
_AT_ONCE = 2  # samples of rounding that do not count as a difference


class ReplayActions(QObject):
    """Acts on the parts of the replay page; `said` is one sentence for the person."""

    said = Signal(str)
    comment_wanted = Signal()
    loop_changed = Signal(bool)

    def __init__(
        self,
        board: Board,
        playing: Playing,
        selection: Selection,
        marking: Marking,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.session: SessionHistory | None = None
        self.looping = False
        self.labels: tuple[str, ...] = ()  # that can be given now: of the chosen tier
        self._board = board
        self._axis = board.axis
        self._playing = playing
        self.selection = selection
        self._marking = marking
        self.stream: str | None = None
        marking.made.connect(selection.select_mark)

    def show_menu(self, parent: QWidget, where: QPoint) -> None:
        """A menu: label, comment, repeat, zoom; split and delete where a mark is selected."""
        menu = QMenu(parent)
        mark = self._marking.mark(self.selection.mark_id)
        for i, name in enumerate(self.labels):
            action = menu.addAction(f"{label_name(name)}\t{i + 1}" if i < 9 else label_name(name))
            action.setCheckable(True)
            action.setChecked(mark is not None and mark.label == name)
            action.triggered.connect(lambda _=False, name=name: self.label(name))
        menu.addSeparator()
        menu.addAction(tr("Comment…") + "\tC", self.comment)
        menu.addAction(tr("Repeat") + "\tL", lambda: self.set_loop(True))
        menu.addAction(tr("Zoom in here") + "\tZ", self.zoom_to_selection)
        if mark is not None:
            menu.addSeparator()
            menu.addAction(tr("Split here") + "\tS", self.split)
            menu.addAction(tr("Delete mark") + "\tDel", self.delete)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(where)

    def open(self, session: SessionHistory) -> None:
        """Act on this session from now on."""
        self.session = session
        self.looping = False
        # The one that is marked where nothing is selected: one with emotions, if there is one.
        streams = sorted(session.streams, key=lambda stream: not stream.info.emotion)
        self.stream = streams[0].name if streams else None

    # Moving about.

    def seek(self, at_s: float) -> None:
        """Go to a time and bring it into view."""
        if self.session is not None:
            at_s = min(max(0.0, at_s), self.session.info.duration_s)
            self._playing.seek(at_s)
            self._axis.reveal(at_s)
            self.sync_loop()

    def seek_by(self, seconds: float) -> None:
        """Go forwards, or (below 0) backwards."""
        self.seek(self._playing.position_s + seconds)

    def jump(self, label: str | None, *, backwards: bool) -> None:
        """To the next segment of an emotion (None: of any), which is then selected."""
        if self.session is None:
            return
        segments = [segment for stream in self.session.streams for segment in stream.segments]
        labels = [label] if label else {s.label for s in segments} - NO_EMOTION
        here = self._playing.position
        if backwards and (stretch := self.selection.stretch):
            here = min(here, stretch.start_sample)
        found = [
            segment
            for name in labels
            if (segment := next_segment(segments, name, here, backwards=backwards))
        ]
        if not found:
            name = label_name(label) if label else tr("emotion")
            text = (
                tr("There is no {emotion} segment before this.", emotion=name)
                if backwards
                else tr("There is no {emotion} segment after this.", emotion=name)
            )
            self.said.emit(text)
            return
        pick: Callable[..., Segment] = max if backwards else min
        self.select_segment(pick(found, key=lambda segment: segment.start_sample))

    def select_segment(self, segment: Segment) -> None:
        """Select a segment of the model and go to its start."""
        self.stream = segment.stream
        several = self.session is not None and len(self.session.streams) > 1
        stretch = Region(
            segment.start_sample, segment.end_sample, segment.stream if several else None
        )
        self.select(stretch)

    def select(self, stretch: Region) -> None:
        """Select a stretch, go to its start, show it."""
        if self.session is None:
            return
        rate = self.session.info.rate
        self.selection.select(stretch)
        if not self.looping:
            self._playing.seek(stretch.start_sample / rate)
        self._axis.reveal(stretch.start_sample / rate, stretch.end_sample / rate)

    def select_segment_at(self, sample: int, stream: str | None) -> None:
        """Select the model's segment at a sample."""
        segment = self._segment_at(sample, stream or self.stream)
        if segment is not None:
            self.select_segment(segment)

    def zoom(self, factor: float) -> None:
        """Zoom around the cursor where it is in view; 0 shows everything."""
        axis = self._axis
        if factor == 0.0:
            axis.show_whole()
            return
        x = axis.x(self._playing.position_s)
        axis.zoom(factor, x if 0 <= x <= axis.width else axis.width / 2)

    def zoom_to_selection(self) -> None:
        """Let the selection fill most of the view."""
        if self.session is not None and (part := self._selected_part()) is not None:
            rate = self.session.info.rate
            start_s, end_s = part[0] / rate, part[1] / rate
            edge = 0.15 * (end_s - start_s)
            self._axis.view(start_s - edge, end_s + edge)

    # Selecting by key.

    def extend(self, seconds: float) -> None:
        """Move the cursor and select what it passes over."""
        if self.session is None:
            return
        rate = self.session.info.rate
        here = self._playing.position
        there = min(max(0, here + round(seconds * rate)), self.session.info.duration_samples)
        stretch = self.selection.stretch
        anchor = here
        if stretch is not None:
            ends = (stretch.start_sample, stretch.end_sample)
            at = [i for i, end in enumerate(ends) if abs(end - here) <= _AT_ONCE + rate // 100]
            anchor = ends[1 - at[0]] if at else here
        start, end = sorted((anchor, there))
        if end > start:
            stream = stretch.stream if stretch is not None else None
            self.selection.select(Region(start, end, stream))
        self._playing.seek(there / rate)
        self._axis.reveal(there / rate)

    def set_border(self, *, end: bool) -> None:
        """Let the selection (or the selected mark) begin or end at the cursor."""
        if self.session is None:
            return
        here, length = self._playing.position, self.session.info.duration_samples
        if (mark := self._mark()) is not None:
            self._marking.reshape(
                mark.id, lambda now: (now.start_sample, here) if end else (here, now.end_sample)
            )
            return
        stretch = self.selection.stretch or Region(0, length)
        start, stop = (stretch.start_sample, here) if end else (here, stretch.end_sample)
        if start < stop:
            self.selection.select(replace(stretch, start_sample=start, end_sample=stop))

    def next_mark(self, *, backwards: bool) -> None:
        """Select the next mark and go to its start."""
        marks, current = self._marking.marks, self._mark()
        here = current.start_sample if current else self._playing.position
        index = next((i for i, mark in enumerate(marks) if mark is current), None)
        if index is not None:
            index += -1 if backwards else 1
        elif backwards:
            index = max((i for i, m in enumerate(marks) if m.start_sample < here), default=-1)
        else:
            index = next((i for i, m in enumerate(marks) if m.start_sample >= here), len(marks))
        if 0 <= index < len(marks):
            self.pick_mark(marks[index].id)

    def pick_mark(self, mark_id: str) -> None:
        """Select a mark and show it."""
        mark = self._marking.mark(mark_id)
        if mark is not None and self.session is not None:
            rate = self.session.info.rate
            self.selection.select_mark(mark_id)
            self._playing.seek(mark.start_sample / rate)
            self._axis.reveal(mark.start_sample / rate, mark.end_sample / rate)

    def set_loop(self, on: bool) -> None:
        """Repeat what is selected, or play on."""
        self.looping = on
        if not on:
            self._playing.end_loop()
        elif not self._loop_selection():
            self.looping = False
            self.said.emit(tr("Select a stretch first: drag over the timeline."))
        self.sync_loop()

    def selection_changed(self) -> None:
        """The loop follows the selection."""
        stretch = self.selection.stretch
        if stretch is not None and stretch.stream is not None:
            self.stream = stretch.stream
        if self.looping and self._selected_part() is not None:
            self._loop_selection()
        self.sync_loop()

    def sync_loop(self) -> None:
        """Show what is really repeated."""
        looped = self._playing.looped
        self.looping = looped is not None
        self.loop_changed.emit(self.looping)
        rate = self.session.info.rate if self.session else 1
        self._board.surface.show_loop(looped and (looped[0] / rate, looped[1] / rate))

    # Marking.

    def label(self, label: str | None) -> None:
        """Label the selected mark, or the selected stretch, or the segment at the cursor."""
        if self.session is None:
            return
        if (mark := self._mark()) is not None:
            self._marking.relabel(mark.id, label)
            return
        stretch = self.selection.stretch
        stream = (stretch.stream if stretch else None) or self.stream
        if stretch is not None:
            self._marking.add(stretch.start_sample, stretch.end_sample, label, stream)
            return
        # A segment is what the model says about the emotion.
        segment = None
        if not self._marking.tier:
            segment = self._segment_at(self._playing.position, stream)
        if segment is not None:
            self._marking.add(segment.start_sample, segment.end_sample, label, segment.stream)
        else:
            self.said.emit(tr("Select a stretch first: drag over the timeline."))

    def comment(self) -> None:
        """Write a comment on the selected mark; on a stretch it is marked first."""
        if self._mark() is not None:
            self.comment_wanted.emit()
        elif (stretch := self.selection.stretch) is not None:
            self._marking.add(
                stretch.start_sample,
                stretch.end_sample,
                None,
                stretch.stream or self.stream,
                then=self.comment_wanted.emit,
            )
        else:
            self.said.emit(tr("Select a stretch or a mark first."))

    def nudge(self, steps: int, *, end_only: bool = False) -> None:
        """Move the selected mark, or its end, by tenths of a second."""
        mark = self._mark()
        if mark is None or self.session is None:
            return
        rate, length = self.session.info.rate, self.session.info.duration_samples
        by = round(steps * NUDGE_S * rate)

        def moved(now: Annotation) -> tuple[int, int]:
            if end_only:
                return now.start_sample, max(now.start_sample + rate // 20, now.end_sample + by)
            kept = max(-now.start_sample, min(by, length - now.end_sample))
            return now.start_sample + kept, now.end_sample + kept

        self._marking.reshape(mark.id, moved)

    def split(self) -> None:
        """Cut the selected mark at the cursor."""
        mark, here = self._mark(), self._playing.position
        if mark is not None and mark.start_sample < here < mark.end_sample:
            self._marking.split(mark.id, here)

    def delete(self) -> None:
        """Delete the selected mark."""
        if (mark := self._mark()) is not None:
            self.selection.clear()
            self._marking.delete(mark.id)

    def adopt(self) -> None:
        """Take the model's emotions over as marks."""
        if self.session is not None and not self._marking.tier:
            self._marking.adopt(
                [
                    segment
                    for stream in self.session.streams
                    for segment in stream.segments
                    if segment.label not in NO_EMOTION
                ]
            )

    def _mark(self) -> Annotation | None:
        return self._marking.mark(self.selection.mark_id)

    def _selected_part(self) -> tuple[int, int] | None:
        part = self._mark() or self.selection.stretch
        return None if part is None else (part.start_sample, part.end_sample)

    def _loop_selection(self) -> bool:
        part = self._selected_part()
        return part is not None and self._playing.loop(*part)

    def _segment_at(self, sample: int, stream: str | None) -> Segment | None:
        if self.session is None:
            return None
        for one in self.session.streams:
            if stream in (None, one.name):
                for segment in one.segments:
                    if segment.start_sample <= sample < segment.end_sample:
                        return segment
        return None
