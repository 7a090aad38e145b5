"""`live` and `demo`: an engine, and one view of what it says."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Protocol, cast

from rich.console import RenderableType

from emolive.audio.files import FileSource
from emolive.audio.source import AudioSource
from emolive.cli.agent import permission_for
from emolive.cli.alerting import Watching
from emolive.cli.baseline import baseline_choice
from emolive.cli.desktop import desktop_problem, has_display, open_desktop
from emolive.cli.loading import load_model
from emolive.cli.options import LiveOptions
from emolive.cli.outcome import DONE, Interrupts, tell
from emolive.cli.recording import Recording
from emolive.engine import Hub, Mailbox
from emolive.engine.config import AgentPermission
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.inference.metadata import ModelMetadata
from emolive.inference.providers import Requested
from emolive.monitoring import Monitoring, RunDescription, RunSettings
from emolive.resources import DEMO_AUDIO, asset
from emolive.types import Alert, AlertEnded, EngineState, EngineStatus, Event, Role

# Minutes of events: a reader that pauses for longer loses the oldest, counted in the status.
_MAILBOX_EVENTS = 5_000
_TICK_S = 0.1


class View(Protocol):
    """Shows a run."""

    def handle(self, event: Event) -> None:
        """Take the next event."""

    def tick(self) -> None:
        """Some time has passed."""

    def close(self) -> None:
        """Leave the terminal tidy; harmless when done twice."""


def in_terminal(options: LiveOptions) -> bool:
    """Whether the terminal shows it: asked for, timed, recorded, watched, or no app can open.

    So does inferring an agent's emotions, which is confirmed there.
    """
    if options.headless or options.json or options.duration is not None or not has_display():
        return True
    if options.recording or options.watching or options.adapting or options.agent.infer_agent:
        return True
    if problem := desktop_problem():
        tell(problem)
    return problem is not None


def run_demo(options: LiveOptions) -> int:
    """Play the bundled speech as if it were spoken now.

    Raises:
        EmoliveError: something needed is missing.
    """
    if not in_terminal(options):
        return open_desktop("demo", using=options.using)
    return run_in_terminal(FileSource(asset(DEMO_AUDIO), paced=True, block_s=0.02), options)


def run_live(device: str | None, channels: int, options: LiveOptions) -> int:
    """Listen to an input until stopped.

    Raises:
        EmoliveError: there is no such input, or something needed is missing.
    """
    from emolive.audio.microphone import Microphone

    if not in_terminal(options):
        return open_desktop(device=device, split=channels == 2, listen=True, using=options.using)
    return run_in_terminal(Microphone(device, channels=channels), options)


def run_in_terminal(source: AudioSource, options: LiveOptions, *, call: bool = False) -> int:
    """Run `source` to its end, the set duration or Ctrl-C, on standard output.

    In a `call`, whose streams are agent and customer, the conversation is measured as well, and the
    agent's emotions are inferred only with a permission.

    Raises:
        EmoliveError: the model cannot be used, or the run failed.
    """
    library, using = options.library, options.using
    baseline = baseline_choice(options.adapting, library)
    watching = Watching(options.watching)
    classifier, config = load_model(using)
    permission = _permission(source, options, call=call)
    lines = sys.stdout if options.json else None
    recording = Recording(options.recording, library, lines) if options.recording else None
    settings = RunSettings(
        using.model,
        cast(Requested, using.processor),
        config.hop_s,
        config.decision,
        rules=watching.rules,
        library=library,
        baseline=baseline,
    )
    description = RunDescription(
        source,
        settings,
        permission=permission,
        recording=None if recording is None else recording.choice,
    )
    makes_view = _call_view if call else _view
    view: View = makes_view(options, classifier.metadata, config.hop_s)
    hub, code = Hub(), DONE
    mailbox = hub.subscribe(_MAILBOX_EVENTS)
    with closing(Monitoring(lambda *_: classifier)) as monitoring:
        monitored = monitoring.prepare(description, run_id="live", hub=hub)
        run = monitored.live
        with Interrupts() as interrupts:
            try:
                watching.start([monitored])
                view = _AccompaniedView(view, watching)
                monitored.start()
                if recording is not None:
                    recording.follow(monitored)
                    view = _AccompaniedView(view, recording)
                last = follow(mailbox, view, run.stop, interrupts, options.duration)
            finally:
                # Also when the reader of standard output went away.
                watching.tick()
                monitoring.close()
                with suppress(BrokenPipeError):
                    # Rules are some milliseconds behind the engine.
                    for event in mailbox.drain():
                        if isinstance(event, Alert | AlertEnded):
                            view.handle(event)
                    view.close()
                if recording is not None:
                    code = recording.finish()
                watching.finish()
    if monitored.baselines is not None and monitored.baselines.problem:
        tell(monitored.baselines.problem)
    if last.state is EngineState.FAILED:
        raise EmoliveError(last.reason or tr("The engine failed.")) from run.error
    if last.reason:
        tell(last.reason)
    return code


def _permission(source: AudioSource, options: LiveOptions, *, call: bool) -> AgentPermission | None:
    if call:
        return permission_for(source.name, options.agent, options.library)
    if options.agent.infer_agent:
        raise EmoliveError(
            "--infer-agent is for calls, in which one party is an agent: leave it out, or "
            "monitor a call with `emolive call live`."
        )
    return None


class _AccompaniedView:
    """A view beside which something else has to tell now and then."""

    def __init__(self, view: View, other: Recording | Watching) -> None:
        self._view = view
        self._other = other

    def handle(self, event: Event) -> None:
        self._view.handle(event)

    def tick(self) -> None:
        self._view.tick()
        self._other.tick()

    def close(self) -> None:
        self._view.close()


def follow(
    mailbox: Mailbox,
    view: View,
    stop: Callable[[], None],
    interrupts: Interrupts,
    duration_s: float | None,
) -> EngineStatus:
    """Show events until the run is over; `stop` it when a person wants that, or after a while."""
    deadline = math.inf
    stopped = False
    while True:
        event = mailbox.get(_TICK_S)
        if event is not None:
            view.handle(event)
        view.tick()
        if isinstance(event, EngineStatus):
            if event.state.over:
                return event
            if duration_s and event.state is EngineState.RUNNING:
                deadline, duration_s = time.monotonic() + duration_s, None
        if not stopped and (interrupts.wished or time.monotonic() >= deadline):
            stopped = True
            stop()


def _call_view(options: LiveOptions, metadata: ModelMetadata, hop_s: float) -> View:
    from emolive.cli.conversation_view import ConversationView, conversation_panel
    from emolive.conversation import ConversationMeter, Party

    parties = [Party(role.value, role) for role in Role]
    meter = ConversationMeter(parties, metadata.sampling_rate)
    view = _view(options, metadata, hop_s, lambda: conversation_panel(meter.snapshot()))
    lines = sys.stdout if options.json else None
    return ConversationView(view, meter, metadata, lines, shown=sys.stdout.isatty())


def _view(
    options: LiveOptions,
    metadata: ModelMetadata,
    hop_s: float,
    extra: Callable[[], RenderableType] | None = None,
) -> View:
    if options.json:
        from emolive.monitoring.wire import JsonLines

        return JsonLines(metadata, sys.stdout)
    rate = metadata.front_end.sampling_rate
    if sys.stdout.isatty():
        from emolive.cli.terminal import TerminalTimeline

        return TerminalTimeline(metadata.labels, rate, hop_s, extra=extra)
    from emolive.cli.segment_lines import SegmentLines

    return SegmentLines(rate, sys.stdout)
