"""The live engine: the pipeline on a thread, with a lifecycle that a person can follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from emolive.audio.source import AudioSource
from emolive.engine.capture import Capture, LiveAudio
from emolive.engine.config import EngineConfig
from emolive.engine.facts import RunFacts, run_facts
from emolive.engine.hub import Hub
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event

_AT_REST = (EngineState.IDLE, EngineState.STOPPED, EngineState.FAILED)


class _Run:
    """One run: a capture, and the thread's wish to end it."""

    capture: Capture

    def __init__(self) -> None:
        self.wish_to_stop = threading.Event()

    def loop(self) -> None:
        """Step until it is over."""
        capture = self.capture
        while not capture.over:
            capture.step()
            if self.wish_to_stop.wait(capture.wait_s):
                capture.stop()


class LiveEngine:
    """Runs a source through the pipeline until it is stopped, ends or fails.

    IDLE → STARTING → RUNNING (⇄ RECONNECTING) → STOPPING → STOPPED, or FAILED with a reason from
    anywhere. The source is opened on the engine's thread, so a device that cannot be opened shows
    as FAILED, not as an exception from `start`. Predictions, segments, feature blocks and statuses
    go to `hub`; the last event of a run is its STOPPED or FAILED status. All methods may be called
    from any thread; the classifier stays the caller's to close.
    """

    def __init__(
        self,
        source: AudioSource,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        hub: Hub,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing runs before `start`.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        config.hop_samples(classifier.metadata.front_end)
        self._source = source
        self._classifier = classifier
        self._vad = vad
        self._config = config
        self._hub = hub
        self._clock = clock
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None
        self._status = EngineStatus(
            EngineState.IDLE,
            source=source.name,
            provider=classifier.provider,
            provider_note=classifier.provider_note,
            model=classifier.metadata.name,
        )

    @property
    def hub(self) -> Hub:
        """Where its events come out."""
        return self._hub

    @property
    def facts(self) -> RunFacts:
        """What stays the same during a run."""
        return run_facts(self._source.name, self._classifier, self._config)

    @property
    def error(self) -> Exception | None:
        """What made the run fail, for debugging; `status().reason` is for people."""
        run = self._run
        return run.capture.error if run else None

    @property
    def audio(self) -> LiveAudio | None:
        """What the source of the present run writes; None before it was opened."""
        run = self._run
        return run.capture.audio if run else None

    def status(self) -> EngineStatus:
        """The newest snapshot (at most one worker step old)."""
        with self._lock:
            return self._status

    def start(self) -> None:
        """Begin; returns at once. An engine at rest may be started again, with fresh counters.

        Raises:
            RuntimeError: it is running.
        """
        with self._lock:
            if self._status.state not in _AT_REST:
                raise RuntimeError("the engine is already running")
            run = _Run()
            run.capture = Capture(
                self._source,
                self._classifier,
                self._vad,
                self._config,
                publish=lambda event: self._publish(run, event),
                report=lambda status, news: self._report(run, status, news),
                clock=self._clock,
            )
            thread = threading.Thread(target=run.loop, name="emolive engine", daemon=True)
            self._run, self._thread = run, thread
            self._status = replace(run.capture.status(), events_dropped=self._hub.dropped)
            self._hub.publish(self._status)
        thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over, at most `timeout` seconds; whether it is."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
            return not thread.is_alive()
        return True

    def stop(self, timeout: float = 2.0) -> None:
        """End the run: the last audio is answered, segments are closed, the source is released.

        Returns within `timeout` seconds. A worker that hangs (in a driver, say) is given up then:
        the state is FAILED, and whatever it still says is not heard.
        """
        run = self._run
        if run is None:
            return
        run.wish_to_stop.set()
        if self.wait(max(0.0, timeout - 0.1)):
            return
        with self._lock:
            if self._run is not run or self._status.state in _AT_REST:
                return
            self._run = None
            self._status = replace(
                self._status,
                state=EngineState.FAILED,
                reason="The engine did not stop in time: the audio device or the model hangs.",
            )
            self._hub.publish(self._status)
        # Not on this thread: what hangs may make closing hang, too.
        threading.Thread(target=self._source.close, name="emolive close", daemon=True).start()

    def _publish(self, run: _Run, event: Event) -> None:
        if self._run is run:  # not given up
            self._hub.publish(event)

    def _report(self, run: _Run, status: EngineStatus, news: bool) -> None:
        with self._lock:
            if self._run is not run:
                return
            self._status = replace(status, events_dropped=self._hub.dropped)
            # Inside the lock, so that statuses come out in the order in which they were true.
            if news:
                self._hub.publish(self._status)
