"""The timeline where there is no terminal: one line per closed segment."""

from __future__ import annotations

from typing import TextIO

from emolive.cli.outcome import tell
from emolive.i18n import tr
from emolive.labels import label_name
from emolive.plain_text import plain
from emolive.times import table_time
from emolive.types import Alert, EngineState, EngineStatus, Event, Segment
from emolive.wording import percent, severity_name, stream_name


class ProcessorNews:
    """Knows what was to be said of the processor when a run began, which was said then."""

    def __init__(self) -> None:
        self._status: EngineStatus | None = None
        self.moved: str | None = None

    def news(self, status: EngineStatus) -> str | None:
        """The sentence that came with this status; None: nothing new."""
        before, self._status = self._status, status
        if before is None or status.provider_note == before.provider_note:
            return None
        self.moved = status.provider_note
        return self.moved


def alert_line(alert: Alert, rate: int) -> str:
    """An alert as one line: when, how serious, what."""
    severity = severity_name(alert.severity).upper()
    return f"{table_time(alert.fired_sample / rate)}  {severity}  {alert.message}"


class SegmentLines:
    """Prints each segment when it ends, and alerts at once.

    What happens to the engine goes to standard error.
    """

    def __init__(self, rate: int, out: TextIO) -> None:
        """Print to `out`; samples are counted at `rate`."""
        self._rate = rate
        self._out = out
        self._told: set[str] = set()
        self._processor = ProcessorNews()

    def handle(self, event: Event) -> None:
        """Print a segment or an alert; tell a change of state or processor, or a new hint."""
        if isinstance(event, Segment):
            start, end = event.start_sample / self._rate, event.end_sample / self._rate
            share = f"{percent(event.confidence):>5}" if event.confidence else ""
            self._print(
                f"{table_time(start)} - {table_time(end)}  {stream_name(event.stream):<8} "
                f"{label_name(event.label):<10} {share}".rstrip()
            )
        elif isinstance(event, Alert):
            self._print(alert_line(event, self._rate))
        elif isinstance(event, EngineStatus):
            if moved := self._processor.news(event):
                tell(moved)
                self._told = {_listening(event)}  # that is known now
            self._tell_once(event)

    def tick(self) -> None:
        """Nothing to refresh."""

    def close(self) -> None:
        """Nothing to end."""

    def _print(self, line: str) -> None:
        self._out.write(plain(line) + "\n")
        self._out.flush()

    def _tell_once(self, status: EngineStatus) -> None:
        if status.state is EngineState.RUNNING:
            news = status.hint or _listening(status)
        elif status.state is EngineState.RECONNECTING:
            reason = status.reason or tr("{source} is gone.", source=status.source)
            news = tr("{reason} Trying to reconnect.", reason=reason)
        else:
            return
        if news not in self._told:
            # What is over may come again, and is then news again.
            self._told = {news}
            tell(news)


def _listening(status: EngineStatus) -> str:
    return tr(
        "Listening to {source}: {model} on {provider}.",
        source=status.source,
        model=status.model,
        provider=status.provider,
    )
