"""Marking by hand, with undo and redo."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from emolive.session.library import Library
from emolive.session.records import Annotation
from emolive.types import Segment

MAX_UNDO = 500


@dataclass(frozen=True, slots=True)
class _Change:
    """One annotation before and after; None: not there."""

    before: Annotation | None
    after: Annotation | None

    def reversed(self) -> _Change:
        return _Change(self.after, self.before)


@dataclass(frozen=True, slots=True)
class _Command:
    """What one undo takes back, and its name for people."""

    name: str
    changes: tuple[_Change, ...]


class AnnotationEditor:
    """Edits the annotations of one session; every edit is stored at once.

    `undo` and `redo` walk through this editor's own edits; the last `MAX_UNDO` are kept, older ones
    can no longer be undone. One thread owns it. Every edit raises `SessionError` when it cannot be
    stored; nothing has changed then.
    """

    def __init__(
        self, store: Library, session_id: str, duration_samples: int, annotator: str = ""
    ) -> None:
        """Edit a session of this length; marks stay inside it."""
        self._store = store
        self._session_id = session_id
        self._end = duration_samples
        self._annotator = annotator
        self._done: deque[_Command] = deque(maxlen=MAX_UNDO)
        self._undone: list[_Command] = []

    @property
    def annotations(self) -> list[Annotation]:
        """What is stored now, in the order of time."""
        return self._store.annotations(self._session_id)

    @property
    def undo_name(self) -> str | None:
        """What `undo` would take back, or None."""
        return self._done[-1].name if self._done else None

    @property
    def redo_name(self) -> str | None:
        """What `redo` would do again, or None."""
        return self._undone[-1].name if self._undone else None

    def add(
        self,
        start_sample: int,
        end_sample: int,
        label: str | None = None,
        *,
        comment: str = "",
        stream: str | None = None,
        tier: str = "",
    ) -> Annotation:
        """Mark a stretch (cut to the session) with a label, a comment, or both.

        Raises:
            ValueError: nothing of it lies in the session.
        """
        start, end = self._inside(start_sample, end_sample)
        new = Annotation(_new_id(), start, end, label, comment, stream, self._annotator, tier)
        self._do("add", [_Change(None, new)])
        return new

    def adopt(self, segments: Iterable[Segment]) -> list[Annotation]:
        """Take over segments of the model as a start, in one edit."""
        new = [
            Annotation(
                _new_id(),
                *self._inside(segment.start_sample, segment.end_sample),
                label=segment.label,
                stream=segment.stream,
                annotator=self._annotator,
            )
            for segment in segments
        ]
        self._do("adopt", [_Change(None, one) for one in new])
        return new

    def move(self, annotation_id: str, start_sample: int, end_sample: int) -> Annotation:
        """Give a mark other borders (cut to the session).

        Raises:
            KeyError: there is no such mark.
            ValueError: nothing of it would lie in the session.
        """
        start, end = self._inside(start_sample, end_sample)
        return self._replace("move", annotation_id, start_sample=start, end_sample=end)

    def relabel(self, annotation_id: str, label: str | None) -> Annotation:
        """Give a mark another label.

        Raises:
            KeyError: there is no such mark.
        """
        return self._replace("relabel", annotation_id, label=label)

    def comment(self, annotation_id: str, text: str) -> Annotation:
        """Give a mark another comment.

        Raises:
            KeyError: there is no such mark.
        """
        return self._replace("comment", annotation_id, comment=text)

    def split(self, annotation_id: str, at_sample: int) -> tuple[Annotation, Annotation]:
        """Cut a mark in two.

        Raises:
            KeyError: there is no such mark.
            ValueError: `at_sample` is not inside it.
        """
        old = self._get(annotation_id)
        first = replace(old, end_sample=at_sample)
        second = replace(old, id=_new_id(), start_sample=at_sample)
        self._do("split", [_Change(old, first), _Change(None, second)])
        return first, second

    def delete(self, *annotation_ids: str) -> None:
        """Delete marks, in one edit.

        Raises:
            KeyError: there is no such mark.
        """
        old = [self._get(annotation_id) for annotation_id in annotation_ids]
        self._do("delete", [_Change(one, None) for one in old])

    def undo(self) -> bool:
        """Take back the last edit; whether there was one."""
        if not self._done:
            return False
        command = self._done[-1]
        self._store_changes([change.reversed() for change in reversed(command.changes)])
        self._undone.append(self._done.pop())
        return True

    def redo(self) -> bool:
        """Do again what was taken back last; whether there was something."""
        if not self._undone:
            return False
        self._store_changes(self._undone[-1].changes)
        self._done.append(self._undone.pop())
        return True

    def _replace(self, name: str, annotation_id: str, **fields: Any) -> Annotation:
        old = self._get(annotation_id)
        new = replace(old, **fields)
        if new != old:
            self._do(name, [_Change(old, new)])
        return new

    def _do(self, name: str, changes: list[_Change]) -> None:
        if not changes:
            return
        self._store_changes(changes)
        self._done.append(_Command(name, tuple(changes)))
        self._undone.clear()

    def _store_changes(self, changes: Iterable[_Change]) -> None:
        changes = list(changes)
        self._store.change_annotations(
            self._session_id,
            put=[change.after for change in changes if change.after],
            remove=[change.before.id for change in changes if change.before and not change.after],
        )

    def _get(self, annotation_id: str) -> Annotation:
        for annotation in self.annotations:
            if annotation.id == annotation_id:
                return annotation
        raise KeyError(annotation_id)

    def _inside(self, start_sample: int, end_sample: int) -> tuple[int, int]:
        start, end = sorted((start_sample, end_sample))
        start, end = max(0, start), min(self._end, end)
        if start >= end:
            raise ValueError(f"{start_sample} to {end_sample} is not inside the session")
        return start, end


def _new_id() -> str:
    return secrets.token_hex(8)
