"""Two timelines of one session side by side, in the terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from emolive.cli.console import Console, columns
from emolive.cli.terminal import CELLS, WIDEST
from emolive.i18n import decimal, mark, tr
from emolive.labels import label_name, swatch
from emolive.session.comparison import Comparison, Interval
from emolive.session.reanalysis import Reanalysis
from emolive.session.records import SessionInfo
from emolive.times import table_time
from emolive.types import Segment, SpeechState
from emolive.wording import percent, stream_name

_SHOWN_CHANGES = 10

Cells = Mapping[str, tuple[str, str]]


def show_comparison(session: SessionInfo, result: Reanalysis, old: Sequence[Segment]) -> None:
    """Print both timelines, time per label, agreement and the longest changes."""
    # In a file or a pipe, lines are as long as they are.
    console = Console(width=None if sys.stdout.isatty() else WIDEST, soft_wrap=True)
    comparison = result.compare(old)
    labels = tuple(dict.fromkeys((*session.labels, *result.metadata.labels)))
    cells = {label: ("█", swatch(label).dark) for label in labels}
    cells |= {state.value: cell for state, cell in CELLS.items()}
    names = [f"{tr('session')} ({session.model})", f"{tr('again')} ({result.metadata.name})"]
    console.print(Text.assemble((tr("session"), "bold"), f" {session.title or session.id}"))
    for stream in result.streams:
        console.print(_strips(session, stream, (old, result.segments), cells, console.width))
    console.print(_times(session.rate, comparison, names, cells))
    console.print(_agreement(comparison))
    if comparison.changed:
        console.print(_changes(session.rate, comparison, several=len(result.streams) > 1))


def _strips(
    session: SessionInfo,
    stream: str,
    timelines: Sequence[Sequence[Segment]],
    cells: Cells,
    width: int,
) -> Table:
    """Each timeline as a line of cells; a cell has the label that lasts longest in its time."""
    grid = Table.grid(padding=(0, 1))
    room = min(width, WIDEST) - 10
    for name, segments in zip((tr("session"), tr("again")), timelines, strict=True):
        strip = Text(no_wrap=True)
        mine = [segment for segment in segments if segment.stream == stream]
        for label in longest_labels(mine, session.duration_samples, room):
            strip.append(*cells.get(label or "", (" ", "default")))
        grid.add_row(name, strip)
    end = table_time(session.duration_s)
    axis = "0:00" + end.rjust(room - 4)
    grid.add_row("" if len(session.streams) == 1 else stream, Text(axis, "grey50", no_wrap=True))
    return grid


def longest_labels(segments: Sequence[Segment], samples: int, count: int) -> list[str | None]:
    """`samples` cut into `count` equal parts: the label that lasts longest in each, None: none."""
    lasts: list[Counter[str]] = [Counter() for _ in range(count)]
    for segment in segments:
        first = segment.start_sample * count // max(1, samples)
        last = min(count - 1, (segment.end_sample - 1) * count // max(1, samples))
        for part in range(first, last + 1):
            begin, end = part * samples / count, (part + 1) * samples / count
            overlap = min(end, segment.end_sample) - max(begin, segment.start_sample)
            lasts[part][segment.label] += overlap  # type: ignore[assignment]
    return [last.most_common(1)[0][0] if last else None for last in lasts]


def _times(rate: int, comparison: Comparison, names: Sequence[str], cells: Cells) -> Table:
    table = columns(mark("label"), *names, numbers=names, show_edge=False)
    for label in comparison.labels:
        sign, colour = cells.get(label, CELLS[SpeechState.NOT_INFERRED])
        table.add_row(
            Text(f"{sign} ", colour).append(label_name(label), "default"),
            table_time(comparison.old_samples(label) / rate),
            table_time(comparison.new_samples(label) / rate),
        )
    return table


def _agreement(comparison: Comparison) -> Text:
    if comparison.observed is None:
        return Text(tr("The two timelines have no time in common."))
    share = percent(comparison.observed, 1)
    text = tr("The same label {share} of the time", share=share)
    if comparison.kappa is not None:
        kappa = tr("Cohen's kappa {kappa}", kappa=decimal(comparison.kappa, 2))
        text = f"{text} ({kappa})"
    if comparison.emotion_agreement is not None:
        both = percent(comparison.emotion_agreement, 1)
        text = f"{text}; {tr('{share} where both name an emotion', share=both)}"
    shown = Text(f"{text}.")
    shown.highlight_words([share], "bold")
    return shown


def _changes(rate: int, comparison: Comparison, *, several: bool) -> Table:
    changed = sorted(comparison.changed, key=lambda stretch: stretch.samples, reverse=True)
    shown = sorted(changed[:_SHOWN_CHANGES], key=lambda stretch: stretch.start_sample)
    title = tr("changed")
    if len(changed) > len(shown):
        title = tr("changed (the longest of {number})", number=len(changed))
    streams = (mark("stream"),) if several else ()
    table = columns(title, *streams, mark("session"), mark("again"), show_edge=False)
    for stretch in shown:
        names = [stream_name(stretch.stream)] if several else []
        table.add_row(
            _span(stretch, rate), *names, label_name(stretch.old), label_name(stretch.new)
        )
    return table


def _span(stretch: Interval, rate: int) -> str:
    return f"{table_time(stretch.start_sample / rate)} - {table_time(stretch.end_sample / rate)}"
