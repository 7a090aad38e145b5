"""Rules beside live runs: a thread per run, which nothing in the engine ever waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emolive.alerts.dispatch import CallContext, Dispatcher
from emolive.alerts.engine import AlertEngine
from emolive.alerts.rules import RuleSet
from emolive.alerts.watch import CallFormat
from emolive.engine.run import LiveRun
from emolive.i18n import tr
from emolive.types import Alert, AlertEnded, EngineState, EngineStatus, Event

_log = logging.getLogger(__name__)

# A minute of a two-channel call.
_MAILBOX_EVENTS = 5_000
_TICK_S = 0.2
_TICK_EVERY_S = 1.0
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How it goes with the rules of one run.

    `raised` counts alerts by rule, `active` are those that are not over (rule and stream), `notes`
    are sentences on rules that have nothing to watch, `dropped` events that came too fast,
    `problem` is what went wrong inside (None: nothing), `over` that the run has ended.
    """

    call_id: str
    raised: tuple[tuple[str, int], ...] = ()
    active: tuple[tuple[str, str | None], ...] = ()
    notes: tuple[str, ...] = ()
    dropped: int = 0
    problem: str | None = None
    over: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps rules from firing in this run, as sentences."""
        found = self.notes
        if self.problem is not None:
            found = (*found, tr("The rules met an error: {problem}.", problem=self.problem))
        if self.dropped:
            found = (
                *found,
                tr("The rules missed {dropped} events, which came too fast.", dropped=self.dropped),
            )
        return found


class CallWatch:
    """Watches one run: alerts are passed on, and published on the run's own hub.

    It reads from a mailbox of its own, 5,000 events; overflow policy: the oldest are dropped and
    counted. A run that is started again is a new call.
    """

    def __init__(
        self,
        rules: RuleSet,
        run: LiveRun,
        context: CallContext,
        dispatch: Callable[[Alert, CallContext], None],
        tick: Callable[[], None],
    ) -> None:
        """Made by `AlertService.watch`."""
        facts = run.facts
        self._rules = rules
        self._run_watched = run
        self._format = CallFormat(facts.rate, facts.hop_samples, facts.labels, facts.model)
        self._context = context
        self.name = context.name  # what people call the run
        self._dispatch = dispatch
        self._on_tick = tick
        self._mailbox = run.hub.subscribe(_MAILBOX_EVENTS)
        self._engine: AlertEngine | None = None
        self._over = False
        self._raised: Counter[str] = Counter()
        self.status = WatchStatus(context.call_id)  # how it goes, from any thread
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"emolive alerts {context.call_id}", daemon=True
        )

    def start(self) -> None:
        """Begin, before the run starts or in the middle of it."""
        self._begin(self._run_watched.status())
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Take what is there already, end what is raised, and stop soon."""
        self._stopping.set()

    def close(self, timeout: float = 2.0) -> bool:
        """The same, waiting for it; whether that worked in time."""
        self._stopping.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        ticked = time.monotonic()
        problem: str | None = None
        while True:
            stopping = self._stopping.is_set()
            event = self._mailbox.get(0.0 if stopping else _TICK_S)
            try:
                if event is not None:
                    self._handle(event)
                elif stopping:
                    self._finish()
                    break
                if time.monotonic() - ticked >= _TICK_EVERY_S:
                    ticked = time.monotonic()
                    self._on_tick()
            except Exception as error:  # the rules must not die unseen
                _log.exception("A rule could not be followed")
                problem = f"{type(error).__name__}: {error}"
                if event is None and stopping:
                    break
            finally:
                self._note(problem)
        self._run_watched.hub.unsubscribe(self._mailbox)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Alert | AlertEnded):
            return  # our own
        if isinstance(event, EngineStatus):
            self._over = event.state.over
            if event.state is EngineState.STARTING:
                self._finish()
            elif event.state.over:
                self._finish()
                return
            self._begin(event)
        if self._engine is not None:
            self._raise(self._engine.accept(event), self._engine)

    def _begin(self, status: EngineStatus) -> None:
        if self._engine is None and status.streams and not status.state.over:
            self._engine = AlertEngine(self._rules, status.streams, self._format)

    def _finish(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            self._raise(engine.finish(), engine)

    def _raise(self, alerts: Sequence[Alert], engine: AlertEngine) -> None:
        hub = self._run_watched.hub
        for alert in alerts:
            self._raised[alert.rule] += 1
            self._dispatch(alert, self._context)
            hub.publish(alert)
        for ended in engine.take_ended():
            hub.publish(ended)

    def _note(self, problem: str | None) -> None:
        engine = self._engine
        self.status = WatchStatus(
            self._context.call_id,
            raised=tuple(sorted(self._raised.items())),
            active=() if engine is None else engine.raised,
            notes=self.status.notes if engine is None else engine.notes,
            dropped=self._mailbox.dropped,
            problem=problem,
            over=self._over,
        )


class AlertService:
    """One set of rules for any number of runs at once. Methods may be called from any thread."""

    def __init__(self, rules: RuleSet, dispatcher: Dispatcher) -> None:
        """Pass alerts on through `dispatcher`, which is this service's to start and close."""
        self._rules = rules
        self.dispatcher = dispatcher  # what passes alerts on
        self._lock = threading.Lock()
        self.watches: tuple[CallWatch, ...] = ()  # the runs that are watched

    def problems(self, *, over: bool = False) -> tuple[str, ...]:
        """What keeps alerts from anybody now; cheap to ask.

        What is wrong in some runs only begins with their names. `over`: with runs that have ended.
        """
        watches = [watch for watch in self.watches if over or not watch.status.over]
        runs: dict[str, list[str]] = {}
        for watch in watches:
            for problem in watch.status.problems:
                runs.setdefault(problem, []).append(watch.name)
        found = list(self.dispatcher.problems)
        for problem, names in runs.items():
            shared = len(names) == len(watches)
            found.append(problem if shared else f"{_some(names)}: {problem}")
        return tuple(found)

    def start(self) -> None:
        """Begin; what an earlier run left in the outbox is delivered, too."""
        self.dispatcher.start()

    def watch(
        self,
        run: LiveRun,
        call_id: str,
        *,
        name: str | None = None,
        session: Callable[[], str | None] = lambda: None,
    ) -> CallWatch:
        """Watch a run, started or not; `session` tells the session it is being recorded into."""
        context = CallContext(call_id, name or run.facts.source, run.facts.rate, session)
        watch = CallWatch(self._rules, run, context, self.dispatcher.dispatch, self.dispatcher.tick)
        with self._lock:
            self.watches = (*self.watches, watch)
        watch.start()
        return watch

    def forget(self, watch: CallWatch) -> None:
        """Watch a run no more."""
        with self._lock:
            self.watches = tuple(one for one in self.watches if one is not watch)
        watch.close()

    def close(self, timeout: float = 5.0) -> None:
        """End all watches, deliver what is due now for at most `timeout` seconds, and stop."""
        for watch in self.watches:  # all at once: each may wait for its next event
            watch.ask_to_stop()
        for watch in self.watches:
            watch.close()
        self.dispatcher.close(timeout)


def _some(names: Sequence[str]) -> str:
    """Names for a sentence: at most three."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (tr(" and {more} more", more=more) if more > 0 else "")
