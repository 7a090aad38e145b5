"""`emolive call wall`: several recorded calls at once, as if all were held now."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emolive.audio.call import call_recording
from emolive.cli.alerting import Watching
from emolive.cli.baseline import baseline_choice
from emolive.cli.console import Console, columns
from emolive.cli.loading import load_model
from emolive.cli.options import (
    AgentChannel,
    BaselineOptions,
    Channel,
    JsonOption,
    LibraryOption,
    ModelOptions,
    WatchOptions,
)
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, Interrupts, tell
from emolive.conversation import ConversationMeter, ConversationMetrics, Party
from emolive.engine import EngineTotals
from emolive.errors import EmoliveError
from emolive.i18n import decimal, mark, tr
from emolive.inference.metadata import ModelMetadata
from emolive.labels import Swatch, emotion_name, swatches
from emolive.monitoring import MonitoredRun, Monitoring, RunDescription, RunSettings
from emolive.monitoring.wire import JsonLines
from emolive.times import seconds_text, table_time
from emolive.types import Alert, AlertEnded, EngineState, EngineStatus, Prediction, Role
from emolive.wording import percent, state_name

_MAILBOX_EVENTS = 5_000
_LOOK_EVERY_S = 0.25
_END_WITHIN_S = 2.0
_NUMBERS = (
    mark("time"), mark("agent"), mark("customer"), mark("silence"), mark("overtalk"), mark("alerts")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WallOptions:
    """What `call wall` can be asked for."""

    agent_channel: AgentChannel = Channel.LEFT
    watching: WatchOptions = field(default_factory=WatchOptions)
    library: LibraryOption = None
    adapting: BaselineOptions = field(default_factory=BaselineOptions)
    json: JsonOption = False
    duration: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="Stop after this long."),
    ] = None
    using: ModelOptions = field(default_factory=ModelOptions)


def wall(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Stereo files, each a call with two parties."),
    ],
    options: WallOptions,
) -> int:
    """Monitor several recorded calls at once, in real time, with one model.

    A call that fails does not disturb the others; the exit code is then 1. Ctrl-C ends them all.
    """
    watching = Watching(options.watching)
    baseline = baseline_choice(options.adapting, options.library)
    classifier, config = load_model(options.using)
    with closing(Monitoring(lambda *_: classifier, max_runs=len(files))) as monitoring:
        processor = _Processor(classifier.provider_note)
        cards = []
        settings = RunSettings(
            hop_s=config.hop_s,
            decision=config.decision,
            rules=watching.rules,
            library=options.library,
            baseline=baseline,
        )
        for number, file in enumerate(files, 1):
            source = call_recording([file], options.agent_channel.value, paced=True)
            description = RunDescription(source, settings)
            call = monitoring.prepare(description, run_id=f"{number}")
            cards.append(_Card(call, classifier.metadata, lines=options.json))
        picture = None if options.json or not sys.stdout.isatty() else _Picture(classifier.metadata)
        with Interrupts() as interrupts:
            begin = time.monotonic()
            try:
                watching.start([card.run for card in cards])
                for card in cards:
                    card.run.start()
                over = False
                while not over and not interrupts.wished:
                    over = monitoring.wait(_LOOK_EVERY_S)
                    if options.duration and time.monotonic() - begin >= options.duration:
                        over = True
                    for card in cards:
                        card.look()
                    processor.look(cards)
                    if picture is not None:
                        problems = (*processor.problems, *watching.problems)
                        picture.draw(cards, monitoring.status(), problems)
                    watching.tick()
            finally:
                for card in cards:
                    card.call.ask_to_stop()
                monitoring.wait(_END_WITHIN_S)
                totals = monitoring.status()
                watching.tick()
                monitoring.close()
                if picture is not None:
                    picture.close()
    for card in cards:
        card.look()
    processor.look(cards)
    watching.finish()
    return _sum_up(cards, totals, as_json=options.json)


class _Card:
    """What is known of one call."""

    def __init__(self, run: MonitoredRun, metadata: ModelMetadata, *, lines: bool) -> None:
        self.run = run
        self.call = call = run.live
        self.answer: Prediction | None = None
        parties = [Party(role.value, role) for role in Role]
        self._meter = ConversationMeter(parties, metadata.sampling_rate)
        self._mailbox = call.hub.subscribe(_MAILBOX_EVENTS)
        self._lines = JsonLines(metadata, sys.stdout, call.id) if lines else None
        self._raised: dict[tuple[str, str | None], Alert] = {}
        self.alerts = 0

    @property
    def status(self) -> EngineStatus:
        return self.call.status()

    @property
    def conversation(self) -> ConversationMetrics:
        return self._meter.snapshot()

    @property
    def raised(self) -> str:
        """The alerts that are not over."""
        return ", ".join(alert.rule for alert in self._raised.values())

    def look(self) -> None:
        """Take what has happened."""
        for event in self._mailbox.drain():
            self._meter.accept(event)
            if isinstance(event, Prediction) and event.stream == Role.CUSTOMER:
                self.answer = event
            if isinstance(event, Alert):
                self.alerts += 1
                self._raised[event.rule, event.stream] = event
            elif isinstance(event, AlertEnded):
                self._raised.pop((event.rule, event.stream), None)
            if self._lines is not None:
                self._lines.handle(event)

    def finish(self) -> ConversationMetrics:
        """The conversation as a whole."""
        return self._meter.finish()


class _Processor:
    """Tells once when the model had to move to another processor."""

    def __init__(self, before: str | None) -> None:
        """`before`: what there was to say when the model was loaded."""
        self._before = before
        self.problems: tuple[str, ...] = ()

    def look(self, cards: Sequence[_Card]) -> None:
        """Take what the calls say of it, also those that are over."""
        notes = dict.fromkeys(card.status.provider_note for card in cards)
        for note in notes:
            if note is not None and note != self._before and note not in self.problems:
                self.problems += (note,)
                tell(note)


class _Picture:
    """All calls as a table that is drawn again and again."""

    def __init__(self, metadata: ModelMetadata) -> None:
        self._swatches: dict[str, Swatch] = dict(
            zip(metadata.labels, swatches(metadata.labels), strict=True)
        )
        self._live = Live(console=Console(), auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def draw(
        self, cards: Sequence[_Card], status: EngineTotals, problems: Sequence[str] = ()
    ) -> None:
        warnings = [Text(problem, "yellow") for problem in problems]
        self._live.update(Group(*warnings, self._render(cards, status)), refresh=True)

    def close(self) -> None:
        self._live.stop()

    def _render(self, cards: Sequence[_Card], status: EngineTotals) -> RenderableType:
        table = _table()
        table.add_column(tr("customer now"))
        table.add_column(tr("alert now"))
        for card in cards:
            alert = Text(card.raised, "bold red")
            table.add_row(*_cells(card, card.conversation), self._now(card), alert)
        return Group(table, Text(_pool_line(status), "grey62"))

    def _now(self, card: _Card) -> Text:
        if card.status.state is not EngineState.RUNNING:
            return Text(card.status.reason or card.status.state.value, "grey50")
        answer = card.answer
        if answer is None:
            return Text(tr("listening ..."), "grey50")
        if answer.label is None:
            return Text(state_name(answer.state), "grey50")
        return Text(
            f"{emotion_name(answer.label)} {percent(answer.confidence)}",
            self._swatches[answer.label].dark,
        )


def _sum_up(cards: Sequence[_Card], status: EngineTotals, *, as_json: bool) -> int:
    """Tell how all of it went; returns the exit code."""
    table = _table()
    for card in cards:
        metrics = card.finish()
        if as_json:
            about = {"type": "conversation", "call": card.call.id, "final": True}
            fields = {**about, **metrics.to_dict()}
            sys.stdout.write(json.dumps(fields) + "\n")
        table.add_row(*_cells(card, metrics))
    failed = [card for card in cards if card.status.state is EngineState.FAILED]
    for card in failed:
        tell(f"{card.call.name}: {card.status.reason}")
    if not as_json:
        Console().print(table)
    tell(_pool_line(status))
    if len(failed) == len(cards):
        raise EmoliveError("None of the calls could be monitored.")
    return SOME_INPUTS_FAILED if failed else DONE


def _table() -> Table:
    return columns(mark("call"), *_NUMBERS, numbers=_NUMBERS, box=None)


def _cells(card: _Card, metrics: ConversationMetrics) -> tuple[str, ...]:
    shares = [
        percent(party.talk_share) if metrics.separable and party.talk_share is not None else ""
        for party in (metrics.party(Role.AGENT), metrics.party(Role.CUSTOMER))
    ]
    return (
        card.call.name,
        table_time(card.status.elapsed_s),
        *shares,
        percent(metrics.silence_share),
        seconds_text(metrics.overtalk_s) if metrics.separable else "",
        str(card.alerts),
    )


def _pool_line(status: EngineTotals) -> str:
    return tr(
        "{running} of {runs} calls running · answers after {median} ms (median), {p99} ms (p99) · "
        "{skipped} of {windows} windows skipped",
        running=status.running,
        runs=status.runs,
        median=decimal(status.latency_p50_ms, 0),
        p99=decimal(status.latency_p99_ms, 0),
        skipped=status.windows_skipped,
        windows=status.windows + status.windows_skipped,
    )
