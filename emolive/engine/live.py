"""The live engine: any number of runs at once, on two threads, with one classifier."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import numpy as np

from emolive.audio.jobs import Beside, InTurn, OnTheSpot, Runner
from emolive.audio.source import AudioSource
from emolive.baseline import Baselines
from emolive.engine.capture import Capture, heard_together
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Hub
from emolive.engine.monitor import Work, classify
from emolive.engine.run import EngineTotals, LiveRun, run_facts
from emolive.engine.turns import TURN_S, next_up
from emolive.errors import EmoliveError
from emolive.inference.batching import OneAtATime
from emolive.inference.classifier import Classifier
from emolive.inference.providers import CPU_BATCH
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event, ModelOutput, Prediction

_RECENT_ANSWERS = 4_000
# Looks come this close to the time at which a window is complete, and this often from then on.
_NEAR_S = 0.02
_SOON_S = 0.005
# So many runs are looked at as often as `EngineConfig.poll_s` says; more share these looks.
_RUNS_PER_POLL = 4
_LONGEST_POLL_S = 1.0
# The time that a run takes is a mean over about so many batches.
_PACE_OVER = 8
# Batches that may be with the classifier while the next is prepared.
_AHEAD = 1
_END_WITHIN_S = 5.0


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
    waits: bool = False
    """For the classifier; until it has answered there are no more steps of this run."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Runs whose windows are with the classifier, and its answer and how long that took."""

    group: Sequence[tuple[_Slot, Work]]
    prepared_s: float
    answer: Future[tuple[ModelOutput, float]]


