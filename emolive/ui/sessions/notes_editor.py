"""Notes and title of a session: changes run on a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from emolive.session.library import Library
from emolive.session.records import Note
from emolive.ui.background import Background


class NotesEditor(QObject):
    """`changed` follows each change that is stored, `failed` one that is not."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self, worker: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._library: Library | None = None
        self._session = ""
        self.notes: tuple[Note, ...] = ()

    def open(self, library: Library, session_id: str, notes: Sequence[Note]) -> None:
        """Change this session from now on."""
        self._library, self._session, self.notes = library, session_id, tuple(notes)

    def close(self) -> None:
        """Change nothing any more."""
        self._library, self._session, self.notes = None, "", ()

    def add(self, text: str, at_sample: int | None) -> None:
        """Add a note, about a moment or about all of the session."""
        self._change(lambda library, session: library.add_note(session, text, at_sample))

    def delete(self, note_id: int) -> None:
        """Delete a note."""
        self._change(lambda library, session: library.delete_note(session, note_id))

    def rename(self, title: str) -> None:
        """Give the session another title."""
        self._change(lambda library, session: library.rename(session, title))

    def _change(self, do: Callable[[Library, str], object]) -> None:
        library, session = self._library, self._session
        if library is None:
            return

        def work() -> tuple[Note, ...]:
            do(library, session)
            return tuple(library.notes(session))

        def done(notes: tuple[Note, ...]) -> None:
            if session == self._session:
                self.notes = notes
            self.changed.emit()

        self._worker.ask(work, done, self.failed.emit)
