"""The live engine: any number of runs at once, on one thread, with one classifier."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emolive.audio.jobs import Beside, Runner
from emolive.audio.source import AudioSource
from emolive.baseline import Baselines
from emolive.engine.capture import Capture
from emolive.engine.config import EngineConfig
from emolive.engine.facts import run_facts
from emolive.engine.hub import Hub
from emolive.engine.monitor import Work, classify
from emolive.engine.run import LiveRun
from emolive.engine.turns import TURN_S, next_up
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event, Prediction

_RECENT_ANSWERS = 4_000
# Looks come this close to the time at which a window is complete, and this often from then on.
_NEAR_S = 0.02
_SOON_S = 0.005
# So many runs are looked at as often as `EngineConfig.poll_s` says; more share these looks.
_RUNS_PER_POLL = 4
_LONGEST_POLL_S = 1.0
# The time that a run takes in a step is a mean over about so many steps.
_PACE_OVER = 8
_END_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class EngineTotals:
    """All runs together.

    ``running`` counts the runs that are not over. ``latency_p50_ms`` and ``latency_p99_ms`` are
    those of the last few thousand answers (0.0 without any), from a window's last sample being
    available to its answer; ``lag_s`` is that of the run that is furthest behind.
    """

    runs: int
    running: int
    windows: int
    windows_skipped: int
    overflows: int
    latency_p50_ms: float
    latency_p99_ms: float
    lag_s: float


@dataclass(slots=True, eq=False)
class _Slot:
    run: LiveRun
    capture: Capture
    source: AudioSource
    look_at: float = -np.inf
    show_at: float = -np.inf
    turn: int = 0
    turn_ends: float = -np.inf
    overdue_s: float = -np.inf


class LiveEngine:
    """Runs any number of sources, up to `max_runs`, through the pipeline until each ends or fails.

    A step sees to some runs: takes what their sources have delivered, and sends their due windows
    to the classifier together. Each run answers its newest window and counts the ones it jumped
    over, so no latency grows; what fails in one run ends that run alone. When there is more to do
    than time, runs are answered by turns (see `next_up`), and of what piled up meanwhile only the
    newest window's audio is looked at. Sources are opened on other threads, since a device may take
    seconds; one that cannot be opened shows as FAILED, not as an exception.

    `step` and `close` belong to one thread, which `start` makes; all other methods may be called
    from any. The classifier stays the caller's to close.
    """

    def __init__(
        self,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig | None = None,
        *,
        max_runs: int = 64,
        clock: Callable[[], float] = time.monotonic,
        opener: Runner | None = None,
    ) -> None:
        """Start empty; nothing runs before `start`. `config`: of runs that have none of their own.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        self._config = config or EngineConfig()
        self._config.hop_samples(classifier.metadata.front_end)
        self.max_runs = max_runs
        self.classifier = classifier
        self._provider_note = classifier.provider_note
        self._vad = vad
        self._clock = clock
        self._opener = opener or Beside("emolive open")
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._leaving: set[str] = set()
        self._latencies: deque[float] = deque(maxlen=_RECENT_ANSWERS)
        self._turns = 0
        self._pace_s = 0.0
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> tuple[LiveRun, ...]:
        """All runs that were not removed, in the order in which they were added."""
        with self._lock:
            return tuple(slot.run for slot in self._slots.values())

    @property
    def alive(self) -> bool:
        """Whether runs can be added: it was not stopped, and its thread does not hang."""
        return not self._stop.is_set()

    def run(self, run_id: str) -> LiveRun:
        """The run with this id.

        Raises:
            KeyError: there is none.
        """
        with self._lock:
            return self._slots[run_id].run

    def add(
        self,
        run_id: str,
        source: AudioSource,
        *,
        name: str | None = None,
        config: EngineConfig | None = None,
        hub: Hub | None = None,
        baselines: Baselines | None = None,
    ) -> LiveRun:
        """A new run, which waits to be started.

        Args:
            run_id: tells it apart from all others.
            source: not opened yet; the engine closes it in the end.
            name: for people; None: the source's.
            config: for this run alone, None: the engine's.
            hub: where its events go; None: a new one.
            baselines: where its answers are adapted to their source; None: nowhere.

        Raises:
            EmoliveError: there are `max_runs` already, or the hop does not fit the model.
            ValueError: the id is taken.
        """
        config = config or self._config
        config.hop_samples(self.classifier.metadata.front_end)
        status = EngineStatus(
            EngineState.STARTING,
            source=source.name,
            provider=self.classifier.provider,
            provider_note=self.classifier.provider_note,
            model=self.classifier.metadata.name,
        )
        facts = run_facts(source.name, self.classifier, config, self._provider_note)
        run = LiveRun(run_id, name or source.name, hub or Hub(), facts, status, self._wake.set)

        def report(status: EngineStatus, news: bool) -> None:
            # Whoever hears that it failed can ask why at once.
            run.follow(capture)
            run.report(status, news)

        capture = Capture(
            source,
            self.classifier,
            self._vad,
            config,
            publish=lambda event: self._publish(run, event),
            report=report,
            clock=self._clock,
            opener=self._opener,
            baselines=baselines,
        )
        with self._lock:
            if run_id in self._slots:
                raise ValueError(f"there is a run {run_id!r} already")
            if len(self._slots) >= self.max_runs:
                raise EmoliveError(
                    tr(
                        "{max_runs} calls are monitored already: remove one that is over first.",
                        max_runs=self.max_runs,
                    )
                )
            self._slots[run_id] = _Slot(run, capture, source)
        return run

    def remove(self, run_id: str) -> None:
        """End a run and forget it, with the next step; one that is not there is none.

        Its last status still comes out of its hub.
        """
        with self._lock:
            slot = self._slots.get(run_id)
            if slot is None:
                return
            if slot.capture.over:
                del self._slots[run_id]
                return
            self._leaving.add(run_id)
        slot.run.ask_to_stop()

    def status(self) -> EngineTotals:
        """All runs together."""
        with self._lock:
            statuses = [slot.run.status() for slot in self._slots.values()]
            latencies = np.array(self._latencies) * 1000
        p50, p99 = np.percentile(latencies, (50, 99)) if latencies.size else (0.0, 0.0)
        streams = [stream for status in statuses for stream in status.streams]
        return EngineTotals(
            runs=len(statuses),
            running=sum(not status.state.over for status in statuses),
            windows=sum(stream.windows for stream in streams),
            windows_skipped=sum(stream.windows_skipped for stream in streams),
            overflows=sum(status.overflows for status in statuses),
            latency_p50_ms=float(p50),
            latency_p99_ms=float(p99),
            lag_s=max((status.lag_s for status in statuses), default=0.0),
        )

    def start(self) -> None:
        """Begin; returns at once.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            raise RuntimeError("the engine was started before")
        self._thread = threading.Thread(target=self._loop, name="emolive engine", daemon=True)
        # A thread that the interpreter's end finds inside the model would take the process down.
        atexit.register(self.stop, _END_WITHIN_S)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all runs are over, at most `timeout` seconds; whether they are."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return all(
            run.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
            for run in self.runs
        )

    def stop(self, timeout: float = 2.0) -> bool:
        """End all runs; whether that worked within `timeout` seconds. There is no other start.

        Runs that hang by then are given up, see `LiveRun.stop`.
        """
        self._stop.set()
        self._wake.set()
        if self._thread is None:
            return True
        self._thread.join(max(0.0, timeout - 0.1))
        if not self._thread.is_alive():
            return True
        with self._lock:
            hanging = [slot for slot in self._slots.values() if not slot.run.over]
        for slot in hanging:
            slot.run.give_up()
            # Not on this thread: what hangs may make closing hang, too.
            threading.Thread(target=slot.source.close, name="emolive close", daemon=True).start()
        return False

    def step(self) -> float:
        """See to some of what is due; returns the seconds until another step is worth while."""
        with self._lock:
            slots = [slot for slot in self._slots.values() if not slot.capture.over]
        poll_s = min(_LONGEST_POLL_S, self._config.poll_s * max(1.0, len(slots) / _RUNS_PER_POLL))
        seen: list[_Slot] = []
        due: list[_Slot] = []
        fresh: list[_Slot] = []
        for slot in slots:
            capture = slot.capture
            if slot.run.unwanted:
                capture.stop()
            elif slot.run.wanted and self._clock() >= slot.look_at:
                capture.look()
                seen.append(slot)
            slot.run.follow(capture)
            slot.overdue_s = capture.overdue_s
            if capture.due:
                # The end of a source comes before all else, since it does not get more urgent.
                slot.overdue_s = np.inf if capture.gone else slot.overdue_s
                due.append(slot)
            elif capture.unread and self._clock() >= slot.show_at:
                fresh.append(slot)
        if due:
            chosen = next_up(due, self._at_once(), self._config.hop_s, self._clock())
            self._answer(chosen, newest_only=len(due) > len(chosen))
        else:
            # Time is left to show what comes before the next windows are complete.
            self._answer(chosen := fresh, newest_only=False)
        now = self._clock()
        for slot in chosen:
            slot.show_at = now + poll_s
        for slot in (*seen, *chosen):
            to_come_s = -slot.capture.overdue_s
            near_s = max(_SOON_S, to_come_s - _NEAR_S) if to_come_s > 0 else poll_s
            slot.look_at = now + min(poll_s, near_s)
        self._forget_those_who_left()
        if len(due) > len(chosen):
            return 0.0
        return max(0.0, min((slot.look_at - now for slot in slots), default=poll_s))

    def close(self) -> None:
        """End all runs: their last audio is answered unless they are late, sources are released."""
        with self._lock:
            slots = tuple(self._slots.values())
        for slot in slots:
            slot.capture.stop(abandon=True)
            slot.run.follow(slot.capture)
        self._forget_those_who_left()

    def _loop(self) -> None:
        try:
            while not self._stop.is_set():
                pause_s = self.step()
                if pause_s > 0:
                    self._wake.wait(pause_s)
                self._wake.clear()
            self.close()
        finally:
            atexit.unregister(self.stop)

    def _answer(self, slots: Sequence[_Slot], *, newest_only: bool) -> None:
        """Take what these runs have, classify their windows together, hand out the answers."""
        group: list[tuple[_Slot, Work]] = []
        begin, on_time = self._clock(), True
        for slot in slots:
            late = slot.overdue_s > self._config.hop_s
            if late or begin >= slot.turn_ends:
                self._turns += 1
                slot.turn, slot.turn_ends = self._turns, begin + TURN_S
            if late:
                on_time = False
                slot.capture.look()  # what came while it waited for its turn
            work = slot.capture.advance(newest_only=newest_only)
            if work is not None:
                group.append((slot, work))
        self._settle(group)
        for slot in slots:
            slot.run.follow(slot.capture)
        if group and on_time:
            pace_s = (self._clock() - begin) / len(group)
            self._pace_s += (pace_s - self._pace_s) / _PACE_OVER

    def _at_once(self) -> int:
        """How many runs a step may see to without making others come late."""
        most = self._config.max_batch
        if self._pace_s * most <= self._config.hop_s / 2:
            return most
        return max(1, int(self._config.hop_s / 2 / self._pace_s))

    def _settle(self, group: Sequence[tuple[_Slot, Work]]) -> None:
        windows = [window for _, work in group for window in work.windows]
        try:
            output = classify(self.classifier, windows, self._config.max_batch)
        except Exception as error:
            if len(group) == 1:
                group[0][0].capture.fail(error)
                return
            # Whose windows it is that the model cannot take is found one by one.
            for one in group:
                self._settle([one])
            return
        begin = 0
        for slot, work in group:
            end = begin + len(work.windows)
            slot.capture.settle(work, output[begin:end])
            begin = end

    def _forget_those_who_left(self) -> None:
        with self._lock:
            for run_id in tuple(self._leaving):
                if self._slots[run_id].capture.over:
                    del self._slots[run_id]
                    self._leaving.discard(run_id)

    def _publish(self, run: LiveRun, event: Event) -> None:
        if isinstance(event, Prediction):
            with self._lock:
                self._latencies.append(event.latency_s)
        run.publish(event)
