from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from emolive.audio.files import FileSource
from emolive.engine import EngineConfig, LiveRun, Mailbox
from emolive.engine.hints import zeros_hint
from emolive.engine.live import LiveEngine
from emolive.errors import AudioFileError, EmoliveError, ModelError
from emolive.inference.classifier import Classifier, OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import (
    EngineState,
    EngineStatus,
    Event,
    FeatureBlock,
    FloatArray,
    Prediction,
    Segment,
)
from tests.engine.fakes import FakeSource, WatchedClassifier, refusal, until, until_state

RATE = 16_000

Start = Callable[..., tuple[LiveRun, Mailbox]]


@pytest.fixture
def start(classifier: OnnxClassifier, vad: SileroVad) -> Iterator[Start]:
    """Starts an engine on a source; whatever still runs at the end is stopped."""
    engines: list[LiveEngine] = []

    def begin(
        source: FakeSource | FileSource,
        used: Classifier = classifier,
        *,
        capacity: int = 5_000,
        **config: float,
    ) -> tuple[LiveRun, Mailbox]:
        settings = {"reconnect_every_s": 0.02, "status_every_s": 0.2} | config
        engine = LiveEngine(used, vad, EngineConfig(**settings))
        engines.append(engine)
        engine.start()
        run = engine.add("live", source)
        mailbox = run.hub.subscribe(capacity)
        run.start()
        return run, mailbox

    yield begin
    for engine in engines:
        engine.stop()


def states(events: list[Event]) -> list[EngineState]:
    """The states in order, without repetitions."""
    found: list[EngineState] = []
    for event in events:
        if isinstance(event, EngineStatus) and found[-1:] != [event.state]:
            found.append(event.state)
    return found


def test_a_run_from_start_to_the_end_of_its_source(start: Start, speech: FloatArray) -> None:
    source = FakeSource()
    run, mailbox = start(source)
    source.feed(speech[: 6 * RATE])
    source.end()
    last, before = until_state(mailbox, EngineState.STOPPED)
    assert states(before) == [EngineState.STARTING, EngineState.RUNNING, EngineState.STOPPING]
    assert run.wait(60)
    assert run.status() == last
    assert last.source == "fake"
    assert last.provider == "CPU"
    assert last.model == "tiny"
    assert last.elapsed_s == pytest.approx(6.0)
    assert last.reason is None
    assert last.lag_s == 0.0
    answers = [event for event in before if isinstance(event, Prediction)]
    assert answers[-1].end_sample == 6 * RATE
    assert last.streams[0].windows == len(answers)
    segments = [event for event in before if isinstance(event, Segment)]
    assert segments[-1].end_sample == 6 * RATE
    assert any(isinstance(event, FeatureBlock) for event in before)
    assert source.closed
    assert mailbox.drain() == []


def test_stopping_answers_the_last_audio_and_releases_the_source(
    start: Start, speech: FloatArray
) -> None:
    source = FakeSource()
    run, mailbox = start(source)
    source.feed(speech[: 4 * RATE])
    until(mailbox, lambda e: isinstance(e, Prediction))
    source.feed(speech[4 * RATE : 5 * RATE + 1_600])
    run.stop()
    assert run.status().state is EngineState.STOPPED
    events = mailbox.drain()
    assert isinstance(events[-1], EngineStatus)
    assert events[-1].state is EngineState.STOPPED
    assert [e for e in events if isinstance(e, Segment)][-1].end_sample == 5 * RATE + 1_600
    assert source.closed
    run.stop()  # harmless
    assert run.status().state is EngineState.STOPPED


def test_a_paced_file_is_a_live_source(start: Start) -> None:
    path = asset(DEMO_AUDIO)
    run, mailbox = start(FileSource(path, paced=True, block_s=0.02))
    first, _ = until(mailbox, lambda e: isinstance(e, Prediction))
    assert isinstance(first, Prediction)
    assert first.end_sample == 3 * RATE
    assert first.latency_s > 0
    run.stop()
    assert run.status().hint is None


def test_the_status_comes_at_least_at_its_interval_and_is_frozen(start: Start) -> None:
    source = FakeSource()
    run, mailbox = start(source, status_every_s=0.05)
    until_state(mailbox, EngineState.RUNNING)
    for _ in range(3):
        until_state(mailbox, EngineState.RUNNING)
    with pytest.raises(FrozenInstanceError):
        run.status().overflows = 3  # type: ignore[misc]


