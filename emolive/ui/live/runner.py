"""One run after the other: starting, following and stopping, and what is to be said about it.

No widgets here: the live page shows what this object knows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from emolive.errors import EmoliveError, ModelError
from emolive.explain.explainer import Explainer
from emolive.explain.moment import Moment
from emolive.history.model import FollowClock, MonitorModel
from emolive.i18n import tr
from emolive.monitoring.sources import SourceChoice
from emolive.session.recent import RecentRun
from emolive.types import Alert, AlertEnded, EngineState, EngineStatus, Event
from emolive.ui import messages
from emolive.ui.bridge import EngineBridge
from emolive.ui.runs import Run, Runs

_log = logging.getLogger(__name__)

STOP_WITHIN_S = 2.0


class RunController(QObject):
    """At most one run at a time. All methods belong on the window's thread.

    Workers are daemon threads: a driver or model that hangs must not keep the program alive.
    Signals arrive on the window's thread.
    """

    started = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    # From the workers; queued, so that their slots run on the window's thread.
    _ready = Signal(object)
    _broken = Signal(object)
    _ended = Signal()

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._run: Run | None = None
        self._worker: threading.Thread | None = None
        self._working = False
        self._cancelled = threading.Event()
        self._closed = threading.Event()
        queued = Qt.ConnectionType.QueuedConnection
        self._ready.connect(self._on_ready, queued)
        self._broken.connect(self._on_broken, queued)
        self._ended.connect(self._on_ended, queued)

    @property
    def active(self) -> bool:
        """Whether there is a run, or one being made or ended."""
        return self._working or self._run is not None

    def start(self, choice: SourceChoice, *, split: bool) -> None:
        """Prepare and start a run; `started` or `failed` follows, or `stopped` if cancelled."""
        if self.active or self._closed.is_set():
            return
        cancelled = self._cancelled = threading.Event()
        self._work("emolive start", lambda: self._start(choice, split, cancelled))

    def stop(self) -> None:
        """End the run, or the making of one; `stopped` follows."""
        self._cancelled.set()
        if not self._working and (run := self._run) is not None:
            self._work("emolive stop", lambda: self._stop(run))

    def shutdown(self, timeout: float = STOP_WITHIN_S) -> bool:
        """End everything for good, waiting at most `timeout` seconds; whether all has ended."""
        deadline = time.monotonic() + timeout
        self._closed.set()
        self._cancelled.set()
        # A worker that makes a run may still finish it, so the run is looked for after it.
        if self._joined(deadline) and (run := self._run) is not None:
            left = max(0.2, deadline - time.monotonic() - 0.1)
            self._work("emolive close", lambda: run.discard(left))
        if not self._joined(deadline):
            return False
        self._run = None
        self._runs.close()
        return True

    def _joined(self, deadline: float) -> bool:
        if self._worker is None:
            return True
        self._worker.join(max(0.0, deadline - time.monotonic()))
        return not self._worker.is_alive()

    def _work(self, name: str, job: Callable[[], None]) -> None:
        self._working = True
        self._worker = threading.Thread(target=job, name=name, daemon=True)
        self._worker.start()

    # On a worker thread.

    def _start(self, choice: SourceChoice, split: bool, cancelled: threading.Event) -> None:
        run: Run | None = None
        try:
            run = self._runs.prepare(choice, split=split)
            if not cancelled.is_set():
                self._run = run
                run.start()
                self._tell(lambda: self._ready.emit(run))
                return
            run.discard(STOP_WITHIN_S)
            self._tell(self._ended.emit)
        except Exception as error:  # a worker must not die unseen
            _log.exception("A run could not begin")
            problem = error
            if run is not None:
                run.discard(STOP_WITHIN_S)
            self._tell(lambda: self._broken.emit(problem))

    def _stop(self, run: Run) -> None:
        run.stop(STOP_WITHIN_S)
        self._tell(self._ended.emit)

    def _discard(self, run: Run) -> None:
        run.discard(STOP_WITHIN_S)
        self._tell(self._ended.emit)

    def _tell(self, signal: Callable[[], None]) -> None:
        if not self._closed.is_set():
            signal()

    # On the window's thread.

    def _on_ready(self, run: Run) -> None:
        self._working = False
        self._run = run
        if self._cancelled.is_set():
            self._work("emolive stop", lambda: self._discard(run))
        else:
            self.started.emit(run)

    def _on_broken(self, error: Exception) -> None:
        self._working = False
        self._run = None
        self.failed.emit(error)

    def _on_ended(self) -> None:
        self._working = False
        self._run = None
        self.stopped.emit()


class LiveRunner(QObject):
    """Drives at most one run, keeps its model, and says what happens. On the window's thread."""

    state_changed = Signal(EngineState)
    streams_changed = Signal()
    status = Signal(object)
    frame = Signal(float)
    noted = Signal(str, object)
    forgotten = Signal(str)
    explained = Signal(object)
    began = Signal(object)
    # From the explainer's thread; queued.
    _answered = Signal(object)

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs = runs
        self.state = EngineState.IDLE
        self.model: MonitorModel | None = None
        self.choice: SourceChoice | None = None
        self.run: Run | None = None
        self.controller = RunController(runs, self)
        self.bridge = EngineBridge(self)
        self._clock = FollowClock()
        self._shown: tuple[str, ...] = ()
        self._over: EngineStatus | None = None
        self.recent: RecentRun | None = None
        self._explainer: Explainer | None = None
        self._retired: Explainer | None = None
        self._alerts: dict[tuple[str, str | None], Alert] = {}
        self.controller.started.connect(self._on_started)
        self.controller.failed.connect(self._on_failed)
        self.controller.stopped.connect(self._on_stopped)
        self.bridge.received.connect(self._on_events)
        self.bridge.frame.connect(self._on_frame)
        self._answered.connect(self.explained)

    @property
    def active(self) -> bool:
        """Whether something runs, starts or stops."""
        return self.controller.active

    @property
    def can_explain(self) -> bool:
        """Whether moments of this run can be explained."""
        return self._explainer is not None

    def start(self, choice: SourceChoice, *, split: bool) -> None:
        """Start `choice`, unless something runs."""
        if self.controller.active:
            return
        self._over = None
        self.choice = choice
        self._forget()
        self._enter(EngineState.STARTING)
        self.controller.start(choice, split=split)

    def stop(self) -> None:
        """Stop what runs or is being started."""
        if self.controller.active:
            self._enter(EngineState.STOPPING)
            self.controller.stop()

    def ask(self, moment: Moment) -> None:
        """Explain a moment; `explained` follows."""
        if self._explainer is not None:
            self._explainer.ask(moment, self._answered.emit)

    def shutdown(self, deadline: float) -> None:
        """End all threads before `deadline` (monotonic)."""
        self.bridge.detach()
        self._answered.disconnect(self.explained)
        # One after the other: the explainer's model is its own, the engine's is the runs'.
        self.controller.shutdown(max(0.3, deadline - time.monotonic() - 0.3))
        self._retire()
        if self._retired is not None:
            self._retired.close(max(0.1, deadline - time.monotonic()))

    # What the engine says.

    def _on_started(self, run: Run) -> None:
        self.run = run
        self._explainer = run.explainer
        if self._explainer is not None:
            self._explainer.start()
        self.recent = run.recent
        self.model = MonitorModel(run.facts)
        self._clock = FollowClock()
        self.bridge.attach(run.inbox)
        self._tell_rules(run)
        self.began.emit(run)

    def _on_failed(self, error: Exception) -> None:
        text = str(error)
        if not isinstance(error, EmoliveError):
            name = type(error).__name__
            text = tr("Internal error: {name}: {text}", name=name, text=text)
        assert self.choice is not None
        own = isinstance(error, ModelError) and self.runs.own_model
        self.noted.emit("run", messages.failure_message(text, self.choice, model=own))
        self._enter(EngineState.FAILED)

    def _on_stopped(self) -> None:
        self.bridge.detach()
        self.run = None
        over, self._over = self._over, None
        assert self.choice is not None
        ended = messages.ended_message(over, self.choice) if over is not None else None
        self.noted.emit("run", ended)
        self._enter(EngineState.STOPPED)
        self._on_frame()

    def _on_events(self, events: Sequence[Event]) -> None:
        model = self.model
        if model is None:
            return
        model.apply(events)
        if tuple(model.streams) != self._shown:
            self._shown = tuple(model.streams)
            self.streams_changed.emit()
        for event in events:
            if isinstance(event, EngineStatus):
                self._on_status(event)
            elif isinstance(event, Alert):
                self._on_alert(event)
            elif isinstance(event, AlertEnded):
                self._alerts.pop((event.rule, event.stream), None)
                self._tell_alerts()

    def _on_status(self, status: EngineStatus) -> None:
        self.status.emit(status)
        before = self.model.facts.provider_note if self.model else None
        self.noted.emit("provider", messages.provider_message(status, before))
        if self.run is not None:
            self._tell_rules(self.run)
        if self._over is not None or self.state is EngineState.STOPPING or self.state.at_rest:
            return
        if status.state.over:
            self._over = status
            self.controller.stop()
        elif status.state is not EngineState.STOPPING:
            self.noted.emit("run", messages.running_message(status))
            self._enter(status.state)

    def _on_alert(self, alert: Alert) -> None:
        self._alerts[alert.rule, alert.stream] = alert
        if alert.sound:
            QApplication.beep()
        self._tell_alerts()

    def _tell_rules(self, run: Run) -> None:
        """What keeps the rules from firing, for as long as it does."""
        problem = run.alert_problem
        self.noted.emit("rules", messages.rules_message(problem) if problem else None)

    def _tell_alerts(self) -> None:
        """The alerts that hold now; as many as there are rules and streams."""
        self.noted.emit("alerts", messages.alert_message(list(self._alerts.values())))

    def _on_frame(self) -> None:
        model = self.model
        if model is None:
            return
        now_s = model.end_s
        if self.state is EngineState.RUNNING:
            now_s = self._clock.step(model.end_s, time.monotonic())
        self.frame.emit(now_s)

    def _enter(self, state: EngineState) -> None:
        self.state = state
        self.state_changed.emit(state)

    def _forget(self) -> None:
        self._retire()
        self._alerts.clear()
        for part in ("run", "provider", "alerts", "rules"):
            self.forgotten.emit(part)
        self.model = None
        self._shown = ()
        self.streams_changed.emit()
        self.status.emit(None)

    def _retire(self) -> None:
        """Ask the explainer to end, without waiting for it; what was held is forgotten."""
        recent, self.recent = self.recent, None
        if recent is not None:
            recent.close(0.0)
        if self._explainer is not None:
            self._explainer.close(0.0)
            self._retired, self._explainer = self._explainer, None
