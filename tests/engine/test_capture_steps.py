"""A run in steps: without threads, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from emolive.audio.jobs import Runner
from emolive.audio.source import SourceFormat
from emolive.engine import EngineConfig
from emolive.engine.capture import Capture
from emolive.errors import ModelError
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import (
    EngineState,
    EngineStatus,
    Event,
    FloatArray,
    ModelOutput,
    Prediction,
    Segment,
)
from tests.engine.fakes import FakeClock, FakeSource, advanced, refusal, step

RATE = 16_000


class Later:
    """Opens only when told, as a thread pool does when it gets round to it."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Future[Any]]] = []

    def submit(self, job: Callable[[], Any], /) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs.append((job, future))
        return future

    def run(self) -> None:
        for job, future in self.jobs:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except Exception as error:
                    future.set_exception(error)
        self.jobs.clear()


class Bench:
    """A capture of a fake source, and everything it said."""

    def __init__(
        self, classifier: OnnxClassifier, vad: SileroVad, opener: Runner | None = None
    ) -> None:
        self.clock = FakeClock()
        self.source = FakeSource()
        self.events: list[Event] = []
        self.statuses: list[EngineStatus] = []
        self.classifier = classifier
        self.capture = Capture(
            self.source,
            classifier,
            vad,
            EngineConfig(),
            publish=self.events.append,
            report=lambda status, _: self.statuses.append(status),
            clock=self.clock,
            opener=opener,
        )

    @property
    def state(self) -> EngineState:
        return self.capture.status().state

    def step(self) -> None:
        step(self.capture, self.classifier)

    def hear(self, samples: FloatArray) -> None:
        for begin in range(0, len(samples), 8_000):
            self.source.feed(samples[begin : begin + 8_000])
            self.clock.now += 0.5
            self.step()


@pytest.fixture
def bench(classifier: OnnxClassifier, vad: SileroVad) -> Bench:
    return Bench(classifier, vad)


def test_the_first_step_opens(bench: Bench) -> None:
    assert bench.state is EngineState.STARTING
    assert bench.capture.audio is None
    bench.step()
    assert bench.state is EngineState.RUNNING
    audio = bench.capture.audio
    assert audio is not None
    assert (audio.start_sample, audio.source_format) == (0, bench.source.format)
    bench.capture.stop()
    assert bench.capture.over
    assert bench.source.closed == 1


def test_audio_after_a_reconnection_begins_where_the_timeline_goes_on(
    bench: Bench, speech: FloatArray
) -> None:
    bench.step()
    bench.hear(speech[: 4 * RATE])
    before = bench.capture.audio
    bench.source.lose()
    bench.step()
    assert bench.state is EngineState.RECONNECTING
    bench.source.refusals = [refusal()]
    opened = bench.source.opened
    bench.step()  # too early to try
    assert bench.source.opened == opened
    bench.clock.now += 1.0
    bench.step()  # refused
    assert bench.state is EngineState.RECONNECTING
    bench.source.format = FakeSource(48_000).format
    bench.clock.now += 1.0
    bench.step()
    assert bench.state is EngineState.RUNNING
    audio = bench.capture.audio
    assert audio is not None
    assert before is not None
    assert audio.ring is not before.ring
    assert audio.source_format.sampling_rate == 48_000
    assert audio.start_sample == 4 * RATE + 2 * RATE
    (stream,) = bench.capture.status().streams
    assert stream.samples_lost == 2 * RATE
    assert stream.native_rate == 48_000


def test_what_a_source_put_silence_for_counts_as_lost(bench: Bench, speech: FloatArray) -> None:
    def lost() -> int:
        (stream,) = bench.capture.status().streams
        return stream.samples_lost

    bench.step()
    for lost_s in (0.5, 0.5, 1.25):
        bench.hear(speech[:RATE])
        bench.source.fill_in(lost_s)
        bench.step()
        assert lost() == lost_s * RATE
    bench.source.lose()
    bench.step()
    bench.clock.now += 2.0
    bench.step()
    assert bench.state is EngineState.RUNNING
    before = lost()
    assert before > 1.25 * RATE
    # It counts anew, the run goes on.
    bench.source.fill_in(0.25)
    bench.step()
    assert lost() == before + 0.25 * RATE


def test_opening_elsewhere_does_not_hold_up_the_steps(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    later = Later()
    bench = Bench(classifier, vad, later)
    for _ in range(3):
        bench.step()
        assert bench.state is EngineState.STARTING
    assert len(later.jobs) == 1
    later.run()
    bench.step()
    assert bench.state is EngineState.RUNNING
    bench.hear(speech[: 3 * RATE])
    assert any(isinstance(event, Prediction) for event in bench.events)


@pytest.mark.parametrize("begun", [False, True])
def test_stopping_while_it_is_opened_elsewhere_closes_it_in_the_end(
    classifier: OnnxClassifier, vad: SileroVad, begun: bool
) -> None:
    later = Later()
    bench = Bench(classifier, vad, later)
    bench.step()
    if begun:
        ((job, future),) = later.jobs
        future.set_running_or_notify_cancel()
        bench.capture.stop()
        assert bench.source.closed == 0  # its opener has it
        future.set_result(job())
    else:
        bench.capture.stop()
        later.run()
        assert bench.source.opened == 0
    assert bench.capture.over
    assert bench.source.closed == 1


def test_what_fails_elsewhere_ends_this_run_only_once(bench: Bench, speech: FloatArray) -> None:
    bench.step()
    bench.hear(speech[: 4 * RATE])
    bench.capture.fail(ModelError("The model stopped working: start again."))
    assert bench.state is EngineState.FAILED
    assert bench.statuses[-1].reason == "The model stopped working: start again."
    assert any(isinstance(event, Segment) for event in bench.events)
    bench.capture.fail(ValueError("another"))
    bench.capture.stop()
    assert isinstance(bench.capture.error, ModelError)
    assert bench.source.closed == 1


def test_logits_that_do_not_fit_fail_the_run(bench: Bench, speech: FloatArray) -> None:
    bench.step()
    bench.source.feed(speech[: 3 * RATE])
    work = advanced(bench.capture)
    assert work.windows
    bench.capture.settle(work, ModelOutput(np.empty((0, 8), np.float32)))
    assert bench.state is EngineState.FAILED


def test_a_loopback_may_be_silent_a_microphone_may_not(
    classifier: OnnxClassifier, vad: SileroVad
) -> None:
    bench = Bench(classifier, vad)
    bench.source.format = SourceFormat(RATE, ("agent", "customer"), loopbacks=("customer",))
    bench.step()
    noise = np.random.default_rng(0).normal(0, 1e-3, (3 * RATE, 2)).astype(np.float32)
    noise[:, 1] = 0.0
    bench.hear(noise)
    assert bench.capture.status().hint is None  # nothing is played
    bench.hear(np.zeros((3 * RATE, 2), np.float32))
    hint = bench.capture.status().hint
    assert hint is not None
    assert "digital silence" in hint
