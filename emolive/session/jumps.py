"""Where to jump to in a recording."""

from __future__ import annotations

from collections.abc import Iterable

from emolive.types import Segment


def next_segment(
    segments: Iterable[Segment],
    label: str,
    sample: int,
    *,
    stream: str | None = None,
    backwards: bool = False,
) -> Segment | None:
    """The next segment with this label that begins after `sample`; None: there is none.

    Args:
        segments: in any order.
        label: an emotion, silence or uncertain.
        sample: where one is now.
        stream: only this one's segments.
        backwards: the last one that is over by `sample` instead, so that jumping back from inside a
            segment or from its start leads to the one before.
    """
    found = [
        segment
        for segment in segments
        if segment.label == label and stream in (None, segment.stream)
    ]
    if backwards:
        over = [segment for segment in found if segment.end_sample <= sample]
        return max(over, key=lambda segment: segment.start_sample, default=None)
    coming = [segment for segment in found if segment.start_sample > sample]
    return min(coming, key=lambda segment: segment.start_sample, default=None)
