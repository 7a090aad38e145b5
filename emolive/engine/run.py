"""One live run, as others see it, and all runs together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from emolive.engine.capture import Capture, LiveAudio
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Hub
from emolive.i18n import mark, tr
from emolive.inference.classifier import Classifier
from emolive.types import EngineState, EngineStatus, Event, RunFacts

_log = logging.getLogger(__name__)

_TROUBLE = (EngineState.RECONNECTING, EngineState.FAILED)
_HANGS = mark("The engine did not stop in time: the audio device or the model hangs.")


class LiveRun:
    """A run of a `LiveEngine`. All methods may be called from any thread.

    STARTING → RUNNING (⇄ RECONNECTING) → STOPPING → STOPPED, or FAILED with a reason from anywhere.
    Predictions, segments, feature blocks and statuses go to `hub`; the last event of a run is its
    STOPPED or FAILED status. `facts` say what it is.
    """

    def __init__(
        self,
        run_id: str,
        name: str,
        hub: Hub,
        facts: RunFacts,
        status: EngineStatus,
        wake: Callable[[], None],
    ) -> None:
        """To be had from `LiveEngine.add`; `wake` has the engine look at once."""
        self.id = run_id
        self.name = name
        self.hub = hub
        self.facts = facts
        self._lock = threading.Lock()
        self._status = status
        self.audio: LiveAudio | None = None  # what its source writes; None before it was opened
        self.error: Exception | None = None
        self._ended = threading.Event()
        self.wanted = False  # whether it was started
        self.unwanted = False  # whether somebody asked for its end
        self._given_up = False
        self._wake = wake
        self._when_over: Callable[[], None] | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status().state.over

    def start(self) -> None:
        """Have the engine open the source; returns at once, and does nothing the second time."""
        with self._lock:
            if self.wanted:
                return
            self.wanted = True
            self.hub.publish(self._status)
        self._wake()

    def when_over(self, tell: Callable[[], None]) -> None:
        """Call `tell`, which must not wait, once it is over; to be set before it is started."""
        self._when_over = tell

    def status(self) -> EngineStatus:
        """The newest snapshot (at most one step old)."""
        with self._lock:
            return self._status

    def ask_to_stop(self) -> None:
        """Have it end soon: the last audio is answered, segments are closed; returns at once."""
        self.unwanted = True
        self._wake()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over, at most `timeout` seconds; whether it is."""
        return self._ended.wait(timeout)

    def stop(self, timeout: float = 2.0) -> None:
        """End it within `timeout` seconds.

        Should its device or the model hang, it is given up: the state is FAILED, and whatever comes
        of it later is not heard.
        """
        deadline = time.monotonic() + timeout
        self.ask_to_stop()
        if not self.wait(max(0.0, deadline - 0.1 - time.monotonic())):
            self.give_up()

    def give_up(self) -> None:
        """Listen to it no more, unless it is over."""
        with self._lock:
            if self._status.state.over:
                return
            self._given_up = True
            self._status = replace(self._status, state=EngineState.FAILED, reason=tr(_HANGS))
            self.hub.publish(self._status)
        _log.error("A run was given up: its device or the model hangs")
        self._end()

    def follow(self, capture: Capture) -> None:
        """Take over what a step changed; for the engine."""
        self.audio, self.error = capture.audio, capture.error

    def publish(self, event: Event) -> None:
        """Hand an event on; for the engine."""
        if not self._given_up:
            self.hub.publish(event)

    def report(self, status: EngineStatus, news: bool) -> None:
        """Take a status and publish it if it is news; for the engine."""
        with self._lock:
            if self._given_up:
                return
            if status.state is not self._status.state:
                _log.log(
                    logging.WARNING if status.state in _TROUBLE else logging.INFO,
                    "A run is %s: %s, %d overflows, %d windows skipped",
                    status.state,
                    status.provider,
                    status.overflows,
                    status.windows_skipped,
                )
            dropped = self.hub.dropped
            self._status = replace(status, events_dropped=dropped) if dropped else status
            # Inside the lock, so that statuses come out in the order in which they were true.
            if news:
                self.hub.publish(self._status)
        if status.state.over:
            self._end()

    def _end(self) -> None:
        if self._when_over is not None:
            self._when_over()
        self._ended.set()


def run_facts(
    source: str, classifier: Classifier, config: EngineConfig, provider_note: str | None
) -> RunFacts:
    """The facts of a run of this model and these settings on the source of this name.

    `provider_note`: what there was to say of the processor when the model was loaded.
    """
    metadata = classifier.metadata
    return RunFacts(
        source=source,
        model=metadata.name,
        provider=classifier.provider,
        labels=metadata.labels,
        rate=metadata.front_end.sampling_rate,
        hop_samples=config.hop_samples(metadata.front_end),
        window_samples=metadata.window_samples,
        infers_agents=config.agent_permission is not None,
        provider_note=provider_note,
    )


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

    @classmethod
    def of(
        cls, statuses: Sequence[EngineStatus], latencies_s: Sequence[float], hung_s: float
    ) -> Self:
        """Of runs with these statuses, which are older than they should be by `hung_s`."""
        p50, p99 = np.percentile(latencies_s, (50, 99)) if latencies_s else (0.0, 0.0)
        streams = [stream for status in statuses for stream in status.streams]
        going = [status for status in statuses if not status.state.over]
        return cls(
            runs=len(statuses),
            running=len(going),
            windows=sum(stream.windows for stream in streams),
            windows_skipped=sum(stream.windows_skipped for stream in streams),
            overflows=sum(status.overflows for status in statuses),
            latency_p50_ms=1000 * float(p50),
            latency_p99_ms=1000 * float(p99),
            lag_s=max((status.lag_s + hung_s for status in going), default=0.0),
        )
