"""Several calls at once: each with a run of its own, all with one classifier."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from emolive.audio.jobs import Runner
from emolive.audio.source import AudioSource
from emolive.engine.capture import Capture, LiveAudio
from emolive.engine.config import EngineConfig
from emolive.engine.facts import RunFacts, run_facts
from emolive.engine.hub import Hub
from emolive.engine.monitor import Work, classify
from emolive.errors import EmoliveError
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event, Prediction

_OVER = (EngineState.STOPPED, EngineState.FAILED)
_RECENT_ANSWERS = 4_000


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """All calls together.

    ``running`` counts the calls that are not over. ``latency_p50_ms`` and ``latency_p99_ms`` are
    those of the last few thousand answers (0.0 without any), from a window's last sample being
    available to its answer; ``lag_s`` is that of the call that is furthest behind.
    """

    calls: int
    running: int
    windows: int
    windows_skipped: int
    overflows: int
    latency_p50_ms: float
    latency_p99_ms: float
    lag_s: float


class PooledCall:
    """One call of a pool, as others see it. All methods may be called from any thread.

    `hub` gets its events, as a live engine's does; the last one is its STOPPED or FAILED status.
    `facts` say what it is. It can be recorded and watched like a live engine.
    """

    def __init__(
        self, call_id: str, name: str, hub: Hub, facts: RunFacts, status: EngineStatus
    ) -> None:
        """To be had from `MonitorPool.add`."""
        self.id = call_id
        self.name = name
        self.hub = hub
        self.facts = facts
        self._lock = threading.Lock()
        self._status = status
        self._audio: LiveAudio | None = None
        self._error: Exception | None = None
        self._unwanted = False

    @property
    def error(self) -> Exception | None:
        """What made it fail, for debugging; `status().reason` is for people."""
        return self._error

    @property
    def audio(self) -> LiveAudio | None:
        """What its source writes; None before it was opened."""
        return self._audio

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status().state in _OVER

    @property
    def unwanted(self) -> bool:
        """Whether somebody asked for its end."""
        return self._unwanted

    def status(self) -> EngineStatus:
        """The newest snapshot (at most one step old)."""
        with self._lock:
            return self._status

    def stop(self) -> None:
        """Ask for its end, which the pool's next step brings; returns at once."""
        self._unwanted = True

    def follow(self, capture: Capture) -> None:
        """Take over what a step changed; for the pool."""
        self._audio, self._error = capture.audio, capture.error

    def report(self, status: EngineStatus, news: bool) -> None:
        """Take a status and publish it if it is news; for the pool."""
        with self._lock:
            self._status = replace(status, events_dropped=self.hub.dropped)
            if news:
                self.hub.publish(self._status)


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    call: PooledCall
    capture: Capture


