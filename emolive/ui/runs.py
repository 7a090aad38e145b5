"""From a choice in the window to a running engine. No Qt; heavy imports happen when first needed.

Everything here blocks (loading a model, opening files) and belongs on a worker thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emolive.monitoring import Monitoring, RunDescription, RunSettings
from emolive.monitoring.sources import SourceChoice
from emolive.types import RunFacts

if TYPE_CHECKING:
    from emolive.engine.hub import Mailbox
    from emolive.engine.run import LiveRun
    from emolive.explain.explainer import Explainer
    from emolive.monitoring import MonitoredRun, RecordingChoice
    from emolive.session.recent import RecentRun
    from emolive.session.recorder import Recorder

# Events between two frames of the window, with room for a window that stands still for seconds.
# Overflow policy: the oldest are dropped and counted; of statuses only the newest waits.
MAILBOX_EVENTS = 4096


class Run:
    """A prepared run with a mailbox for the window; its last event is a STOPPED or FAILED status.

    `explainer` answers questions about moments, also when the run has ended, and `recent` holds its
    last minutes: both are closed by who asks. `heard` is what can be listened to. None: there is
    none. `alert_problem` is why the alert rules are not watched for, in one sentence.
    """

    explainer: Explainer | None = None
    recent: RecentRun | None = None
    heard: LiveRun | None = None
    alert_problem: str | None = None

    def __init__(self, facts: RunFacts, inbox: Mailbox) -> None:
        """What will run, and where its events wait."""
        self.facts = facts
        self.inbox = inbox

    def record(self, recording: RecordingChoice) -> Recorder | None:  # noqa: ARG002
        """Record it from now on; None: this run cannot be recorded.

        Raises:
            EmoliveError: there is nothing to record.
        """
        return None

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds; harmless when it has ended."""

    def discard(self, timeout: float) -> None:
        """End a run that nobody took over, with what follows it."""
        self.stop(timeout)
        for follower in (self.recent, self.explainer):
            if follower is not None:
                follower.close(0.0)


class Runs:
    """Prepares runs on the real engine; keeps the model between them."""

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

    def prepare(self, choice: SourceChoice, *, split: bool) -> Run:
        """Get everything ready that can be before audio flows.

        Raises:
            ModelError: the model cannot be used.
            EmoliveError: the input cannot be used.
        """
        description = RunDescription(choice, self._settings, split=split)
        return _LiveRun(self._monitoring.prepare(description), self._monitoring)

    def close(self) -> None:
        """Free the model, unless others use it."""
        self._monitoring.free_idle()


class _LiveRun(Run):
    def __init__(self, run: MonitoredRun, monitoring: Monitoring) -> None:
        super().__init__(run.live.facts, run.live.hub.subscribe(MAILBOX_EVENTS, "conflate"))
        self._run = run
        self._monitoring = monitoring
        self.explainer = run.explainer
        self.heard = run.live
        self.recent = run.recent

    def record(self, recording: RecordingChoice) -> Recorder:
        return self._run.record(recording)

    @property
    def alert_problem(self) -> str | None:  # type: ignore[override]
        return self._run.alerts.problem

    def start(self) -> None:
        self._run.start()

    def stop(self, timeout: float) -> None:
        self._run.stop(timeout)
        self._monitoring.forget(self._run)
