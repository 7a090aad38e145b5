"""One session: seen on one time axis, heard, marked, compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from emolive.baseline import ExpectedMix
from emolive.i18n import tr
from emolive.inference.decision import DecisionConfig
from emolive.session.agreement_words import agreement_text
from emolive.session.comparison import OtherTimeline
from emolive.session.library import Library
from emolive.session.library_settings import TierSettings
from emolive.session.player import session_player
from emolive.session.session_history import SessionHistory, load
from emolive.session.why import session_explainer
from emolive.ui.background import Background
from emolive.ui.controls import card, label
from emolive.ui.layouts import hbox, vbox
from emolive.ui.sessions import side_panel
from emolive.ui.sessions.board import Board
from emolive.ui.sessions.comparison import ComparisonBar
from emolive.ui.sessions.heard_now import HeardNow
from emolive.ui.sessions.label_keys import LabelKeys
from emolive.ui.sessions.marking import Marking, NotesEditor, edit_name
from emolive.ui.sessions.overview import Overview
from emolive.ui.sessions.playing import MakePlayer, Playing
from emolive.ui.sessions.rating import Rating
from emolive.ui.sessions.replay_actions import ReplayActions
from emolive.ui.sessions.replay_header import ReplayHeader
from emolive.ui.sessions.replay_keys import combination, key_map, shortcuts
from emolive.ui.sessions.selection import Selection
from emolive.ui.sessions.side_panel import SidePanel
from emolive.ui.sessions.transport import Transport
from emolive.ui.shortcuts import FieldKeys, bind_key, in_text_field
from emolive.ui.theme import SPACE, Theme, Themed
from emolive.ui.timeline.panel import MARGIN_LEFT, MARGIN_RIGHT, TimePanel
from emolive.ui.timeline.stream_panel import LanesArea
from emolive.ui.why.controller import HeardWhy
from emolive.ui.why.drawer import WhyDrawer

_ROOM_FOR_SIDE = 1100


class ReplayPage(Themed, QWidget):
    """Shows one session at a time."""

    left = Signal()
    said = Signal(str)
    failed = Signal(str)
    changed = Signal()  # title, notes: what a list shows
    export_wanted = Signal(object)  # SessionInfo
    compare_wanted = Signal(object)  # SessionHistory
    annotator_named = Signal(str)
    tiers_wanted = Signal()

    def __init__(
        self,
        theme: Theme,
        reader: Background,
        editor: Background,
        parent: QWidget | None = None,
        *,
        make_player: MakePlayer = session_player,
        decision: Callable[[], DecisionConfig] = DecisionConfig,
    ) -> None:
        super().__init__(theme, parent)
        self._decision = decision
        self.session: SessionHistory | None = None
        self._library: Library | None = None
        self._reader = reader
        self._side_chosen: bool | None = None
        self.selection = Selection(self)
        self.playing = Playing(make_player, self)
        self.marking = Marking(editor, self)
        self.notes_editor = NotesEditor(editor, self)
        self.board = Board(theme, self.selection, self)
        self.overview = Overview(self.board.axis, theme, self)
        self.header = ReplayHeader(theme, self)
        self.labels = LabelKeys(theme, self)
        self.now = HeardNow(theme, self)
        self.comparison = ComparisonBar(self)
        self.transport = Transport(theme, self)
        self.side = SidePanel(theme, self)
        self.rating = Rating(editor, self.playing, self.side.rating, self)
        self.drawer = WhyDrawer(theme, self)
        self.why = HeardWhy(self.drawer, self.board.axis, self)
        self.actions_ = ReplayActions(self.board, self.playing, self.selection, self.marking, self)
        self.lanes_area = LanesArea(self.board, self)
        self._keys = key_map(
            self.actions_,
            self.transport,
            self._length_s,
            self._on_escape,
            self.lanes_area.scroll_by,
            self._why_here,
        )
        self._lay_out()
        self._connect()
        self._bind_keys()

    # Opening and closing.

    def open(self, library: Library, session_id: str, at_sample: int | None = None) -> None:
        """Show a session, at a sample of it."""
        self.close_session()
        self._library = library
        self.waiting.setText(tr("Opening the session…"))
        self._pages.setCurrentIndex(0)
        self._reader.ask(
            lambda: load(library, session_id),
            lambda session: self._show(session, at_sample),
            self._on_load_failed,
            key="open",
        )

    def close_session(self) -> None:
        """Forget the session; nothing of it runs any more."""
        self._reader.forget("open")
        self.actions_.session = None
        self.rating.close()
        self.why.close()
        self.playing.close_session()
        self.marking.close()
        self.notes_editor.close()
        self.board.clear()
        self.selection.clear()
        self.session = None

    def show_other(self, other: OtherTimeline | None) -> None:
        """Show another model's answers beside those that are stored; None: no more."""
        if self.session is not None:
            self.comparison.show_other(self.session.info.model, other)
            self.board.show_session(self.session, other)
            self._on_marks()
            self.board.show_happenings(self.session, self.notes_editor.notes)

    def shutdown(self, timeout: float) -> bool:
        """End all threads; whether they ended within `timeout` seconds."""
        tiles = self.board.close_tiles(timeout)
        return self.playing.shutdown(timeout) and self.why.shutdown(timeout) and tiles

    def _show(self, session: SessionHistory, at_sample: int | None, select: bool = True) -> None:
        library, info = self._library, session.info
        if library is None:
            return
        self.session = session
        self.header.show_session(info, session.baseline)
        self.comparison.show_other("", None)
        self.board.axis.show_session(info.duration_s)
        self.actions_.labels = ()
        self.board.set_people(self.marking.annotator, self.side.marks.bar.others.isChecked())
        self.board.show_session(session)
        self.overview.show_session(session)
        self.now.show_session(session)
        self.transport.show_session(
            info.duration_s, info.labels, [one.name for one in session.streams],
            audio=any(one.audio for one in session.streams),
        )  # fmt: skip
        self.side.summary.show_session(session)
        self.actions_.open(session)
        ordered = sorted(session.streams, key=lambda one: not one.info.emotion)
        explainer = session_explainer(library, info)
        self.why.open(info, lambda: ordered, explainer, several=len(ordered) > 1)
        self.playing.open(library, info)
        bar = self.side.marks.bar
        bar.set_people(session.annotators, self.marking.annotator)
        self.marking.open(library, info, session.annotations)
        self.rating.open(library, info, session.traces, self.marking.annotator)
        self.set_tiers(session.tiers)
        self.notes_editor.open(library, info.id, session.notes)
        self._on_notes()
        self._pages.setCurrentIndex(1)
        self.board.surface.setFocus()
        if at_sample is not None:
            self.actions_.seek(at_sample / info.rate)
            if select:
                self.actions_.select_segment_at(at_sample, None)

    def _on_load_failed(self, problem: str) -> None:
        self.waiting.setText(problem)
        self.failed.emit(problem)

    # How it is put together.

    def _lay_out(self) -> None:
        self.waiting = label("", self, "muted", wrap=True)
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        legend = hbox(self.labels, (self.now, 1), margins=(MARGIN_LEFT - 4, 0, MARGIN_RIGHT, 0))
        timelines = (legend, self.overview, (self.lanes_area, 1), self.board.ruler)
        frame = card(self, *timelines, margins=(1, 8, 1, 6), gap=6)
        content = QWidget(self)
        vbox(
            self.header,
            self.comparison,
            (hbox((frame, 1), self.side, self.drawer, gap=SPACE), 1),
            # Below both: beside the side panel it would not fit into the smallest window.
            card(self, self.transport, margins=(1, 0, 1, 0)),
            within=content,
            gap=8,
        )
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self.waiting)
        self._pages.addWidget(content)
        self._show_side()

    def _connect(self) -> None:
        board, playing, transport = self.board, self.playing, self.transport
        actions, header, marking = self.actions_, self.header, self.marking
        header.back_button.clicked.connect(self.left)
        header.renamed.connect(self._rename)
        header.export.connect(self._export)
        header.compare.connect(self._compare)
        header.side.connect(self._on_side)
        header.why.connect(self._why_here)
        self.why.shown.connect(lambda _: self._show_side())
        self.why.sought.connect(actions.seek)
        header.kind_shown.connect(self._show_kind)
        header.adapting.chosen.connect(self._readapt)
        self.comparison.ended.connect(lambda: self.show_other(None))
        surface = board.surface
        surface.sought.connect(actions.seek)
        surface.segment_wanted.connect(actions.select_segment_at)
        surface.mark_dragged.connect(
            lambda mark: marking.move(mark.id, mark.start_sample, mark.end_sample)
        )
        surface.menu_wanted.connect(self._menu)
        self.overview.sought.connect(actions.seek)
        self.labels.chosen.connect(actions.label)
        self.selection.changed.connect(self._on_selection)
        playing.moved.connect(self._on_moved)
        playing.changed.connect(transport.show_playing)
        playing.problem.connect(self.failed)
        transport.play.connect(playing.toggle)
        transport.jump.connect(lambda back: actions.jump(transport.target_label, backwards=back))
        transport.loop.connect(actions.set_loop)
        transport.speed.connect(playing.set_speed)
        transport.hear.connect(playing.hear)
        transport.zoom.connect(actions.zoom)
        transport.undo.connect(marking.undo)
        transport.redo.connect(marking.redo)
        actions.said.connect(self.said)
        actions.comment_wanted.connect(self._on_comment)
        actions.loop_changed.connect(transport.loop_button.setChecked)
        marking.changed.connect(self._on_marks)
        marking.failed.connect(self.failed)
        marking.refused.connect(self.said)
        marks = self.side.marks
        marks.picked.connect(actions.pick_mark)
        marks.commented.connect(marking.comment)
        marks.deleted.connect(marking.delete)
        marks.adopt.connect(actions.adopt)
        bar = marks.bar
        bar.named.connect(marking.become)
        bar.named.connect(self.rating.become)
        bar.named.connect(self.annotator_named)
        self.rating.changed.connect(self._on_marks)
        self.rating.failed.connect(self.failed)
        self.side.rating.switched.connect(header.show_ratings)
        bar.tier_chosen.connect(self._choose_tier)
        bar.others_shown.connect(lambda _: self._on_marks())
        bar.tiers_wanted.connect(self.tiers_wanted)
        surface.lane_pressed.connect(self._choose_tier)
        self.side.summary.sought.connect(actions.seek)
        self.side.notes.sought.connect(actions.seek)
        self.side.notes.added.connect(self._add_note)
        self.side.notes.deleted.connect(self.notes_editor.delete)
        self.notes_editor.changed.connect(self._on_notes)
        self.notes_editor.changed.connect(self.changed)
        self.notes_editor.failed.connect(self.failed)

    # What happens.

    def _on_moved(self, at_s: float) -> None:
        axis = self.board.axis
        self.board.surface.show_position(at_s)
        self.overview.show_position(at_s)
        self.now.show_position(at_s)
        self.transport.show_position(at_s)
        self.side.notes.show_position(at_s)
        if self.playing.playing and not axis.start_s <= at_s <= axis.end_s:
            axis.reveal(at_s)

    def set_tiers(self, tiers: Sequence[TierSettings]) -> None:
        """What can be labelled beside the emotions."""
        if self.session is not None:
            self.session = replace(self.session, tiers=tuple(tiers))
            self.side.marks.bar.set_tiers(tiers, self.marking.tier)
            self.board.set_tiers(tiers)
            self._choose_tier(self.marking.tier)
            self._on_marks()

    def _choose_tier(self, name: str) -> None:
        """Label the emotion (""), or what a tier is about; with its labels on the keys."""
        if self.session is None:
            return
        offered = {tier.name: tier.labels for tier in self.session.tiers}
        labels = offered.get(name, self.session.info.labels)
        self.marking.tier = name if name in offered else ""
        self.side.marks.bar.choose_tier(self.marking.tier)
        if labels != self.actions_.labels:
            self.actions_.labels = labels
            self.labels.set_labels(labels)

    def _on_selection(self) -> None:
        mark = self.marking.mark(self.selection.mark_id)
        if mark is not None and mark.tier != self.marking.tier:
            self._choose_tier(mark.tier)
        self.actions_.selection_changed()
        self.side.marks.select(self.selection.mark_id)

    def _on_marks(self) -> None:
        if self.session is None:
            return
        info, marks, me = self.session.info, self.marking.marks, self.marking.annotator
        others = self.side.marks.bar.others.isChecked()
        if not others:
            marks = tuple(mark for mark in marks if self.marking.owns(mark))
        self.board.set_people(me, others)
        self.board.set_marks(marks)
        self.board.set_traces(self.rating.traces)
        self.overview.set_marks(marks)
        self.side.marks.set_marks(marks, info.rate, me)
        self.side.marks.select(self.selection.mark_id)
        self.side.set_counts(len(marks), len(self.notes_editor.notes))
        self.transport.set_edits(
            edit_name(self.marking.undo_name), edit_name(self.marking.redo_name)
        )

        session = self.session
        traces = self.rating.traces if others else ()
        self._reader.ask(
            lambda: agreement_text(session, marks, traces, me),
            self.side.marks.agreement.say,
            self.failed.emit,
            key="agreement",
        )

    def _on_comment(self) -> None:
        self._on_side(True)
        self.side.show_view(side_panel.MARKS)
        self.side.marks.edit_comment()

    def _on_side(self, shown: bool) -> None:
        self._side_chosen = shown
        self.why.close_drawer()
        self._show_side()

    def _show_side(self) -> None:
        chosen = self._side_chosen
        shown = self.width() >= _ROOM_FOR_SIDE if chosen is None else chosen
        shown = shown and self.drawer.isHidden()
        self.side.setVisible(shown)
        self.header.side_button.setChecked(shown)

    _resized = _show_side

    def _length_s(self) -> float:
        return self.session.info.duration_s if self.session else 0.0

    def _why_here(self) -> None:
        """Explain the decision that is heard, of the stream that was selected last."""
        self.why.explain(self.playing.position_s, self.actions_.stream)

    def _show_kind(self, kind: type[TimePanel], shown: bool) -> None:
        self.board.show_kind(kind, shown)
        if shown and (panel := next((p for p in self.board.panels if type(p) is kind), None)):
            # Once the board has become as high as it needs.
            QTimer.singleShot(0, self, lambda: self.lanes_area.ensureWidgetVisible(panel, 0, 8))

    def _menu(self, where: QPoint) -> None:
        if self.session is not None:
            self.actions_.show_menu(self, where)

    def _on_notes(self) -> None:
        if self.session is not None:
            notes = self.notes_editor.notes
            self.side.notes.show_notes(notes, self.session.info.rate)
            self.board.show_happenings(self.session, notes)
            self.side.set_counts(len(self.marking.marks), len(notes))

    def _add_note(self, text: str, here: bool) -> None:
        self.notes_editor.add(text, self.playing.position if here else None)

    def _rename(self, title: str) -> None:
        if self.session is not None:
            self.session = replace(self.session, info=replace(self.session.info, title=title))
            self.notes_editor.rename(title)

    def _export(self) -> None:
        if self.session is not None:
            self.export_wanted.emit(self.session.info)

    def _compare(self) -> None:
        if self.session is not None:
            self.compare_wanted.emit(self.session)

    def _readapt(self, expected: ExpectedMix | None) -> None:
        """Decide the session anew, and show it where it was."""
        session, library, at = self.session, self._library, self.playing.position
        if session is None or library is None:
            return

        def done(found: tuple[str, SessionHistory]) -> None:
            self.said.emit(found[0])
            self.changed.emit()
            if self.session is session:
                self._show(found[1], at, select=False)

        ask = self.header.adapting.ask
        ask(self._reader, library, expected, self._decision(), done, self.failed.emit)

    # Keys.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no control wanted for itself."""
        do = None if in_text_field() else self._keys.get(combination(event))
        if do is not None:
            do()
        else:
            super().keyPressEvent(event)

    def _bind_keys(self) -> None:
        for keys in shortcuts(self._keys):
            bind_key(self, keys, self._keys[keys.toCombined()])
        surface = self.board.surface
        FieldKeys(self.header.title, surface.setFocus)
        FieldKeys(self.side.marks.comment, surface.setFocus)
        FieldKeys(self.side.notes.field, surface.setFocus)

    def _on_escape(self) -> None:
        surface, selection = self.board.surface, self.selection
        if not (surface.cancel() or self.why.close_drawer() or selection.clear()):
            self.left.emit()
