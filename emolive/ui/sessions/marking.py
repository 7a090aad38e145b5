"""Marking by hand: edits run on a worker, one after the other, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from emolive.i18n import tr
from emolive.session.annotating import AnnotationEditor
from emolive.session.audit_log import login_name
from emolive.session.library import Library
from emolive.session.records import Annotation, Note, SessionInfo
from emolive.types import Segment
from emolive.ui.background import Background

Edit = Callable[[AnnotationEditor], object]


@dataclass(frozen=True, slots=True)
class _Answer:
    marks: tuple[Annotation, ...]
    undo: str | None
    redo: str | None
    made: Annotation | None


class Marking(QObject):
    """The marks of one session. `changed` follows each edit, `failed` one that was not stored.

    `annotator` marks in `tier`, and changes nobody else's marks: `refused` says so.
    """

    changed = Signal()
    refused = Signal(str)
    made = Signal(str)  # id of a new mark
    failed = Signal(str)

    def __init__(self, worker: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._editor: AnnotationEditor | None = None
        self.marks: tuple[Annotation, ...] = ()
        self.undo_name: str | None = None
        self.redo_name: str | None = None
        self.annotator = login_name()
        self.tier = ""
        self._make_editor: Callable[[str], AnnotationEditor] | None = None

    def open(self, library: Library, session: SessionInfo, marks: Sequence[Annotation]) -> None:
        """Edit the marks of a session."""
        self._make_editor = lambda annotator: AnnotationEditor(
            library, session.id, session.duration_samples, annotator
        )
        self.marks = tuple(marks)
        self.tier = ""
        self.become(self.annotator)

    def become(self, annotator: str) -> None:
        """Mark in this name from now on; what was done in another name cannot be undone."""
        self.annotator = annotator
        if self._make_editor is not None:
            self._editor = self._make_editor(annotator)
            self.undo_name = self.redo_name = None
            self.changed.emit()

    def owns(self, mark: Annotation) -> bool:
        """Whether a mark is the annotator's own, or nobody's."""
        return mark.annotator in ("", self.annotator)

    def close(self) -> None:
        """Edit nothing any more."""
        self._editor = self._make_editor = None
        self.marks = ()

    def mark(self, mark_id: str | None) -> Annotation | None:
        """The mark of an id."""
        return next((mark for mark in self.marks if mark.id == mark_id), None)

    def add(
        self,
        start_sample: int,
        end_sample: int,
        label: str | None,
        stream: str | None,
        comment: str = "",
        then: Callable[[], object] | None = None,
    ) -> None:
        """Mark a stretch; `then`, once the mark is there and `made` was told."""
        tier = self.tier
        self._edit(
            lambda e: e.add(
                start_sample, end_sample, label, stream=stream, comment=comment, tier=tier
            ),
            then=then,
        )

    def adopt(self, segments: Sequence[Segment]) -> None:
        """Take the model's segments over as marks, to correct them."""
        self._edit(lambda e: e.adopt(segments))

    def move(self, mark_id: str, start_sample: int, end_sample: int) -> None:
        """Give a mark other borders."""
        self._edit(lambda e: e.move(mark_id, start_sample, end_sample), mark_id)

    def reshape(self, mark_id: str, change: Callable[[Annotation], tuple[int, int]]) -> None:
        """Give a mark borders that follow from those that it has by then: keys repeat quickly."""

        def edit(editor: AnnotationEditor) -> object:
            for mark in editor.annotations:
                if mark.id == mark_id:
                    start, end = change(mark)
                    return editor.move(mark_id, start, end) if start < end else None
            raise KeyError(mark_id)

        self._edit(edit, mark_id)

    def relabel(self, mark_id: str, label: str | None) -> None:
        """Give a mark another label."""
        self._edit(lambda e: e.relabel(mark_id, label), mark_id)

    def comment(self, mark_id: str, text: str) -> None:
        """Give a mark another comment."""
        self._edit(lambda e: e.comment(mark_id, text), mark_id)

    def split(self, mark_id: str, at_sample: int) -> None:
        """Cut a mark in two."""
        self._edit(lambda e: e.split(mark_id, at_sample), mark_id)

    def delete(self, *mark_ids: str) -> None:
        """Delete marks."""
        self._edit(lambda e: e.delete(*mark_ids), *mark_ids)

    def undo(self) -> None:
        """Take the last edit back."""
        self._edit(AnnotationEditor.undo)

    def redo(self) -> None:
        """Do again what was taken back."""
        self._edit(AnnotationEditor.redo)

    def _edit(self, edit: Edit, *mark_ids: str, then: Callable[[], object] | None = None) -> None:
        editor = self._editor
        if editor is None:
            return
        marks = [self.mark(mark_id) for mark_id in mark_ids]
        other = next((mark for mark in marks if mark and not self.owns(mark)), None)
        if other is not None:
            self.changed.emit()  # what was dragged springs back
            self.refused.emit(
                tr(
                    'This mark is by {name}: choose that name under "Marks by" to change it.',
                    name=other.annotator,
                )
            )
            return

        def work() -> _Answer:
            try:
                made = edit(editor)
            except (KeyError, ValueError):
                made = None  # it was deleted meanwhile, or lies outside: what is stored shows
            return _Answer(
                tuple(editor.annotations),
                editor.undo_name,
                editor.redo_name,
                made if isinstance(made, Annotation) else None,
            )

        def done(answer: _Answer) -> None:
            if editor is not self._editor:
                return
            known = {mark.id for mark in self.marks}
            self.marks = answer.marks
            self.undo_name, self.redo_name = answer.undo, answer.redo
            self.changed.emit()
            if answer.made is not None and answer.made.id not in known:
                self.made.emit(answer.made.id)
                if then is not None:
                    then()

        def failed(problem: str) -> None:
            if editor is self._editor:
                self.changed.emit()  # what was dragged springs back
                self.failed.emit(problem)

        self._worker.ask(work, done, failed)


EDIT_NAMES = {
    "add": lambda: tr("add"),
    "adopt": lambda: tr("take over"),
    "move": lambda: tr("move"),
    "relabel": lambda: tr("relabel"),
    "comment": lambda: tr("comment"),
    "split": lambda: tr("split"),
    "delete": lambda: tr("delete"),
}


def edit_name(name: str | None) -> str:
    """An edit's name for people, or ""."""
    if name is None:
        return ""
    return EDIT_NAMES[name]() if name in EDIT_NAMES else name


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