class MonitorPool:
    """Runs any number of calls, up to `max_calls`, in steps.

    A step takes what each call's source has delivered and sends the due windows of all calls and
    streams to the classifier together, `config.max_batch` at a time. Each call answers its newest
    window and counts the ones it jumped over, so no latency grows; what fails in one call ends that
    call alone. `add`, `remove`, `calls` and `status` may be called from any thread, `step` and
    `close` from one.
    """

    def __init__(
        self,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        *,
        max_calls: int = 64,
        clock: Callable[[], float] = time.monotonic,
        opener: Runner | None = None,
    ) -> None:
        """Start empty. `opener`: what opens sources, None: the step that needs it.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        config.hop_samples(classifier.metadata.front_end)
        self.max_calls = max_calls
        self._classifier = classifier
        self._vad = vad
        self._config = config
        self._clock = clock
        self._opener = opener
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._leaving: set[str] = set()
        self._latencies: deque[float] = deque(maxlen=_RECENT_ANSWERS)

    @property
    def calls(self) -> tuple[PooledCall, ...]:
        """All calls that were not removed, in the order in which they were added."""
        with self._lock:
            return tuple(slot.call for slot in self._slots.values())

    def call(self, call_id: str) -> PooledCall:
        """The call with this id.

        Raises:
            KeyError: there is none.
        """
        with self._lock:
            return self._slots[call_id].call

    def add(
        self,
        call_id: str,
        source: AudioSource,
        *,
        name: str | None = None,
        config: EngineConfig | None = None,
        hub: Hub | None = None,
    ) -> PooledCall:
        """A new call, which the next step opens.

        Args:
            call_id: tells it apart from all others.
            source: not opened yet; the pool closes it in the end.
            name: for people; None: the source's.
            config: for this call alone, None: the pool's.
            hub: where its events go; None: a new one.

        Raises:
            EmoliveError: there are `max_calls` already, or the hop does not fit the model.
            ValueError: the id is taken.
        """
        config = config or self._config
        config.hop_samples(self._classifier.metadata.front_end)
        status = EngineStatus(
            EngineState.STARTING,
            source=source.name,
            provider=self._classifier.provider,
            model=self._classifier.metadata.name,
        )
        facts = run_facts(source.name, self._classifier, config)
        call = PooledCall(call_id, name or source.name, hub or Hub(), facts, status)
        capture = Capture(
            source,
            self._classifier,
            self._vad,
            config,
            publish=lambda event: self._publish(call, event),
            report=call.report,
            clock=self._clock,
            opener=self._opener,
        )
        with self._lock:
            if call_id in self._slots:
                raise ValueError(f"there is a call {call_id!r} already")
            if len(self._slots) >= self.max_calls:
                raise EmoliveError(
                    f"{self.max_calls} calls are monitored already: remove one that is over first."
                )
            self._slots[call_id] = _Slot(call, capture)
        call.report(status, news=True)
        return call

    def remove(self, call_id: str) -> None:
        """End a call and forget it, with the next step; one that is not there is none.

        Its last status still comes out of its hub.
        """
        with self._lock:
            slot = self._slots.get(call_id)
            if slot is None:
                return
            slot.call.stop()
            if slot.capture.over:
                del self._slots[call_id]
            else:
                self._leaving.add(call_id)

    def step(self) -> None:
        """Do what is due in every call."""
        with self._lock:
            slots = tuple(self._slots.values())
        group: list[tuple[_Slot, Work]] = []
        n_windows = 0
        for slot in slots:
            if slot.capture.over:
                continue
            if slot.call.unwanted:
                slot.capture.stop()
                slot.call.follow(slot.capture)
                continue
            work = slot.capture.advance()
            if work is None:
                slot.call.follow(slot.capture)
                continue
            group.append((slot, work))
            n_windows += len(work.windows)
            # What fills a batch is answered at once and does not wait for the other calls.
            if n_windows >= self._config.max_batch:
                self._settle(group)
                group, n_windows = [], 0
        self._settle(group)
        self._forget_those_who_left()

    def close(self) -> None:
        """End all calls: their last audio is answered, their sources are released."""
        for call in self.calls:
            call.stop()
        self.step()

    def status(self) -> PoolStatus:
        """All calls together."""
        with self._lock:
            statuses = [slot.call.status() for slot in self._slots.values()]
            latencies = np.array(self._latencies) * 1000
        p50, p99 = np.percentile(latencies, (50, 99)) if latencies.size else (0.0, 0.0)
        streams = [stream for status in statuses for stream in status.streams]
        return PoolStatus(
            calls=len(statuses),
            running=sum(status.state not in _OVER for status in statuses),
            windows=sum(stream.windows for stream in streams),
            windows_skipped=sum(stream.windows_skipped for stream in streams),
            overflows=sum(status.overflows for status in statuses),
            latency_p50_ms=float(p50),
            latency_p99_ms=float(p99),
            lag_s=max((status.lag_s for status in statuses), default=0.0),
        )

    def _settle(self, group: list[tuple[_Slot, Work]]) -> None:
        """Classify the windows of these calls together, and let each go on with its answers."""
        windows = [window for _, work in group for window in work.windows]
        try:
            output = classify(self._classifier, windows, self._config.max_batch)
        except Exception:
            # Whose windows it is that the model cannot take is found one by one.
            self._settle_one_by_one(group)
            return
        begin = 0
        for slot, work in group:
            end = begin + len(work.windows)
            slot.capture.settle(work, output[begin:end])
            slot.call.follow(slot.capture)
            begin = end

    def _settle_one_by_one(self, group: list[tuple[_Slot, Work]]) -> None:
        for slot, work in group:
            try:
                output = classify(self._classifier, work.windows, self._config.max_batch)
            except Exception as error:
                slot.capture.fail(error)
            else:
                slot.capture.settle(work, output)
            slot.call.follow(slot.capture)

    def _forget_those_who_left(self) -> None:
        with self._lock:
            for call_id in tuple(self._leaving):
                if self._slots[call_id].capture.over:
                    del self._slots[call_id]
                    self._leaving.discard(call_id)

    def _publish(self, call: PooledCall, event: Event) -> None:
        if isinstance(event, Prediction):
            with self._lock:
                self._latencies.append(event.latency_s)
        call.hub.publish(event)
