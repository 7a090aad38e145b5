"""Runs to record: a ring under a test's control, events by hand; the interface of `LiveEngine`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine import Hub
from emolive.engine.capture import LiveAudio
from emolive.session.recorder import Recorder, RecorderState, RecorderStatus
from emolive.types import (
    EngineState,
    EngineStatus,
    FeatureBlock,
    FloatArray,
    RunFacts,
    StreamStatus,
)
from tests.session.filled import LABELS, RATE
from tests.waiting import PATIENCE_S


def exact(n: int, seed: int = 0, channels: int = 1) -> FloatArray:
    """Sound that a 24-bit file holds exactly, ``(n, channels)``."""
    whole = np.random.default_rng(seed).integers(-(2**22), 2**22, (n, channels))
    return (whole / 2.0**23).astype(np.float32)


class HandRun:
    """A run whose audio and events a test makes."""

    def __init__(self, native_rate: int = 8_000, streams: tuple[str, ...] = ("mono",)) -> None:
        self.hub = Hub()
        self.audio: LiveAudio | None = None
        self.state = EngineState.IDLE
        self.facts = RunFacts(
            source="hand",
            model="tiny",
            provider="CPU",
            labels=LABELS,
            rate=RATE,
            hop_samples=RATE // 2,
            window_samples=3 * RATE,
            infers_agents=False,
        )
        self.format = SourceFormat(native_rate, streams)

    def status(self) -> EngineStatus:
        return EngineStatus(self.state)

    def open(self, start_sample: int = 0, *, ring_s: float = 30.0, rate: int | None = None) -> None:
        """The source is there."""
        if rate is not None:
            self.format = SourceFormat(rate, self.format.streams, self.format.roles)
        capacity = round(ring_s * self.format.sampling_rate)
        ring = SampleRing(capacity, len(self.format.streams))
        self.audio = LiveAudio(self.format, ring, start_sample)
        self.enter(EngineState.RUNNING)

    def feed(self, samples: FloatArray) -> None:
        """Audio arrives, ``(n, streams)``; then the engine tells how far it is."""
        assert self.audio is not None
        self.audio.ring.write(samples)
        self.tell()

    def tell(self) -> None:
        """A feature block up to the newest sample, for each stream."""
        assert self.audio is not None
        end = self.audio.start_sample + (
            self.audio.ring.written * RATE // self.format.sampling_rate
        )
        for stream in self.format.streams:
            empty = np.empty((128, 0), np.float32)
            self.hub.publish(FeatureBlock(stream, end, end, empty, -60.0, -60.0, speech=False))

    def enter(self, state: EngineState, *streams: StreamStatus) -> None:
        """A status."""
        self.state = state
        self.hub.publish(EngineStatus(state, streams=streams))


def until(
    recorder: Recorder, wanted: Callable[[RecorderStatus], bool], timeout: float = PATIENCE_S
) -> RecorderStatus:
    """Wait for a status of the recorder."""
    deadline = time.monotonic() + timeout
    while not wanted(status := recorder.status()):
        assert time.monotonic() < deadline, status
        time.sleep(0.01)
    return status


def until_elapsed(recorder: Recorder, seconds: float) -> RecorderStatus:
    return until(recorder, lambda status: status.elapsed_s >= seconds)


def until_state(recorder: Recorder, state: RecorderState) -> RecorderStatus:
    return until(recorder, lambda status: status.state is state)
