"""Beside the list: the chosen session, what a search found in it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from emolive.i18n import moment_text, ntr, tr
from emolive.labels import label_name
from emolive.session.records import Note, SessionState
from emolive.times import clock_text, duration_text, seconds_text
from emolive.types import Segment
from emolive.ui.controls import (
    IconButton,
    ScrollColumn,
    empty_out,
    label,
    push_button,
    text_field,
)
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.sessions.notes_view import NotesView
from emolive.ui.sessions.session_model import SessionRow
from emolive.ui.sessions.summary_view import ShareList
from emolive.ui.sessions.tag_editor import TagEditor
from emolive.ui.theme import Theme, Themed
from emolive.wording import percent, stream_name

WIDTH = 316
_MOST = 50  # segments that are listed; more are counted


class SessionDetails(Themed, QFrame):
    """Shows one session, or says how many are chosen."""

    opened = Signal(int)  # at this sample, -1: at the start
    renamed = Signal(str)
    tag_added = Signal(str)
    tag_removed = Signal(str)
    note_added = Signal(str)
    note_deleted = Signal(int)
    export = Signal()
    delete = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setProperty("card", True)
        self.setFixedWidth(WIDTH)
        self._row: SessionRow | None = None
        self.title = text_field(
            tr("Title of the session"), self, placeholder=tr("Untitled"), tip=tr("Click to rename")
        )
        self.title.setProperty("plain", "small")
        self.title.editingFinished.connect(self._on_title)
        self.facts = label("", self, "muted", wrap=True)
        self.facts.setContentsMargins(9, 0, 0, 0)
        self.tags = TagEditor(self)
        self.tags.added.connect(self.tag_added)
        self.tags.removed.connect(self.tag_removed)
        self.shares_about = label("", self, "caption")
        self.shares_about.setContentsMargins(9, 0, 0, 0)
        self.shares = ShareList(theme, self)
        self.found_heading = label("", self, "heading")
        self.found = QWidget(self)
        self._found_column = vbox(within=self.found, gap=0)
        self.notes = NotesView(theme, self, scrolls=False)
        self.notes.here.hide()
        self.notes.field.setFixedHeight(56)
        self.notes.added.connect(lambda text, _here: self.note_added.emit(text))
        self.notes.deleted.connect(self.note_deleted)
        self.open_button = push_button(tr("Open"), self, lambda: self.opened.emit(-1),
                                       kind="primary", tip=tr("Enter"))  # fmt: skip
        self.export_button = push_button(tr("Export…"), self, self.export.emit)
        self.delete_button = IconButton("trash", tr("Delete…"), theme, self, keys=tr("Delete"),
                                        colour="danger")  # fmt: skip
        self.delete_button.clicked.connect(self.delete)
        self._lay_out()

    def show_rows(self, rows: Sequence[SessionRow], known_tags: Sequence[str]) -> None:
        """Show the chosen sessions."""
        one = rows[0] if len(rows) == 1 else None
        changed = one is None or self._row is None or one.info.id != self._row.info.id
        self._row = one
        self.shares_about.hide()
        for part in (self.title, self.tags, self.shares, self.notes):
            part.setVisible(one is not None)
        self.open_button.setEnabled(one is not None)
        self.export_button.setEnabled(bool(rows))
        recording = any(row.info.state is SessionState.RECORDING for row in rows)
        self.delete_button.setEnabled(bool(rows) and not recording)
        self._show_found(one)
        if one is None:
            seconds = sum(row.info.duration_s for row in rows)
            chosen = ntr("{count} session chosen", "{count} sessions chosen", len(rows))
            self.facts.setText(
                f"{chosen}  ·  {duration_text(seconds)}" if rows else tr("Choose a session.")
            )
            return
        info = one.info
        if changed or not self.title.hasFocus():
            self.title.setText(info.title)
            self.title.setCursorPosition(0)
            self.title.setToolTip(info.title or tr("Click to rename"))
        facts = [
            f"{moment_text(info.started_at.astimezone())}  ·  {duration_text(info.duration_s)}",
        ]
        if len(info.streams) > 1:
            facts.append(", ".join(stream_name(stream.name) for stream in info.streams))
        if not info.has_audio:
            facts.append(tr("Timeline only: no sound was kept."))
        if info.recovered:
            facts.append(tr("Recovered after the program was cut off."))
        self.facts.setText("\n".join(facts))
        self.tags.show_tags(info.tags, known_tags)
        self.shares.show_shares(one.samples, info.labels, info.rate)
        heard = [stream_name(stream.name) for stream in info.streams if stream.emotion]
        several = len(info.streams) > 1
        self.shares_about.setText(
            ntr("Emotions of {names}", "Emotions of {names} together", len(heard),
                names=", ".join(heard))
        )  # fmt: skip
        self.shares_about.setVisible(several and bool(heard))
        if changed:
            self.notes.show_notes((), info.rate)

    def show_notes(self, notes: Sequence[Note]) -> None:
        """Show the notes of the chosen session."""
        if self._row is not None:
            self.notes.show_notes(notes, self._row.info.rate)

    def rename(self) -> None:
        """Let the title be edited."""
        if self._row is not None:
            self.title.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.title.selectAll()

    def _show_found(self, row: SessionRow | None) -> None:
        empty_out(self._found_column)
        segments = row.segments if row is not None else ()
        self.found_heading.setVisible(bool(segments))
        self.found.setVisible(bool(segments))
        if row is None:
            return
        self.found_heading.setText(
            ntr("{count} matching segment", "{count} matching segments", len(segments))
        )
        for segment in segments[:_MOST]:
            self._found_column.addWidget(self._segment(segment, row))
        if len(segments) > _MOST:
            more = tr("and {n} more", n=len(segments) - _MOST)
            self._found_column.addWidget(label(more, self, "muted"))

    def _segment(self, segment: Segment, row: SessionRow) -> QPushButton:
        rate = row.info.rate
        start_s = segment.start_sample / rate
        length = seconds_text((segment.end_sample - segment.start_sample) / rate)
        several = len(row.info.streams) > 1
        where = f"{stream_name(segment.stream)}  " if several and segment.stream else ""
        said = tr("{emotion} at {time}, {length}", emotion=label_name(segment.label),
                  time=clock_text(start_s), length=length)  # fmt: skip
        pressed = partial(self.opened.emit, segment.start_sample)
        button = push_button("", self, pressed, kind="row", name=said)
        hbox(
            label(clock_text(start_s), button, "value"),
            6,
            label(label_name(segment.label), button),
            STRETCH,
            label(f"{where}{length}  ·  {percent(segment.confidence)}", button, "muted"),
            within=button,
            margins=(6, 0, 6, 0),
        )
        return button

    def _lay_out(self) -> None:
        content = QWidget(self)
        vbox(
            self.title,
            self.facts,
            2,
            self.tags,
            4,
            self.found_heading,
            self.found,
            self.shares_about,
            self.shares,
            4,
            self.notes,
            STRETCH,
            within=content,
            margins=(0, 0, 10, 0),
            gap=8,
        )
        buttons = hbox(
            (self.open_button, 1),
            self.export_button,
            self.delete_button,
            margins=(0, 0, 10, 0),
            gap=8,
        )
        vbox((ScrollColumn(content, self), 1), buttons, within=self, margins=(12, 12, 2, 12), gap=8)

    def _on_title(self) -> None:
        text = self.title.text().strip()
        if self._row is not None and text != self._row.info.title:
            self.renamed.emit(text)
