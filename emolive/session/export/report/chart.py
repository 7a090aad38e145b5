"""The report's timeline: tracks of labelled stretches and of probabilities.

Everything is placed in shares of the recording's length, so that the browser can stretch it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from emolive.i18n import mark, tr
from emolive.labels import label_name, swatches
from emolive.session.export.tiers import Tier, TierKind, tiers
from emolive.session.records import GapKind, gap_name
from emolive.session.timeline import Timeline, TimelineStream
from emolive.wording import percent, stream_name

# Labels without a colour have a pattern of their own.
PATTERNS = ("silence", "uncertain", "not_inferred")


def coloured(timeline: Timeline) -> tuple[str, ...]:
    """The labels that have a colour: the model's, then those that only people gave."""
    given = (one.label for one in timeline.annotations if one.label and one.label not in PATTERNS)
    return tuple(dict.fromkeys((*timeline.labels, *given)))


def label_class(label: str, labels: Sequence[str]) -> str:
    """The style class of a label: ``k0``, ``k1``, ... or a pattern's name."""
    if label in labels:
        return f"k{labels.index(label)}"
    return label if label in PATTERNS else ""


def palette_css(labels: Sequence[str]) -> str:
    """Custom properties ``--c0`` (fill) and ``--i0`` (text on it), and a class for each label."""
    chosen = swatches(labels)

    def properties(dark: bool) -> str:
        return "".join(
            f"--c{i}:{swatch.fill(dark=dark)};--i{i}:{swatch.ink(dark=dark)};"
            for i, swatch in enumerate(chosen)
        )

    classes = "".join(f".k{i}{{--fill:var(--c{i});--ink:var(--i{i})}}" for i in range(len(chosen)))
    return (
        f":root{{{properties(False)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{properties(True)}}}}}{classes}"
    )


# As many columns as a screen has points, about; more windows than that are averaged.
_COLUMNS = 1600
_HEIGHT = 100
_TITLES = {
    TierKind.MODEL: mark("model"),
    TierKind.HUMAN: mark("people"),
    TierKind.COMMENTS: mark("comments"),
    TierKind.GAPS: mark("not recorded"),
}


def chart(timeline: Timeline) -> str:
    """All tracks, stream by stream, as HTML: each a name and a strip."""
    end = max(1, timeline.end_sample)
    rows = tiers(timeline)
    parts: list[str] = []
    for stream in timeline.streams:
        parts.append(_heading(timeline, stream))
        for tier in rows:
            if tier.stream == stream.name:
                parts.append(_strip(tier, timeline, end))
                if tier.kind is TierKind.MODEL and stream.windows:
                    parts.append(_probabilities(stream, timeline, end))
    rest = [tier for tier in rows if tier.stream not in {s.name for s in timeline.streams}]
    if rest and len(timeline.streams) > 1:
        parts.append(_name_row(tr("all streams")))
    parts += [_strip(tier, timeline, end) for tier in rest]
    if timeline.alerts:
        parts.append(_alerts(timeline, end))
    return "".join(parts)


def _heading(timeline: Timeline, stream: TimelineStream) -> str:
    if len(timeline.streams) == 1:
        return ""
    return _name_row(stream_name(stream.name))


def _name_row(name: str) -> str:
    return f'<div class="name head">{escape(name)}</div><div class="track head"></div>'


def _strip(tier: Tier, timeline: Timeline, end: int) -> str:
    title = tier.labelled or tr(_TITLES[tier.kind])
    title += f" ({tier.annotator})" if tier.annotator else ""
    spans = "".join(
        _span(tier, start, stop, text, confidence, timeline, end)
        for start, stop, text, confidence in (
            (span.start_sample, span.end_sample, span.text, span.confidence) for span in tier.spans
        )
    )
    return _track(title, f"strip {tier.kind}", spans)


