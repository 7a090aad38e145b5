"""Sources, classifiers and clocks with the real interfaces, under a test's control."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.engine import Mailbox
from emolive.engine.capture import Capture
from emolive.engine.monitor import Monitor, Work, classify
from emolive.errors import AudioDeviceError, EmoliveError
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import EngineState, EngineStatus, Event, FloatArray, ModelOutput
from tests.waiting import PATIENCE_S


class FakeClock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class WatchedClassifier:
    """A real classifier, with a look at the batches, and something to happen on each call."""

    def __init__(self, real: Classifier, on_predict: Callable[[], None] = lambda: None) -> None:
        self._real = real
        self._on_predict = on_predict
        self.batches: list[int] = []
        self.provider = real.provider
        self.provider_note = real.provider_note

    @property
    def metadata(self) -> ModelMetadata:
        return self._real.metadata

    def predict(self, windows: FloatArray) -> ModelOutput:
        self.batches.append(len(windows))
        self._on_predict()
        return self._real.predict(windows)

    def close(self) -> None:
        self._real.close()


class FakeSource:
    """An input device that a test plugs, feeds and unplugs. Thread-safe."""

    def __init__(
        self, sampling_rate: int = 16_000, streams: tuple[str, ...] = ("mono",), name: str = "fake"
    ) -> None:
        self.name = name
        self.format = SourceFormat(sampling_rate, streams)
        self.opened = 0
        self.closed = 0
        self.refusals: list[EmoliveError] = []
        self.started = threading.Event()
        self._lock = threading.Lock()
        self._ring: SampleRing | None = None
        self._status = SourceStatus(SourceState.CLOSED)

    def open(self) -> SourceFormat:
        with self._lock:
            self.opened += 1
            if self.refusals:
                raise self.refusals.pop(0)
            self._status = SourceStatus(SourceState.CLOSED)
            return self.format

    def start(self, ring: SampleRing) -> None:
        with self._lock:
            self._ring = ring
            self._status = SourceStatus(SourceState.RUNNING)
        self.started.set()

    def status(self) -> SourceStatus:
        with self._lock:
            return self._status

    def close(self) -> None:
        with self._lock:
            self.closed += 1
            self._ring = None
            self._status = SourceStatus(SourceState.CLOSED)
        self.started.clear()

    def feed(self, samples: FloatArray) -> None:
        """Deliver audio, ``(n,)`` for all streams alike or ``(n, streams)``."""
        assert self.started.wait(PATIENCE_S)
        with self._lock:
            assert self._ring is not None
            block = samples if samples.ndim == 2 else samples[:, None]
            self._ring.write(np.broadcast_to(block, (len(block), len(self.format.streams))))

    def lose(self, message: str = "fake is gone: plug it in again.") -> None:
        """Be unplugged."""
        self.started.clear()
        with self._lock:
            self._status = SourceStatus(SourceState.LOST, message)

    def end(self, message: str | None = None) -> None:
        """Have no more audio."""
        with self._lock:
            self._status = SourceStatus(SourceState.ENDED, message)

    def say(self, message: str) -> None:
        """Have something to tell while running."""
        with self._lock:
            self._status = SourceStatus(SourceState.RUNNING, message)

    def overflow(self, count: int) -> None:
        """Have lost `count` blocks in the driver."""
        with self._lock:
            self._status = SourceStatus(SourceState.RUNNING, overflows=count)

    def fill_in(self, *lost_s: float) -> None:
        """Have put silence for so long into each stream, since it was opened."""
        with self._lock:
            self._status = SourceStatus(SourceState.RUNNING, lost_s=lost_s)


def advanced(one: Monitor | Capture, *, newest_only: bool = False) -> Work:
    """What a monitor or a capture, which runs, has to be answered."""
    taken = one.take(newest_only=newest_only)
    assert taken is not None
    work = one.hear(taken, [voice.accept(samples) for voice, samples in taken.sounds])
    assert work is not None
    return work


def step(capture: Capture, classifier: Classifier) -> None:
    """Look at a capture and answer what is there, as an engine does."""
    capture.look()
    if capture.status().state is EngineState.RUNNING:
        work = advanced(capture)
        capture.settle(work, classify(classifier, work.windows, 8))


def refusal() -> AudioDeviceError:
    return AudioDeviceError("fake is not connected: plug it in.")


def until(
    mailbox: Mailbox, wanted: Callable[[Event], bool], timeout: float = PATIENCE_S
) -> tuple[Event, list[Event]]:
    """Wait for an event; returns it and what came before."""
    before: list[Event] = []
    while True:
        event = mailbox.get(timeout)
        assert event is not None, f"nothing for {timeout} s; before: {before[-3:]}"
        if wanted(event):
            return event, before
        before.append(event)


def until_state(
    mailbox: Mailbox, state: EngineState, timeout: float = PATIENCE_S
) -> tuple[EngineStatus, list[Event]]:
    """Wait for a status with this state."""
    event, before = until(
        mailbox, lambda e: isinstance(e, EngineStatus) and e.state is state, timeout
    )
    assert isinstance(event, EngineStatus)
    return event, before
