"""A timeline as tiers: rows of labelled stretches that do not overlap.

The model's segments, people's labels, their comments and the gaps are separate tiers; every stream
has its own, and so has every annotator and each tier that people label beside the emotions. Labels
of one annotator that overlap are spread over as many tiers as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from emolive.session.export.values import one_line
from emolive.session.timeline import Timeline


class TierKind(StrEnum):
    """Who says it: the model, or a person (a label or a comment); or that nothing was kept."""

    MODEL = "model"
    HUMAN = "human"
    COMMENTS = "comments"
    GAPS = "gaps"


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled stretch; `confidence` is the model's, None for people's."""

    start_sample: int
    end_sample: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """One row: `spans` are in order and do not overlap; `stream` None: about all streams."""

    name: str
    kind: TierKind
    stream: str | None
    annotator: str
    spans: tuple[Span, ...]
    labelled: str = ""  # what people labelled there, "": the emotion


def tiers(timeline: Timeline) -> tuple[Tier, ...]:
    """The tiers of a timeline, stream by stream; what is about all streams comes last.

    Every stream has a tier of the model, empty or not. Names are unique: "mono model", "mono
    human", "human (anna)", "human (anna) 2", "mono engagement (anna)".
    """
    found: list[Tier] = []
    for stream in timeline.streams:
        spans = [
            Span(one.start_sample, one.end_sample, one.label, one.confidence)
            for one in stream.segments
        ]
        found += _laned(TierKind.MODEL, stream.name, "", spans, always=True)
        found += _marks(timeline, stream.name)
    found += _marks(timeline, None)
    # Marks of streams that the recording does not have (any more) are kept, too.
    known = {stream.name for stream in timeline.streams} | {None}
    marked = [one.stream for one in timeline.annotations] + [gap.stream for gap in timeline.gaps]
    for name in dict.fromkeys(marked):
        if name not in known:
            found += _marks(timeline, name)
    return tuple(_unique(found))


def lanes(spans: Iterable[Span]) -> list[tuple[Span, ...]]:
    """The fewest rows in which no two stretches overlap, in the order of time."""
    rows: list[list[Span]] = []
    for span in sorted(spans, key=lambda one: (one.start_sample, one.end_sample)):
        row = next((row for row in rows if row[-1].end_sample <= span.start_sample), None)
        if row is None:
            rows.append([span])
        else:
            row.append(span)
    return [tuple(row) for row in rows]


def _marks(timeline: Timeline, stream: str | None) -> Iterator[Tier]:
    ours = [one for one in timeline.annotations if one.stream == stream]
    for annotator, about in dict.fromkeys((one.annotator, one.tier) for one in ours):
        by = [one for one in ours if (one.annotator, one.tier) == (annotator, about)]
        labelled = [Span(o.start_sample, o.end_sample, o.label) for o in by if o.label]
        commented = [Span(o.start_sample, o.end_sample, o.comment) for o in by if o.comment]
        yield from _laned(TierKind.HUMAN, stream, annotator, labelled, about)
        yield from _laned(TierKind.COMMENTS, stream, annotator, commented, about)
    gaps = [
        Span(gap.start_sample, gap.end_sample, gap.kind.value)
        for gap in timeline.gaps
        if gap.stream == stream and gap.start_sample < gap.end_sample
    ]
    yield from _laned(TierKind.GAPS, stream, "", gaps)


def _laned(
    kind: TierKind,
    stream: str | None,
    annotator: str,
    spans: list[Span],
    about: str = "",
    *,
    always: bool = False,
) -> Iterator[Tier]:
    what = str(kind)
    if about:
        what = about if kind is TierKind.HUMAN else f"{about} {kind}"
    name = one_line(f"{stream} {what}" if stream is not None else what)
    if annotator:
        name += f" ({one_line(annotator)})"
    rows = lanes(spans)
    if always and not rows:
        rows = [()]
    for number, row in enumerate(rows, 1):
        whole = name if number == 1 else f"{name} {number}"
        yield Tier(whole, kind, stream, annotator, row, about)


def _unique(found: Iterable[Tier]) -> Iterator[Tier]:
    taken: set[str] = set()
    for tier in found:
        name, number = tier.name, 2
        while name in taken:
            name, number = f"{tier.name} {number}", number + 1
        taken.add(name)
        yield replace(tier, name=name)
