from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emolive.errors import SessionError
from emolive.session import annotating
from emolive.session.annotating import AnnotationEditor
from emolive.session.library import Library
from emolive.session.records import Annotation
from tests.session.filled import RATE, fill, segment

END = 30 * RATE


@pytest.fixture
def editor(library: Library) -> AnnotationEditor:
    info = fill(
        library, segments=[segment("customer", 0, 4, "sad"), segment("customer", 4, 9, "happy")]
    )
    return AnnotationEditor(library, info.id, info.duration_samples, "me")


def test_each_edit_is_stored_at_once_and_apart_from_the_model(
    editor: AnnotationEditor, library: Library
) -> None:
    session = library.get("last").id
    before = library.segments(session)
    one = editor.add(10, 500, "angry", comment="shouts", stream="customer")
    two = editor.add(400, 100)
    assert (two.start_sample, two.end_sample, two.label) == (100, 400, None)
    assert library.annotations(session) == [one, two] == editor.annotations
    assert one.annotator == "me"
    moved = editor.move(one.id, 20, 10 * END)
    assert (moved.start_sample, moved.end_sample) == (20, END)
    relabelled = editor.relabel(one.id, "sad")
    commented = editor.comment(one.id, "cries")
    assert (relabelled.label, commented.comment) == ("sad", "cries")
    first, second = editor.split(one.id, 1000)
    assert (first.id, first.end_sample, second.start_sample) == (one.id, 1000, 1000)
    assert (second.label, second.comment) == ("sad", "cries")
    editor.delete(first.id, two.id)
    assert library.annotations(session) == [second]
    assert library.segments(session) == before


def test_undo_and_redo_walk_back_and_forth(editor: AnnotationEditor) -> None:
    assert not editor.undo()
    assert not editor.redo()
    assert (editor.undo_name, editor.redo_name) == (None, None)
    states = [editor.annotations]
    one = editor.add(0, 100, "sad")
    states.append(editor.annotations)
    editor.move(one.id, 50, 80)
    states.append(editor.annotations)
    editor.split(one.id, 60)
    states.append(editor.annotations)
    editor.delete(*(mark.id for mark in editor.annotations))
    states.append(editor.annotations)
    names = ["delete", "split", "move", "add"]
    for name, state in zip(names, states[-2::-1], strict=True):
        assert editor.undo_name == name
        assert editor.undo()
        assert editor.annotations == state
    for state in states[1:]:
        assert editor.redo()
        assert editor.annotations == state
    editor.undo()
    assert editor.redo_name == "delete"
    editor.add(5, 6)
    assert editor.redo_name is None


def test_the_models_segments_can_be_taken_over_in_one_edit(
    editor: AnnotationEditor, library: Library
) -> None:
    session = library.get("last").id
    taken = editor.adopt(library.segments(session))
    assert [(m.label, m.stream, m.end_sample) for m in taken] == [
        ("sad", "customer", 4 * RATE),
        ("happy", "customer", 9 * RATE),
    ]
    assert editor.undo()
    assert editor.annotations == []
    assert editor.adopt([]) == []
    assert editor.undo_name is None


def test_what_cannot_be_is_refused_and_changes_nothing(editor: AnnotationEditor) -> None:
    one = editor.add(10, 20)
    before = editor.annotations
    for start, end in ((5, 5), (-20, -10), (END, END + 5)):
        with pytest.raises(ValueError, match="not inside"):
            editor.add(start, end)
        with pytest.raises(ValueError, match="not inside"):
            editor.move(one.id, start, end)
    for at in (10, 20, 5):
        with pytest.raises(ValueError, match="no stretch"):
            editor.split(one.id, at)
    for edit in (editor.delete, lambda name: editor.relabel(name, "sad")):
        with pytest.raises(KeyError):
            edit("nobody")
    assert editor.annotations == before
    assert editor.relabel(one.id, one.label) == one
    assert editor.undo_name == "add"  # no change, nothing to undo


def test_an_edit_that_cannot_be_stored_is_no_edit(
    editor: AnnotationEditor, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = editor.add(10, 20, "sad")

    def full(*_: object, **__: object) -> None:
        raise SessionError("The disk is full.")

    monkeypatch.setattr(library, "change_annotations", full)
    for edit in (
        lambda: editor.add(1, 2),
        lambda: editor.relabel(one.id, "happy"),
        editor.undo,
    ):
        with pytest.raises(SessionError):
            edit()
    monkeypatch.undo()
    assert editor.undo_name == "add"
    assert editor.annotations == [one]
    assert editor.undo()


def test_only_so_many_edits_can_be_undone(
    editor: AnnotationEditor,
) -> None:
    assert editor._done.maxlen == annotating.MAX_UNDO
    editor._done = type(editor._done)(maxlen=3)
    for start in range(5):
        editor.add(start, 100)
    assert sum(editor.undo() for _ in range(5)) == 3
    assert len(editor.annotations) == 2


class Shelf:
    """The interface of a library's annotations, in memory."""

    def __init__(self) -> None:
        self.held: dict[str, Annotation] = {}

    def annotations(self, _: str) -> list[Annotation]:
        return sorted(self.held.values(), key=lambda a: (a.start_sample, a.end_sample, a.id))

    def change_annotations(
        self, _: str, *, put: Iterable[Annotation] = (), remove: Iterable[str] = ()
    ) -> None:
        for name in remove:
            del self.held[name]
        self.held |= {annotation.id: annotation for annotation in put}


class Editing(RuleBasedStateMachine):
    """Any edits in any order: undo and redo always lead to the states that were."""

    def __init__(self) -> None:
        super().__init__()
        self.editor = AnnotationEditor(Shelf(), "one", 100)
        self.past: list[list[Annotation]] = []
        self.future: list[list[Annotation]] = []

    def changed(self, before: list[Annotation]) -> None:
        if self.editor.annotations != before:
            self.past.append(before)
            self.future.clear()

    @rule(start=st.integers(0, 98), length=st.integers(1, 50), label=st.sampled_from(["a", "b"]))
    def add(self, start: int, length: int, label: str) -> None:
        before = self.editor.annotations
        self.editor.add(start, start + length, label)
        self.changed(before)

    @precondition(lambda self: self.editor.annotations)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        before = self.editor.annotations
        one = data.draw(st.sampled_from(before))
        kind = data.draw(st.sampled_from(["move", "relabel", "split", "delete"]))
        if kind == "move":
            start = data.draw(st.integers(0, 98))
            self.editor.move(one.id, start, start + 1)
        elif kind == "relabel":
            self.editor.relabel(one.id, data.draw(st.sampled_from(["a", "b", None])))
        elif kind == "split" and one.end_sample - one.start_sample > 1:
            self.editor.split(one.id, one.start_sample + 1)
        elif kind == "delete":
            self.editor.delete(one.id)
        self.changed(before)

    @rule()
    def undo(self) -> None:
        before = self.editor.annotations
        assert self.editor.undo() == bool(self.past)
        if self.past:
            self.future.append(before)
            assert self.editor.annotations == self.past.pop()

    @rule()
    def redo(self) -> None:
        before = self.editor.annotations
        assert self.editor.redo() == bool(self.future)
        if self.future:
            self.past.append(before)
            assert self.editor.annotations == self.future.pop()

    @invariant()
    def names_tell(self) -> None:
        assert (self.editor.undo_name is None) == (not self.past)
        assert (self.editor.redo_name is None) == (not self.future)


TestEditing = Editing.TestCase
TestEditing.settings = settings(stateful_step_count=30)
