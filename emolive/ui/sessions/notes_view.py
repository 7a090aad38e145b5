"""Notes about a session, or about a moment of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPlainTextEdit, QWidget

from emolive.i18n import moment_text, tr
from emolive.session.records import Note
from emolive.times import clock_text
from emolive.ui.controls import (
    IconButton,
    ScrollColumn,
    card,
    empty_out,
    label,
    push_button,
)
from emolive.ui.layouts import STRETCH, fill, hbox, vbox
from emolive.ui.theme import Theme, Themed


class NotesView(Themed, QWidget):
    """A list of notes above a field for a new one."""

    added = Signal(str, bool)  # text, about the moment that is shown
    deleted = Signal(int)
    sought = Signal(float)

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, scrolls: bool = True
    ) -> None:
        """`scrolls`: where the list is longer than its place; otherwise it takes what it needs."""
        super().__init__(theme, parent)
        self._rate = 1
        self._notes: tuple[Note, ...] = ()
        self.field = QPlainTextEdit(self)
        self.field.setPlaceholderText(tr("Write a note"))
        self.field.setAccessibleName(tr("New note"))
        self.field.setTabChangesFocus(True)
        self.field.setFixedHeight(72)
        self.field.textChanged.connect(self._on_text)
        self.here = QCheckBox(self)
        self.here.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.add_button = push_button(tr("Add note"), self, self._on_add)
        self.show_position(0.0)
        content = QWidget(self)
        self._list = vbox(within=content, margins=(0, 0, 6, 0), gap=8)
        shown = (ScrollColumn(content, self), 1) if scrolls else content
        add = hbox(self.here, STRETCH, self.add_button)
        vbox(shown, self.field, add, within=self, margins=(0, 4, 8, 8), gap=8)
        self._on_text()

    def _recolour(self) -> None:
        self.show_notes(self._notes, self._rate)

    @property
    def shown(self) -> tuple[str, ...]:
        """The texts of the notes that are shown."""
        return tuple(note.text for note in self._notes)

    def show_position(self, at_s: float) -> None:
        """The moment that a new note may be about."""
        self.here.setText(tr("at {time}", time=clock_text(at_s)))

    def show_notes(self, notes: Sequence[Note], rate: int) -> None:
        """Show these notes."""
        self._notes, self._rate = tuple(notes), rate
        empty_out(self._list)
        if not notes:
            self._list.addWidget(label(tr("No notes yet."), self, "muted"))
        fill(self._list, *(self._note(note, self) for note in notes), STRETCH)

    def _note(self, note: Note, parent: QWidget) -> QWidget:
        frame = card(parent)
        when = "" if note.created_at is None else moment_text(note.created_at.astimezone())
        head = QHBoxLayout()
        if note.at_sample is not None:
            at_s = note.at_sample / self._rate
            moment = push_button(clock_text(at_s), frame, lambda: self.sought.emit(at_s),
                                 kind="chip", tip=tr("Go there"))  # fmt: skip
            fill(head, moment, 8)
        fill(head, label(when, frame, "caption"), STRETCH)
        delete = IconButton("trash", tr("Delete this note"), self.theme, frame, colour="muted")
        delete.clicked.connect(lambda: self.deleted.emit(note.id))
        head.addWidget(delete)
        text = label(note.text, frame, wrap=True, plain=True)
        vbox(head, text, within=frame, margins=(10, 4, 4, 10), gap=2)
        return frame

    def _on_text(self) -> None:
        self.add_button.setEnabled(bool(self.field.toPlainText().strip()))

    def _on_add(self) -> None:
        text = self.field.toPlainText().strip()
        if text:
            self.added.emit(text, self.here.isChecked())
            self.field.clear()