def _span(
    tier: Tier,
    start: int,
    stop: int,
    text: str,
    confidence: float | None,
    timeline: Timeline,
    end: int,
) -> str:
    kind = (
        label_class(text, coloured(timeline))
        if tier.kind in (TierKind.MODEL, TierKind.HUMAN)
        else str(tier.kind)
    )
    shown = _shown(tier.kind, text)
    sure = "" if not confidence else f' data-p="{percent(confidence)}"'
    return (
        f'<div class="span {kind}" style="left:{_place(start, end)};'
        f'width:{_place(stop - start, end)}" data-l="{escape(shown)}" '
        f'data-s="{start / timeline.rate:.3f}" data-e="{stop / timeline.rate:.3f}"{sure}>'
        f"<span>{escape(shown)}</span></div>"
    )


def _shown(kind: TierKind, text: str) -> str:
    """A stretch's text for people."""
    if kind in (TierKind.MODEL, TierKind.HUMAN):
        return label_name(text)
    return gap_name(GapKind(text)) if kind is TierKind.GAPS else text


def _probabilities(stream: TimelineStream, timeline: Timeline, end: int) -> str:
    """The windows' probabilities, stacked, as an image that stretches."""
    count = min(_COLUMNS, 2 * len(stream.windows))
    shares, heard = _columns(stream, len(timeline.labels), count, end)
    tops = np.cumsum(shares, axis=1)
    paths = "".join(
        f'<path class="{label_class(label, timeline.labels)}" d="{path}"/>'
        for index, label in enumerate(timeline.labels)
        if (path := _area(tops[:, index] - shares[:, index], tops[:, index], heard))
    )
    image = (
        f'<svg viewBox="0 0 {count} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{paths}</svg>"
    )
    return _track(tr("probabilities"), "shares", image)


def _columns(
    stream: TimelineStream, classes: int, count: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean probabilities in `count` equal parts of the time, and where there are any.

    A part that no window's centre falls into takes its neighbour's, if that is within a hop.
    """
    centres = np.array([window.centre_sample for window in stream.windows])
    hop = int(np.median(np.diff(centres))) if len(centres) > 1 else end
    sums = np.zeros((count, classes))
    heard = np.zeros(count)
    for window in stream.windows:
        if window.probabilities is not None:
            column = min(count - 1, window.centre_sample * count // end)
            sums[column] += window.probabilities
            heard[column] += 1
    for column in np.flatnonzero(heard == 0).tolist():
        middle = (2 * column + 1) * end / (2 * count)
        near = int(np.abs(centres - middle).argmin())
        probabilities = stream.windows[near].probabilities
        if abs(centres[near] - middle) <= hop / 2 and probabilities is not None:
            sums[column] = probabilities
            heard[column] = 1
    shares = np.divide(sums, heard[:, None], out=np.zeros_like(sums), where=heard[:, None] > 0)
    return shares, heard > 0


def _area(bottoms: np.ndarray, tops: np.ndarray, heard: np.ndarray) -> str:
    """A stacked class as an SVG path of steps: a closed outline per run of columns with speech."""
    outlines = []
    for first, last in _runs(heard):
        if not (tops[first:last] > bottoms[first:last]).any():
            continue
        above = "".join(f"V{_level(tops[i])}H{i + 1}" for i in range(first, last))
        below = "".join(f"V{_level(bottoms[i])}H{i}" for i in range(last - 1, first - 1, -1))
        outlines.append(f"M{first} {_level(bottoms[first])}{above}{below}Z")
    return "".join(outlines)


def _runs(flags: np.ndarray) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(int), [0]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _level(share: float) -> str:
    return f"{_HEIGHT * (1 - share):.1f}".removesuffix(".0")


def _alerts(timeline: Timeline, end: int) -> str:
    marks = "".join(
        f'<div class="alert" style="left:{_place(alert.at_sample, end)}" '
        f'data-l="{escape(alert.message)}" data-s="{alert.at_sample / timeline.rate:.3f}"></div>'
        for alert in timeline.alerts
    )
    return _track(tr("alerts"), "alerts", marks)


def _track(name: str, kind: str, content: str) -> str:
    return (
        f'<div class="name">{escape(name)}</div>'
        f'<div class="track {kind}" data-name="{escape(name)}">{content}</div>'
    )


def _place(sample: int, end: int) -> str:
    return f"{100 * sample / end:.4f}%"
