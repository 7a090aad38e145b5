"""Praat: a TextGrid in the long text format, UTF-8.

Times have seven decimals, finer than a sample. Written with the standard library: the format is
small, and needs no extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emolive.session.export.atomic import write_text
from emolive.session.export.tiers import Tier, TierKind, tiers
from emolive.session.export.values import decimal_seconds, plain_text
from emolive.session.timeline import Timeline


def write_textgrid(timeline: Timeline, path: Path) -> None:
    """Write one TextGrid with an interval tier per stream and source (see `tiers`).

    Praat's tiers have no holes: what lies between two stretches becomes an interval without text.

    Raises:
        OSError: the file cannot be written.
    """
    # Praat opens no TextGrid without a tier, or without any time.
    rows = tiers(timeline) or (Tier("model", TierKind.MODEL, None, "", ()),)
    end = max(1, timeline.end_sample)
    write_text(path, "\n".join(_lines(rows, end, timeline.rate)) + "\n")


def _lines(rows: tuple[Tier, ...], end: int, rate: int) -> Iterator[str]:
    whole = decimal_seconds(end, rate)
    yield 'File type = "ooTextFile"'
    yield 'Object class = "TextGrid"'
    yield ""
    yield "xmin = 0"
    yield f"xmax = {whole}"
    yield "tiers? <exists>"
    yield f"size = {len(rows)}"
    yield "item []:"
    for number, tier in enumerate(rows, 1):
        intervals = list(_intervals(tier, end))
        yield f"    item [{number}]:"
        yield '        class = "IntervalTier"'
        yield f"        name = {_quoted(tier.name)}"
        yield "        xmin = 0"
        yield f"        xmax = {whole}"
        yield f"        intervals: size = {len(intervals)}"
        for index, (start, stop, text) in enumerate(intervals, 1):
            yield f"        intervals [{index}]:"
            yield f"            xmin = {decimal_seconds(start, rate)}"
            yield f"            xmax = {decimal_seconds(stop, rate)}"
            yield f"            text = {_quoted(text)}"


def _intervals(tier: Tier, end: int) -> Iterator[tuple[int, int, str]]:
    """The tier from 0 to `end` without a hole."""
    position = 0
    for span in tier.spans:
        if span.start_sample > position:
            yield position, span.start_sample, ""
        yield span.start_sample, span.end_sample, span.text
        position = span.end_sample
    if position < end:
        yield position, end, ""


def _quoted(text: str) -> str:
    doubled = plain_text(text).replace('"', '""')
    return f'"{doubled}"'
