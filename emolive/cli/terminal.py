"""The live timeline in a terminal: large emotion, confidence, level, and a strip over time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from emolive.cli.console import Console
from emolive.cli.segment_lines import ProcessorNews, alert_line
from emolive.i18n import decimal, mark, tr
from emolive.labels import emotion_name, swatch
from emolive.times import seconds_text, table_time
from emolive.types import (
    Alert,
    EngineState,
    EngineStatus,
    Event,
    Familiarity,
    FeatureBlock,
    FloatArray,
    Prediction,
    Severity,
    SpeechState,
)
from emolive.wording import adapted_text, percent, state_name

_REFRESH_S = 0.1
WIDEST = 120
_BADGE_WIDTH = 22
_BAR_WIDTH = 20
_SHOWN_CLASSES = 3
_BADGE_HEIGHT = 2 + _SHOWN_CLASSES
_QUIETEST_DBFS = -60.0
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SILENCE = ("·", "grey42")
_UNCERTAIN = ("▒", "grey50")
_NOT_INFERRED = ("─", "grey50")
CELLS = {
    SpeechState.SILENCE: _SILENCE,
    SpeechState.UNCERTAIN: _UNCERTAIN,
    SpeechState.NOT_INFERRED: _NOT_INFERRED,
}
_SEVERITY_STYLES = {
    Severity.INFO: "cyan",
    Severity.WARNING: "yellow",
    Severity.CRITICAL: "bold red",
}
_STATE_COLOURS = {
    EngineState.RUNNING: "green",
    EngineState.FAILED: "red",
    EngineState.RECONNECTING: "yellow",
}


@dataclass(slots=True)
class _Stream:
    """What is shown of one stream; `strip` holds one cell per answer, the oldest fall out."""

    strip: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=WIDEST))
    answer: Prediction | None = None
    level_dbfs: float = _QUIETEST_DBFS
    speech: bool = False
    familiarity: Familiarity | None = None

    @property
    def strange(self) -> Text | None:
        """The word for its speech of late, where it is not a familiar one."""
        if self.familiarity in (None, Familiarity.FAMILIAR):
            return None
        return Text(f"{self.familiarity}", "yellow")


class TerminalTimeline:
    """A live view of all streams; drawn at most ten times a second, from one thread."""

    def __init__(
        self,
        labels: Sequence[str],
        rate: int,
        hop_s: float,
        console: Console | None = None,
        recorded_s: float | None = None,
        extra: Callable[[], RenderableType] | None = None,
    ) -> None:
        """Take over the terminal until `close`.

        `labels` are in the order of the probabilities. `recorded_s` is the length of what is
        replayed (None: it happens now); `extra` draws what belongs below the streams.
        """
        self._labels = labels
        self._swatches = {label: swatch(label) for label in labels}
        self._hop_s = hop_s
        self._rate = rate
        self._recorded_s = recorded_s
        self._extra = extra
        self._console = console or Console()
        self._streams: dict[str, _Stream] = {}
        self._status = EngineStatus(EngineState.IDLE)
        self._processor = ProcessorNews()
        self._drawn_at = 0.0
        self._live = Live(
            console=self._console, auto_refresh=False, vertical_overflow="crop", transient=False
        )
        self._live.start()

    def handle(self, event: Event) -> None:
        """Remember what an event changes; an alert is printed at once."""
        if isinstance(event, EngineStatus):
            self._status = event
            self._processor.news(event)
            for known in event.streams:
                self._stream(known.name)
        elif isinstance(event, FeatureBlock):
            stream = self._stream(event.stream)
            stream.level_dbfs, stream.speech = event.level_dbfs, event.speech
        elif isinstance(event, Prediction):
            stream = self._stream(event.stream)
            stream.answer = event
            if event.shift is not None:
                stream.familiarity = event.shift.word
            stream.strip.append(self._cell(event))
        elif isinstance(event, Alert):
            # Printed above the picture, so that it stays when the picture moves on.
            line = Text(alert_line(event, self._rate), style=_SEVERITY_STYLES[event.severity])
            self._console.print(line)

    def tick(self) -> None:
        """Draw, unless that was just done."""
        now = time.monotonic()
        if now - self._drawn_at >= _REFRESH_S:
            self._drawn_at = now
            self._live.update(self.render(), refresh=True)

    def close(self) -> None:
        """Draw the last state and leave it on the screen."""
        if self._live.is_started:
            self._live.update(self.render(), refresh=True)
            self._live.stop()

    def render(self) -> RenderableType:
        """The whole picture as it stands."""
        width = min(self._console.width, WIDEST)
        parts: list[RenderableType] = [self._headline(width)]
        parts += [self._panel(name, stream, width) for name, stream in self._streams.items()]
        if self._extra is not None and self._streams:
            parts.append(self._extra())
        parts += [self._legend(), self._footer()]
        if message := self._message():
            parts.append(message)
        return Group(*parts)

    def _stream(self, name: str) -> _Stream:
        return self._streams.setdefault(name, _Stream())

    def _cell(self, answer: Prediction) -> tuple[str, str]:
        if answer.label is not None:
            return "█", self._swatches[answer.label].dark
        return CELLS.get(answer.state, _UNCERTAIN)

    def _headline(self, width: int) -> RenderableType:
        status = self._status
        line = Table.grid(expand=False)
        line.width = width
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_row(
            Text.assemble(("emolive", "bold"), "  ", status.source),
            Text.assemble(
                ("● ", _STATE_COLOURS.get(status.state, "grey50")),
                self._doing(),
                "  ",
                (table_time(status.elapsed_s), "bold"),
                "" if self._recorded_s is None else f" of {table_time(self._recorded_s)}",
            ),
        )
        return line

    def _doing(self) -> str:
        state = self._status.state
        if self._recorded_s is not None and state is EngineState.RUNNING:
            return "replaying"
        return state.value

    def _panel(self, name: str, stream: _Stream, width: int) -> RenderableType:
        top = Table.grid(padding=(0, 2))
        top.add_column(width=_BADGE_WIDTH)
        top.add_column()
        top.add_row(self._badge(stream.answer), self._facts(stream))
        inner = width - 4
        cells = list(stream.strip)[-inner:]
        strip = Text(" " * (inner - len(cells)), no_wrap=True)
        for character, colour in cells:
            strip.append(character, colour)
        span = tr("{seconds} s", seconds=decimal(-inner * self._hop_s))
        axis = Text(span + tr("now").rjust(inner - len(span)), "grey50", no_wrap=True)
        return Panel(
            Group(top, Text(), strip, axis),
            title=name if len(self._streams) > 1 else None,
            title_align="left",
            subtitle=stream.strange,
            subtitle_align="left",
            box=box.ROUNDED,
            border_style="grey35",
            width=width,
            padding=(0, 1),
        )

    def _badge(self, answer: Prediction | None) -> Text:
        """The current emotion on a block of its colour."""
        if answer is None:
            words, style = tr("listening ...") if self._recorded_s is None else "", "grey50"
        elif answer.label is not None:
            colours = self._swatches[answer.label]
            words = emotion_name(answer.label).upper()
            style = f"bold {colours.ink(dark=True)} on {colours.dark}"
        elif answer.state is SpeechState.SILENCE:
            words, style = state_name(answer.state), "grey50 on grey11"
        elif answer.state is SpeechState.NOT_INFERRED:
            words, style = state_name(answer.state), "grey50 on grey15"
        else:
            words, style = state_name(answer.state), "grey85 on grey27"
        spaced = " ".join(words) if style.startswith("bold") else words
        word = spaced if len(spaced) <= _BADGE_WIDTH - 2 else words[: _BADGE_WIDTH - 2]
        blank = " " * _BADGE_WIDTH
        above, below = (_BADGE_HEIGHT - 1) // 2, _BADGE_HEIGHT // 2
        lines = [blank] * above + [word.center(_BADGE_WIDTH)] + [blank] * below
        return Text("\n".join(lines), style)

    def _facts(self, stream: _Stream) -> RenderableType:
        """Level, confidence and the leading classes of the newest window."""
        rows = Table.grid(padding=(0, 1))
        rows.add_column(width=11)
        rows.add_column(width=_BAR_WIDTH)
        rows.add_column(justify="right")
        share = (max(stream.level_dbfs, _QUIETEST_DBFS) - _QUIETEST_DBFS) / -_QUIETEST_DBFS
        level = tr("quiet")
        if stream.level_dbfs > _QUIETEST_DBFS:
            level = f"{decimal(stream.level_dbfs, 0)} dB"
        voice = "green" if stream.speech else "grey50"
        rows.add_row(tr("level"), _bar(share, voice), level)
        answer = stream.answer
        confidence = answer.confidence if answer is not None else 0.0
        colour = "grey50"
        if answer is not None and answer.label is not None:
            colour = self._swatches[answer.label].dark
        text = percent(confidence) if confidence else ""
        rows.add_row(Text(tr("confidence"), "bold"), _bar(confidence, colour), Text(text, "bold"))
        for label, p in self._leading(answer.probabilities if answer is not None else None):
            bar = _bar(p, self._swatches[label].dark) if label else Text()
            rows.add_row(
                Text(f"  {emotion_name(label)}", "grey62"), bar, Text(percent(p) if label else "")
            )
        return rows

    def _leading(self, probabilities: FloatArray | None) -> list[tuple[str, float]]:
        """The most probable classes; always the same number of rows, so that nothing jumps."""
        if probabilities is None:
            return [("", 0.0)] * _SHOWN_CLASSES
        order = probabilities.argsort()[::-1][:_SHOWN_CLASSES]
        return [(self._labels[i], float(probabilities[i])) for i in order]

    def _legend(self) -> Text:
        legend = Text(" ")
        for label, colours in self._swatches.items():
            legend.append("■ ", colours.dark).append(f"{emotion_name(label)} ")
        legend.append("\n ").append(f"{_UNCERTAIN[0]} ", _UNCERTAIN[1])
        legend.append(f"{state_name(SpeechState.UNCERTAIN)}  ")
        legend.append(f"{_SILENCE[0]} ", _SILENCE[1])
        legend.append(state_name(SpeechState.SILENCE))
        if any(not stream.emotion for stream in self._status.streams):
            legend.append(f"  {_NOT_INFERRED[0]} ", _NOT_INFERRED[1])
            legend.append(state_name(SpeechState.NOT_INFERRED))
        return legend

    def _footer(self) -> Text:
        status = self._status
        text = Text(" ", "grey62", no_wrap=True, overflow="ellipsis")
        if self._recorded_s is not None:
            where = status.provider or tr("a computer")
            text.append(tr("{model}, recorded on {where}", model=status.model, where=where))
            return text.append(self._adapted())
        latency = tr("latency {latency} ms", latency=decimal(status.latency_ms, 0))
        text.append(f"{status.provider} · {status.model} · {latency}")
        text.append(f" · {tr('lag {time}', time=seconds_text(status.lag_s))}")
        text.append(self._adapted())
        for name, count in (
            (mark("skipped"), status.windows_skipped),
            (mark("overflows"), status.overflows),
            (mark("dropped"), status.events_dropped),
            (mark("reconnects"), status.reconnects),
        ):
            if count or name in ("skipped", "overflows"):
                text.append(f" · {tr(name)} {count}", "yellow" if count else "")
        if status.samples_lost:
            lost_text = tr("lost {time}", time=seconds_text(status.samples_lost / self._rate))
            text.append(f" · {lost_text}", "yellow")
        return text

    def _adapted(self) -> str:
        """How far answers are adapted to their source; nothing where they are not."""
        told = [stream.answer.baseline for stream in self._streams.values() if stream.answer]
        known = [one for one in told if one is not None]
        return f" · {adapted_text(known[0])}" if known else ""

    def _message(self) -> Text | None:
        message = self._status.reason or self._processor.moved or self._status.hint
        if not message:
            return None
        bad = self._status.state is EngineState.FAILED
        return Text(f" {message}", "bold red" if bad else "bold yellow")


def _bar(share: float, colour: str) -> Text:
    """A bar of `_BAR_WIDTH` cells, in steps of an eighth of a cell."""
    eighths = round(min(1.0, max(0.0, share)) * _BAR_WIDTH * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[part] if part else "")
    return Text.assemble((bar, colour), ("╌" * (_BAR_WIDTH - len(bar)), "grey27"))
