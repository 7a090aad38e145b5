from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from emolive.session.export.tiers import Span, TierKind, lanes, tiers
from emolive.session.timeline import Timeline
from tests.session.export.timelines import EMPTY, full, timelines


def test_a_tier_per_stream_and_source() -> None:
    found = tiers(full())
    assert [(tier.name, len(tier.spans)) for tier in found] == [
        ("agent model", 2),
        ("agent gaps", 1),
        ("customer model", 5),
        ("customer human (anna)", 1),
        ("customer human (anna) 2", 1),
        ("customer comments (anna)", 1),
        ("customer human (ben)", 1),
        ("comments", 1),
        ("gaps", 1),
    ]


def test_a_stream_without_segments_keeps_its_tier() -> None:
    (tier,) = tiers(EMPTY)
    assert (tier.name, tier.spans) == ("mono model", ())


@given(timelines())
def test_nothing_is_lost_and_nothing_overlaps(timeline: Timeline) -> None:
    found = tiers(timeline)
    names = [tier.name for tier in found]
    assert len(set(names)) == len(names)
    for tier in found:
        for one, other in pairwise(tier.spans):
            assert one.end_sample <= other.start_sample
    got = Counter(
        (tier.kind, tier.stream, tier.annotator, span.start_sample, span.end_sample, span.text)
        for tier in found
        for span in tier.spans
    )
    wanted = Counter(
        (TierKind.MODEL, s.stream, "", s.start_sample, s.end_sample, s.label)
        for s in timeline.segments
    )
    for one in timeline.annotations:
        where = (one.stream, one.annotator, one.start_sample, one.end_sample)
        if one.label:
            wanted[TierKind.HUMAN, *where, one.label] += 1
        if one.comment:
            wanted[TierKind.COMMENTS, *where, one.comment] += 1
    for gap in timeline.gaps:
        wanted[TierKind.GAPS, gap.stream, "", gap.start_sample, gap.end_sample, gap.kind] += 1
    assert got == wanted


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20))))
def test_as_few_lanes_as_overlap_at_once(stretches: list[tuple[int, int]]) -> None:
    spans = [Span(start, start + length, "") for start, length in stretches]
    depth = max(
        (sum(s.start_sample <= at < s.end_sample for s in spans) for at in range(70)), default=0
    )
    assert len(lanes(spans)) == depth