def test_overflows_of_the_driver_are_in_the_status(start: Start) -> None:
    source = FakeSource()
    _, mailbox = start(source, status_every_s=0.02)
    until_state(mailbox, EngineState.RUNNING)
    source.overflow(3)
    until(mailbox, lambda e: isinstance(e, EngineStatus) and e.overflows == 3)


def test_events_that_a_slow_consumer_loses_are_in_the_status(
    start: Start, speech: FloatArray
) -> None:
    source = FakeSource()
    run, mailbox = start(source, capacity=4)
    source.feed(speech[: 8 * RATE])
    source.end()
    assert run.wait(60)
    # The status that tells it takes a place, too.
    assert mailbox.dropped - 1 <= run.status().events_dropped <= mailbox.dropped
    assert mailbox.dropped > 0


# Failing.


def test_a_source_that_does_not_open_fails_with_its_sentence(start: Start) -> None:
    source = FakeSource()
    source.refusals = [refusal()]
    run, mailbox = start(source)
    failed, _ = until_state(mailbox, EngineState.FAILED)
    assert failed.reason == str(refusal())
    assert isinstance(run.error, EmoliveError)
    assert run.wait(60)


def test_a_classifier_that_fails_ends_the_run_with_a_reason(
    start: Start, classifier: OnnxClassifier, speech: FloatArray
) -> None:
    answers = 0

    def fail_at_the_third() -> None:
        nonlocal answers
        answers += 1
        if answers == 3:
            raise ModelError("The model stopped working: start again.")

    source = FakeSource()
    run, mailbox = start(source, WatchedClassifier(classifier, fail_at_the_third))
    source.feed(speech[: 2 * RATE])
    before: list[Event] = []
    failed = run.status()
    for begin in range(2 * RATE, 20 * RATE, 8_000):
        source.feed(speech[begin : begin + 8_000])
        if begin + 8_000 >= 3 * RATE:
            event, more = until(
                mailbox,
                lambda e: (
                    isinstance(e, Prediction)
                    or (isinstance(e, EngineStatus) and e.state is EngineState.FAILED)
                ),
            )
            before += more
            if isinstance(event, EngineStatus):
                failed = event
                break
    assert failed.reason == "The model stopped working: start again."
    # What was decided before is not lost.
    assert any(isinstance(event, Segment) for event in before)
    assert source.closed