class LiveEngine:
    """Runs any number of sources, up to `max_runs`, through the pipeline until each ends or fails.

    A step sees to some runs: takes what their sources have delivered, and sends their due windows
    to the classifier together, which works on another thread while the next are prepared. Each run
    answers its newest window and counts the ones it jumped over, so no latency grows; what fails in
    one run ends that run alone. When there is more to do than time, runs are answered by turns (see
    `next_up`), and of what piled up meanwhile only the newest window's audio is looked at. Sources
    are opened on other threads, since a device may take seconds; one that cannot be opened shows as
    FAILED, not as an exception.

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
        self.classifier = OneAtATime(classifier)
        self._provider_note = classifier.provider_note
        self._vad = vad
        self._clock = clock
        self._opener = opener or Beside("emolive open")
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._leaving: set[str] = set()
        self._latencies: deque[float] = deque(maxlen=_RECENT_ANSWERS)
        self._runner: Runner = OnTheSpot()
        self._batches: deque[_Batch] = deque()
        self._turns = 0
        self._stepped_at = np.inf
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

        `source` is not opened yet; the engine closes it in the end. `name` is for people (None: the
        source's); `config` for this run alone (None: the engine's); `hub` gets its events (None: a
        new one); `baselines` adapt its answers to their source (None: they stay as they are).

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
                    "{max_runs} calls are monitored already: remove one that is over first.",
                    max_runs=self.max_runs,
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
            latencies = tuple(self._latencies)
            hung_s = max(0.0, self._clock() - self._stepped_at - _LONGEST_POLL_S)
        return EngineTotals.of(statuses, latencies, hung_s)

    def start(self) -> None:
        """Begin; returns at once.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            raise RuntimeError("the engine was started before")
        self._runner = classifying = InTurn("emolive classify")
        self._thread = threading.Thread(
            target=self._loop, args=(classifying,), name="emolive engine", daemon=True
        )
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
        self._stepped_at = self._clock()
        self._collect()
        with self._lock:
            slots = [slot for slot in self._slots.values() if not slot.capture.over]
        poll_s = min(_LONGEST_POLL_S, self._config.poll_s * max(1.0, len(slots) / _RUNS_PER_POLL))
        due: list[_Slot] = []
        fresh: list[_Slot] = []
        for slot in slots:
            if slot.waits:
                continue
            capture = slot.capture
            if slot.run.unwanted:
                capture.stop()
            elif slot.run.wanted and self._clock() >= slot.look_at:
                capture.look()
                self._plan(slot, poll_s)
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
            if self._batches and chosen[0].overdue_s > self._config.hop_s:
                chosen = []  # whose turn it is, is with the classifier: no other turn begins
        else:
            # Time is left to show what comes before the next windows are complete.
            chosen = fresh
        seen_to = self._prepare(chosen, poll_s, newest_only=len(due) > len(chosen))
        self._collect()
        self._forget_those_who_left()
        if len(due) > seen_to > 0:
            return 0.0
        now = self._clock()
        return max(0.0, min((s.look_at - now for s in slots if not s.waits), default=poll_s))

    def close(self) -> None:
        """End all runs: their last audio is answered unless they are late, sources are released."""
        self._collect(ahead=0)
        with self._lock:
            slots = tuple(self._slots.values())
        for slot in slots:
            slot.capture.stop(abandon=True)
            slot.run.follow(slot.capture)
        self._forget_those_who_left()

    def _loop(self, classifying: InTurn) -> None:
        try:
            while not self._stop.is_set():
                pause_s = self.step()
                if pause_s > 0:
                    self._wake.wait(pause_s)
                self._wake.clear()
            self.close()
        finally:
            classifying.close()
            atexit.unregister(self.stop)

    def _plan(self, slot: _Slot, poll_s: float) -> None:
        """Look again just before its next window is complete; rarely, once one is."""
        to_come_s = -slot.capture.overdue_s
        if to_come_s > 0:
            slot.look_at = self._clock() + min(poll_s, max(_SOON_S, to_come_s - _NEAR_S))
        else:
            slot.look_at = self._clock() + _LONGEST_POLL_S

    def _prepare(self, slots: Sequence[_Slot], poll_s: float, *, newest_only: bool) -> int:
        """Take what these runs have, and hand their windows to the classifier together.

        A batch grows while the classifier has another to answer; one that is free waits for no more
        than pay on any processor. How many runs were seen to.
        """
        group: list[tuple[_Slot, Work]] = []
        begin = self._clock()
        seen_to = 0
        while seen_to < len(slots):
            if len(group) >= CPU_BATCH and all(batch.answer.done() for batch in self._batches):
                break
            few = slots[seen_to:][:CPU_BATCH]
            seen_to += len(few)
            for slot in few:
                late = slot.overdue_s > self._config.hop_s
                if late or begin >= slot.turn_ends:
                    self._turns += 1
                    slot.turn, slot.turn_ends = self._turns, begin + TURN_S
                if late:
                    slot.capture.look()  # what came while it waited for its turn
            captures = [slot.capture for slot in few]
            works = heard_together(captures, self._vad, newest_only=newest_only)
            for slot, work in zip(few, works, strict=True):
                slot.show_at = self._clock() + poll_s
                self._plan(slot, poll_s)
                if work is not None and work.windows:
                    group.append((slot, work))
                    slot.waits = True
                elif work is not None:
                    self._settle(slot, work, self._answers(()))
                slot.run.follow(slot.capture)
        if group:
            prepared_s = self._clock() - begin
            answer = self._runner.submit(partial(self._timed_answers, [w for _, w in group]))
            answer.add_done_callback(lambda _: self._wake.set())
            self._batches.append(_Batch(group, prepared_s, answer))
        return seen_to

    def _timed_answers(self, works: Sequence[Work]) -> tuple[ModelOutput, float]:
        begin = self._clock()
        return self._answers(works), self._clock() - begin

    def _answers(self, works: Sequence[Work]) -> ModelOutput:
        windows = [window for work in works for window in work.windows]
        return classify(self.classifier, windows, self._max_batch)

    def _collect(self, ahead: int = _AHEAD) -> None:
        """Hand out the answers that are there; wait until no more than `ahead` batches are left."""
        while self._batches and (len(self._batches) > ahead or self._batches[0].answer.done()):
            batch = self._batches.popleft()
            try:
                output, took_s = batch.answer.result()
            except Exception as error:
                self._settle_apart(batch.group, error)
                continue
            pace_s = (batch.prepared_s + took_s) / len(batch.group)
            self._pace_s += (pace_s - self._pace_s) / _PACE_OVER
            begin = 0
            for slot, work in batch.group:
                end = begin + len(work.windows)
                self._settle(slot, work, output[begin:end])
                begin = end

    def _settle_apart(self, group: Sequence[tuple[_Slot, Work]], error: Exception) -> None:
        """Find out whose windows the model cannot take."""
        for slot, work in group:
            try:
                if len(group) == 1:
                    raise error
                self._settle(slot, work, self._answers([work]))
            except Exception as own:
                slot.waits = False
                slot.capture.fail(own)
                slot.run.follow(slot.capture)

    def _settle(self, slot: _Slot, work: Work, output: ModelOutput) -> None:
        slot.waits = False
        slot.capture.settle(work, output)
        slot.run.follow(slot.capture)

    @property
    def _max_batch(self) -> int:
        return self._config.batch_on(self.classifier.provider)

    def _at_once(self) -> int:
        """How many runs may be answered together without their answers being old."""
        most = self._max_batch
        if self._pace_s * most <= self._config.hop_s / 2:
            return most
        return max(1, int(self._config.hop_s / 2 / self._pace_s))

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
