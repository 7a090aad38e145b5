from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.session.comparison import Interval, compare
from emolive.types import Segment


def timeline(*parts: tuple[str, int], stream: str = "mono", start: int = 0) -> list[Segment]:
    """Segments one after the other, given as label and length."""
    segments = []
    for label, length in parts:
        segments.append(Segment(stream, start, start + length, label, 0.5))
        start += length
    return segments


def test_where_they_differ() -> None:
    old = timeline(("happy", 100), ("sad", 100), ("silence", 50))
    new = timeline(("happy", 80), ("sad", 120), ("silence", 50))
    comparison = compare(old, new)
    assert comparison.changed == (Interval("mono", 80, 100, "happy", "sad"),)
    assert comparison.compared == 250
    assert comparison.observed == pytest.approx(230 / 250)
    assert comparison.emotion_agreement == pytest.approx(180 / 200)
    assert comparison.old_samples("happy") == 100
    assert comparison.new_samples("happy") == 80
    assert comparison.labels == ("sad", "happy", "silence")


def test_without_common_time_there_is_no_answer() -> None:
    comparison = compare(timeline(("happy", 10)), timeline(("sad", 10), start=10))
    assert comparison.compared == 0
    assert comparison.observed is comparison.kappa is comparison.emotion_agreement is None
    assert compare([], []).changed == ()


def test_one_label_only_says_nothing_beyond_chance() -> None:
    comparison = compare(timeline(("sad", 10)), timeline(("sad", 10)))
    assert (comparison.observed, comparison.kappa) == (1.0, None)


def test_streams_are_compared_each_with_itself() -> None:
    old = timeline(("happy", 10), stream="agent") + timeline(("sad", 10), stream="customer")
    new = timeline(("happy", 10), stream="customer") + timeline(("sad", 10), stream="third")
    comparison = compare(old, new)
    assert comparison.changed == (Interval("customer", 0, 10, "sad", "happy"),)


PARTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=12)


@given(old=PARTS, new=PARTS)
def test_it_is_what_counting_each_sample_gives(
    old: list[tuple[str, int]], new: list[tuple[str, int]]
) -> None:
    spelled = ["".join(label * length for label, length in parts) for parts in (old, new)]
    comparison = compare(timeline(*old), timeline(*new))
    assert dict(comparison.confusion) == dict(Counter(zip(*spelled, strict=False)))
    shared = min(map(len, spelled))
    assert comparison.compared == shared
    for stretch in comparison.stretches:
        assert (
            spelled[0][stretch.start_sample : stretch.end_sample] == stretch.old * stretch.samples
        )
        assert (
            spelled[1][stretch.start_sample : stretch.end_sample] == stretch.new * stretch.samples
        )
    # Neighbours differ.
    pairs = [(s.old, s.new) for s in comparison.stretches]
    assert all(one != other for one, other in pairwise(pairs))
