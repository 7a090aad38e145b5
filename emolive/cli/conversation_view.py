"""Conversation metrics beside a live call: lines of JSON, or a table."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from emolive.cli.console import Console
from emolive.cli.outcome import tell
from emolive.conversation import ConversationMeter, ConversationMetrics, PartyMetrics
from emolive.conversation.definitions import name_of
from emolive.i18n import decimal, language, mark, ntr, tr
from emolive.inference.metadata import ModelMetadata
from emolive.times import seconds_text, table_time
from emolive.types import Band, EngineStatus, Event, StreamStatus
from emolive.wording import percent, signed, stream_name

if TYPE_CHECKING:
    from emolive.cli.live import View

_EVERY_S = 1.0
_NOTHING = "-"


class ConversationView:
    """A view of a call whose conversation is measured as well.

    With `lines`, metrics go there every second of the call and in the end, as
    ``{"type": "conversation", "final": false, ...}``; otherwise a table is printed in the end,
    unless `shown`: then it has been in the picture all the time.
    """

    def __init__(
        self,
        view: View,
        meter: ConversationMeter,
        metadata: ModelMetadata,
        lines: TextIO | None,
        *,
        shown: bool = False,
    ) -> None:
        """Measure what `view` is shown of a run with the model of `metadata`."""
        self._view = view
        self._meter = meter
        self._metadata = metadata
        self._note: str | None = None
        self._lines = lines
        self._shown = shown
        self._told_at = time.monotonic()
        self._closed = False

    def handle(self, event: Event) -> None:
        """Take the next event."""
        self._meter.accept(event)
        self._view.handle(event)
        if isinstance(event, EngineStatus) and self._note is None:
            self._note = telephone_note(event.streams, self._metadata)

    def tick(self) -> None:
        """Some time has passed."""
        self._view.tick()
        now = time.monotonic()
        if self._lines is not None and now - self._told_at >= _EVERY_S:
            self._told_at = now
            self._write(self._meter.snapshot(), self._lines, final=False)

    def close(self) -> None:
        """Show where the conversation stands in the end."""
        self._view.close()
        if self._closed:
            return
        self._closed = True
        metrics = self._meter.finish()
        if self._lines is not None:
            self._write(metrics, self._lines, final=True)
        elif metrics.observed_s and not self._shown:
            console = Console()
            console.print()
            console.print(conversation_table(metrics))
            console.print(conversation_line(metrics), soft_wrap=True)
        if self._note:
            tell(self._note)

    @staticmethod
    def _write(metrics: ConversationMetrics, lines: TextIO, *, final: bool) -> None:
        fields = {"type": "conversation", "final": final, **metrics.to_dict()}
        lines.write(json.dumps(fields) + "\n")
        lines.flush()


def conversation_panel(metrics: ConversationMetrics) -> RenderableType:
    """Both parties and what they have in common, for below their timelines."""
    return Padding(Group(conversation_table(metrics), conversation_line(metrics)), (0, 1))


def conversation_table(metrics: ConversationMetrics) -> Table:
    """Both parties side by side."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("")
    for party in metrics.voices:
        table.add_column(stream_name(party.name), justify="right")
    for field, about, shown in _ROWS:
        told = metrics.tells(field)
        values = (shown(party) if told else _NOTHING for party in metrics.voices)
        table.add_row(f"{_named(field)}, {tr(about)}" if about else _named(field), *values)
    return table


def conversation_line(metrics: ConversationMetrics) -> Text:
    """What both have in common, in one line."""
    parts = [
        tr(
            "{what} {time} ({share}), longest {longest}",
            what=_named("silence_s"),
            time=table_time(metrics.silence_s),
            share=percent(metrics.silence_share),
            longest=seconds_text(metrics.longest_silence_s),
        ),
        tr(
            "{what} {time} in {number}",
            what=_named("overtalk_s"),
            time=table_time(metrics.overtalk_s),
            number=metrics.overlaps,
        ),
        ntr("{count} gap", "{count} gaps", metrics.gaps.count),
    ]
    if not metrics.separable:
        parts = parts[:1]
    lost_s = metrics.duration_s - metrics.observed_s
    if lost_s >= 0.1:
        parts.append(tr("not heard {time}", time=table_time(lost_s)))
    return Text(" · ".join(parts), "grey62")


def telephone_note(streams: Sequence[StreamStatus], metadata: ModelMetadata) -> str | None:
    """What is known of the model on telephone speech, where emotion is inferred on some."""
    if not any(stream.band is Band.NARROW and stream.emotion for stream in streams):
        return None
    scores = metadata.telephone_scores
    if not scores:
        return tr(
            "This is telephone speech, on which {model} was not measured.", model=metadata.name
        )
    told = ", ".join(f"{corpus} {percent(uar)}" for corpus, uar in scores.items())
    return tr(
        "This is telephone speech: through a telephone line, {model} reaches a UAR of {told} "
        "(chance {chance}).",
        model=metadata.name,
        told=told,
        chance=percent(1 / len(metadata.labels)),
    )


def _talk(party: PartyMetrics) -> str:
    share = _NOTHING if party.talk_share is None else percent(party.talk_share)
    return f"{table_time(party.talk_s)}  {share:>4}"


def _response(party: PartyMetrics) -> str:
    median = party.responses.median_s
    return _NOTHING if median is None else tr("{seconds} s", seconds=signed(median, 2))


def _interruptions(party: PartyMetrics) -> str:
    tried = ""
    if party.interruption_attempts:
        tried = f" ({tr('+{number} tried', number=party.interruption_attempts)})"
    return f"{party.interruptions}{tried}"


def _level(party: PartyMetrics) -> str:
    return (
        _NOTHING
        if party.level_dbfs is None
        else tr("{level} dBFS", level=decimal(party.level_dbfs, 0))
    )


def _rate(party: PartyMetrics) -> str:
    rate = party.syllables_per_s
    return _NOTHING if rate is None else tr("~{rate} syllables/s", rate=decimal(rate, 1))


def _named(field: str) -> str:
    return tr(name_of(field)).lower() if language() == "en" else tr(name_of(field))


# Field, what about it, and how it is shown.
_ROWS: tuple[tuple[str, str, Callable[[PartyMetrics], str]], ...] = (
    ("talk_s", "", _talk),
    ("turns", "", lambda party: str(party.turns)),
    ("longest_monologue_s", "", lambda party: table_time(party.longest_monologue_s)),
    ("responses", mark("median"), _response),
    ("interruptions", "", _interruptions),
    ("level_dbfs", "", _level),
    ("syllables_per_s", "", _rate),
)