def test_an_unexpected_error_is_told_too(
    start: Start, classifier: OnnxClassifier, speech: FloatArray
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("of all things")

    source = FakeSource()
    run, mailbox = start(source, WatchedClassifier(classifier, fail))
    source.feed(speech[: 4 * RATE])
    failed, _ = until_state(mailbox, EngineState.FAILED)
    assert failed.reason == "Internal error: ZeroDivisionError: of all things"
    assert isinstance(run.error, ZeroDivisionError)


def test_a_broken_file_fails_with_its_sentence(start: Start, tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    run, mailbox = start(FileSource(empty, paced=True))
    failed, _ = until_state(mailbox, EngineState.FAILED)
    assert "empty" in (failed.reason or "")
    assert isinstance(run.error, AudioFileError)


def test_a_source_that_ends_badly_leaves_its_reason(start: Start) -> None:
    source = FakeSource()
    _, mailbox = start(source)
    until_state(mailbox, EngineState.RUNNING)
    source.end("clip.flac is damaged: decoding stopped at 2.0 s.")
    stopped, _ = until_state(mailbox, EngineState.STOPPED)
    assert stopped.reason == "clip.flac is damaged: decoding stopped at 2.0 s."


def test_stop_returns_even_if_the_model_hangs(
    start: Start, classifier: OnnxClassifier, speech: FloatArray
) -> None:
    release, hanging, over = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        release.wait(60)
        over.set()

    source = FakeSource()
    run, mailbox = start(source, WatchedClassifier(classifier, hang))
    source.feed(speech[: 4 * RATE])
    assert hanging.wait(60)
    run.stop()
    assert not over.is_set()
    status = run.status()
    assert status.state is EngineState.FAILED
    assert "did not stop in time" in (status.reason or "")
    events = mailbox.drain()
    assert events[-1] == status
    # What the lost worker says later is not heard.
    release.set()
    assert run.wait(60)
    assert mailbox.drain() == []
    assert run.status() == status


# Reconnecting.


def test_a_lost_device_is_reopened_and_the_gap_is_in_the_timeline(
    start: Start, speech: FloatArray
) -> None:
    source = FakeSource()
    run, mailbox = start(source)
    source.feed(speech[: 4 * RATE])
    until(mailbox, lambda e: isinstance(e, Prediction))
    source.refusals = [refusal(), refusal(), refusal()]
    source.lose()
    lost, _ = until_state(mailbox, EngineState.RECONNECTING)
    assert lost.reason == "fake is gone: plug it in again."
    back, _ = until_state(mailbox, EngineState.RUNNING)
    assert back.reconnects == 1
    assert back.reason is None
    assert source.opened == 5
    (stream,) = back.streams
    # It was away for as long as four attempts take, at least.
    assert stream.samples_lost >= 4 * 0.02 * RATE
    assert back.elapsed_s == pytest.approx(4 + stream.samples_lost / RATE, abs=0.01)
    source.feed(speech[10 * RATE : 15 * RATE])
    after, _ = until(mailbox, lambda e: isinstance(e, Prediction))
    assert isinstance(after, Prediction)
    assert after.start_sample >= 4 * RATE + stream.samples_lost
    run.stop()
    assert run.status().state is EngineState.STOPPED


def test_stop_works_while_reconnecting(start: Start) -> None:
    source = FakeSource()
    run, mailbox = start(source, reconnect_every_s=60)
    until_state(mailbox, EngineState.RUNNING)
    source.lose()
    until_state(mailbox, EngineState.RECONNECTING)
    run.stop()
    assert run.status().state is EngineState.STOPPED


def test_a_device_that_comes_back_with_other_channels_is_a_failure(start: Start) -> None:
    source = FakeSource()
    _, mailbox = start(source)
    until_state(mailbox, EngineState.RUNNING)
    source.format = FakeSource(streams=("left", "right")).format
    source.lose()
    failed, _ = until_state(mailbox, EngineState.FAILED)
    assert "other channels" in (failed.reason or "")


# Hints.


def test_digital_zeros_bring_a_hint_that_sound_takes_away(start: Start, speech: FloatArray) -> None:
    source = FakeSource(48_000)
    _, mailbox = start(source, status_every_s=60)
    until_state(mailbox, EngineState.RUNNING)
    source.feed(np.zeros(48_000, np.float32))
    source.feed(np.zeros(48_000, np.float32))
    # News at once, not only at the next interval.
    event, _ = until(mailbox, lambda e: isinstance(e, EngineStatus) and e.hint is not None)
    assert isinstance(event, EngineStatus)
    assert "digital silence" in (event.hint or "")
    source.feed(speech[:4_800])
    until(mailbox, lambda e: isinstance(e, EngineStatus) and e.hint is None)


def test_what_the_source_has_to_say_is_a_hint(start: Start) -> None:
    source = FakeSource()
    _, mailbox = start(source)
    until_state(mailbox, EngineState.RUNNING)
    source.say("fake: 3 samples were not finite numbers and were taken as silence.")
    event, _ = until(mailbox, lambda e: isinstance(e, EngineStatus) and e.hint is not None)
    assert isinstance(event, EngineStatus)
    assert "3 samples" in (event.hint or "")


@pytest.mark.parametrize(
    ("platform", "words"),
    [("darwin", "System Settings > Privacy & Security > Microphone"), ("linux", "not muted")],
)
def test_the_hint_says_what_to_do_here(platform: str, words: str) -> None:
    hint = zeros_hint("Mic", ["mono"], ["mono"], platform)
    assert hint is not None
    assert words in hint
    assert "Mic" in hint


def test_one_dead_channel_is_a_cable_not_a_permission() -> None:
    hint = zeros_hint("Mic", ["right"], ["left", "right"], "darwin")
    assert hint is not None
    assert "right" in hint
    assert "Privacy" not in hint
    assert zeros_hint("Mic", [], ["mono"]) is None
