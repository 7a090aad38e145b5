"""From a choice in the window to a running engine. No Qt; heavy imports happen when first needed.

Everything here blocks (loading a model, opening files) and belongs on a worker thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from emolive.monitoring import Monitoring, RunDescription, RunSettings
from emolive.monitoring.sources import SourceChoice
from emolive.types import Event, RunFacts

if TYPE_CHECKING:
    from emolive.explain.moment import Explanation, Moment
    from emolive.monitoring import MonitoredRun, RecordingChoice
    from emolive.monitoring.listening import HeardRun
    from emolive.session.recent import RecentRun
    from emolive.session.recorder import Recorder

# Events between two frames of the window, with room for a window that stands still for seconds.
# Overflow policy: the oldest are dropped and counted; of statuses only the newest waits.
MAILBOX_EVENTS = 4096


class EventInbox(Protocol):
    """Where a run's events wait."""

    def drain(self) -> list[Event]:
        """All waiting events, oldest first, without waiting."""


class Explains(Protocol):
    """What answers questions about moments of a run, and after it."""

    def start(self) -> None:
        """Begin to follow the run; nothing of it that came before is missed."""

    def ask(self, moment: Moment, answer: Callable[[Explanation], None]) -> None:
        """Explain; `answer` is called on another thread, unless a newer question replaces it."""

    def close(self, timeout: float) -> bool:
        """End it."""


class Run(Protocol):
    """A prepared engine."""

    @property
    def facts(self) -> RunFacts:
        """What will run."""

    @property
    def inbox(self) -> EventInbox:
        """Its events; the last one is a STOPPED or FAILED status."""

    @property
    def explainer(self) -> Explains | None:
        """Answers questions, also when the run has ended; to be started and closed by who asks."""

    def record(self, recording: RecordingChoice) -> Recorder | None:
        """Record it from now on; None: this run cannot be recorded.

        Raises:
            EmoliveError: there is nothing to record.
        """

    @property
    def recent(self) -> RecentRun | None:
        """Its last minutes, in memory, to be closed by who asks; None: nothing is held."""

    @property
    def heard(self) -> HeardRun | None:
        """What can be listened to; None: nothing."""

    @property
    def alert_problem(self) -> str | None:
        """Why the alert rules are not watched for, in one sentence; None: they are, or none."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds; harmless when it has ended."""


class Runs(Protocol):
    """Prepares runs; keeps the model between them."""

    @property
    def own_model(self) -> bool:
        """Whether the next run uses another model than the bundled one."""

    def use(self, settings: RunSettings) -> None:
        """From the next run on."""

    def prepare(self, choice: SourceChoice, *, split: bool) -> Run:
        """Get everything ready that can be before audio flows.

        Raises:
            ModelError: the model cannot be used.
            EmoliveError: the input cannot be used.
        """

    def close(self) -> None:
        """Free the model, once no run uses it."""


class LiveRuns:
    """Runs on the real engine."""

    def __init__(self, settings: RunSettings, monitoring: Monitoring | None = None) -> None:
        """`monitoring`: may be shared with others; None: one of its own."""
        self._settings = settings
        self._monitoring = monitoring or Monitoring()

    @property
    def own_model(self) -> bool:
        """Whether the next run uses another model than the bundled one."""
        return self._settings.model is not None

    def use(self, settings: RunSettings) -> None:
        """From the next run on."""
        self._settings = settings

    def prepare(self, choice: SourceChoice, *, split: bool) -> PreparedRun:
        """Load the model unless it is there, and connect source and engine."""
        description = RunDescription(choice, self._settings, split=split)
        return PreparedRun(self._monitoring.prepare(description), self._monitoring)

    def close(self) -> None:
        """Free the model, unless others use it."""
        self._monitoring.free_idle()


class PreparedRun:
    """A run with a mailbox for the window."""

    def __init__(self, run: MonitoredRun, monitoring: Monitoring) -> None:
        self._run = run
        self._monitoring = monitoring
        self.facts = run.live.facts
        self.inbox: EventInbox = run.live.hub.subscribe(MAILBOX_EVENTS, "conflate")
        self.explainer: Explains | None = run.explainer
        self.heard: HeardRun | None = run.live
        self.recent: RecentRun | None = run.recent

    def record(self, recording: RecordingChoice) -> Recorder:
        """Record it from now on."""
        return self._run.record(recording)

    @property
    def alert_problem(self) -> str | None:
        """Why the alert rules are not watched for."""
        return self._run.alerts.problem

    def start(self) -> None:
        """Begin; returns at once."""
        self._run.start()

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds."""
        self._run.stop(timeout)
        self._monitoring.forget(self._run)
