from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.session.agreement import agreements
from emolive.session.coefficients import cohen_kappa
from emolive.session.records import Annotation
from emolive.types import Segment

LABELS = ("happy", "sad", "angry")


def mark(start: int, end: int, label: str | None, stream: str | None = "mono") -> Annotation:
    return Annotation(f"{start}-{end}-{label}", start, end, label, stream=stream)


def said(*edges: tuple[int, int, str]) -> list[Segment]:
    return [Segment("mono", start, end, label, 0.5) for start, end, label in edges]


def test_an_example_from_the_definition() -> None:
    # 20 and 15 agreed of 50; 25 x 30 and 25 x 20 by chance.
    table = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    assert cohen_kappa(table) == pytest.approx(0.4)


def test_without_anything_to_tell_apart_there_is_no_kappa() -> None:
    assert cohen_kappa({}) is None
    assert cohen_kappa({("happy", "happy"): 100}) is None


def test_only_what_both_labelled_is_compared() -> None:
    (found,) = agreements(
        ("mono",),
        said((0, 100, "happy"), (100, 200, "silence"), (200, 300, "uncertain"), (300, 400, "sad")),
        [mark(50, 350, "happy"), mark(360, 380, None)],
    )
    assert found.confusion == {("happy", "happy"): 50, ("happy", "sad"): 50}
    assert found.undecided == 200
    assert found.coverage == pytest.approx(1 / 3)
    assert found.observed == 0.5


def test_who_labels_silence_is_compared_on_it() -> None:
    (found,) = agreements(
        ("mono",),
        said((0, 100, "happy"), (100, 200, "silence")),
        [mark(0, 120, "happy"), mark(120, 200, "silence")],
    )
    assert found.confusion == {
        ("happy", "happy"): 100, ("happy", "silence"): 20, ("silence", "silence"): 80,
    }  # fmt: skip
    assert found.undecided == 0


def test_an_annotator_who_contradicts_herself_is_not_compared_there() -> None:
    (found,) = agreements(
        ("mono",),
        said((0, 100, "happy")),
        [mark(0, 60, "happy"), mark(40, 100, "sad"), mark(0, 30, "happy")],
    )
    assert found.confusion == {("happy", "happy"): 40, ("sad", "happy"): 40}
    assert found.contradictory == 20


def test_annotators_are_apart_and_agents_are_left_out() -> None:
    segments = [Segment("agent", 0, 100, "not_inferred", 0), *said((0, 100, "sad"))]
    anna = Annotation("1", 0, 100, "sad", stream=None, annotator="anna")
    ben = Annotation("2", 0, 50, "happy", stream="mono", annotator="ben")
    found = agreements(("agent", "mono"), segments, [anna, ben])
    assert [one.annotator for one in found] == ["anna", "ben"]
    assert found[0].confusion == {("sad", "sad"): 100}
    assert found[0].undecided == 0
    assert found[1].confusion == {("happy", "sad"): 50}


def test_without_labels_there_is_nothing() -> None:
    assert agreements(("mono",), said((0, 10, "sad")), [mark(0, 10, None)]) == ()


edges = st.lists(st.integers(1, 400), min_size=2, max_size=12, unique=True).map(sorted)


@pytest.mark.training
@given(edges, st.data())
def test_it_is_scikit_learns_kappa_over_all_samples(times: list[int], data: st.DataObject) -> None:
    label = st.sampled_from(LABELS)
    segments = said(*((a, b, data.draw(label)) for a, b in pairwise(times)))
    cuts = data.draw(edges)
    marks = [mark(a, b, data.draw(label)) for a, b in pairwise(cuts) if data.draw(st.booleans())]
    model, person = np.full(500, "", object), np.full(500, "", object)
    for segment in segments:
        model[segment.start_sample : segment.end_sample] = segment.label
    for one in marks:
        person[one.start_sample : one.end_sample] = one.label
    both = (model != "") & (person != "")
    (found,) = agreements(("mono",), segments, marks) or (None,)
    if found is None:
        assert not marks
        return
    assert found.confusion == Counter(zip(person[both], model[both], strict=True))
    kappa = found.kappa
    if len({*person[both], *model[both]}) < 2:
        assert kappa is None
    else:
        metrics = pytest.importorskip("sklearn.metrics", reason="needs the training extra")
        wanted = metrics.cohen_kappa_score(list(person[both]), list(model[both]))
        assert kappa == pytest.approx(wanted)
