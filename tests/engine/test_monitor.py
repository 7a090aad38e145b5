from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine import EngineConfig, Monitor
from emolive.engine.monitor import classify
from emolive.errors import AudioDeviceError
from emolive.inference.classifier import Classifier, OnnxClassifier
from emolive.inference.providers import CPU_BATCH, largest_batch
from emolive.speech.silero import SileroVad
from emolive.types import Event, FeatureBlock, FloatArray, Prediction, Segment, SpeechState
from tests.engine.fakes import FakeClock, WatchedClassifier, advanced

RATE = 16_000
WINDOW = 48_000
HOP = 8_000

Push = Callable[[FloatArray], list[Event]]


def monitor(
    classifier: Classifier,
    vad: SileroVad,
    *,
    rate: int = RATE,
    streams: tuple[str, ...] = ("mono",),
    ring_s: float = 30.0,
    lossless: bool = False,
    clock: FakeClock | None = None,
    **config: float,
) -> tuple[Monitor, Push]:
    """A monitor, and what pushes a block ``(n,)`` or ``(n, streams)`` and steps."""
    ring = SampleRing(round(ring_s * rate), len(streams))
    made = Monitor(
        SourceFormat(rate, streams),
        ring,
        classifier,
        vad,
        EngineConfig(**config),
        lossless=lossless,
        clock=clock or FakeClock(),
    )

    def push(block: FloatArray) -> list[Event]:
        ring.write(block if block.ndim == 2 else block[:, None])
        return made.step()

    return made, push


def run(
    made: tuple[Monitor, Push], samples: FloatArray, chunks: list[int]
) -> tuple[list[Prediction], list[Segment]]:
    """Push everything in chunks of these sizes, over and over, and finish."""
    subject, push = made
    events: list[Event] = []
    begin = index = 0
    while begin < len(samples):
        end = begin + chunks[index % len(chunks)]
        events += push(samples[begin:end])
        begin, index = end, index + 1
    events += subject.finish()
    return predictions(events), [event for event in events if isinstance(event, Segment)]


def predictions(events: list[Event]) -> list[Prediction]:
    return [event for event in events if isinstance(event, Prediction)]


def assert_same(got: list[Prediction], wanted: list[Prediction]) -> None:
    facts = [(p.start_sample, p.end_sample, p.state, p.label, p.speech_ratio) for p in got]
    assert facts == [
        (p.start_sample, p.end_sample, p.state, p.label, p.speech_ratio) for p in wanted
    ]
    for one, other in zip(got, wanted, strict=True):
        assert (one.probabilities is None) == (other.probabilities is None)
        if one.probabilities is not None and other.probabilities is not None:
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


# Streaming equals offline.


@settings(max_examples=12)
@given(chunks=st.lists(st.integers(40, HOP), min_size=1, max_size=8))
def test_live_in_any_chunking_equals_the_whole_clip_at_once(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, chunks: list[int]
) -> None:
    clip = speech[: 12 * RATE + 123]
    wanted, whole = run(monitor(classifier, vad, lossless=True), clip, [len(clip)])
    got, segments = run(monitor(classifier, vad), clip, chunks)
    assert {p.state for p in wanted} >= {SpeechState.SPEECH}
    assert_same(got, wanted)
    assert [(s.start_sample, s.end_sample, s.label) for s in segments] == [
        (s.start_sample, s.end_sample, s.label) for s in whole
    ]


@settings(max_examples=6)
@given(
    rate=st.sampled_from([8_000, 44_100, 48_000]),
    chunks=st.lists(st.integers(100, 20_000), min_size=1, max_size=6),
)
def test_chunking_does_not_matter_at_other_rates(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, rate: int, chunks: list[int]
) -> None:
    clip = soxr.resample(speech[: 8 * RATE], RATE, rate).astype(np.float32)
    wanted, _ = run(monitor(classifier, vad, rate=rate, lossless=True), clip, [len(clip)])
    got, _ = run(monitor(classifier, vad, rate=rate, lossless=True), clip, chunks)
    assert_same(got, wanted)


def test_segments_cover_the_stream_without_gaps(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    _, segments = run(monitor(classifier, vad), speech, [700])
    assert len(segments) > 3
    assert segments[0].start_sample == 0
    assert segments[-1].end_sample == len(speech)
    for before, after in pairwise(segments):
        assert before.end_sample == after.start_sample
        assert before.label != after.label


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_the_level_hardly_changes_a_label(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, gain_db: int
) -> None:
    wanted, _ = run(monitor(classifier, vad), speech, [RATE // 2])
    louder = (speech * np.float32(10 ** (gain_db / 20))).astype(np.float32)
    got, _ = run(monitor(classifier, vad), louder, [RATE // 2])
    same = [a.label == b.label for a, b in zip(got, wanted, strict=True)]
    assert np.mean(same) >= 0.95


# Batches.


def test_streams_stay_apart_and_share_one_call(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    left, right = speech[: 10 * RATE], speech[20 * RATE : 30 * RATE]
    watched = WatchedClassifier(classifier)
    made = monitor(watched, vad, streams=("left", "right"))
    both, segments = run(made, np.stack((left, right), axis=1), [800])
    for name, alone in (("left", left), ("right", right)):
        wanted, _ = run(monitor(classifier, vad), alone, [800])
        assert_same([p for p in both if p.stream == name], wanted)
    assert {s.stream for s in segments} == {"left", "right"}
    assert max(watched.batches) == 2
    assert watched.batches.count(2) > len(watched.batches) / 2


@pytest.mark.parametrize("provider", ["CPU", "CUDA"])
def test_lossless_batches_are_full_but_not_larger(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, provider: str
) -> None:
    watched = WatchedClassifier(classifier)
    watched.provider = provider
    clip = speech[: 28 * RATE]
    wanted, _ = run(monitor(classifier, vad), clip, [RATE // 4])
    got, _ = run(monitor(watched, vad, lossless=True), clip, [len(clip)])
    assert_same(got, wanted)
    spoken = sum(answer.probabilities is not None for answer in wanted)
    assert spoken > 2 * CPU_BATCH
    # On a card, all that was there at once; the other is of the end.
    assert max(watched.batches) >= (CPU_BATCH if provider == "CPU" else spoken - 1)
    assert max(watched.batches) <= largest_batch(provider)


def test_silence_is_not_classified(classifier: OnnxClassifier, vad: SileroVad) -> None:
    watched = WatchedClassifier(classifier)
    hiss = np.random.default_rng(1).normal(0, 1e-3, 6 * RATE).astype(np.float32)
    answers, segments = run(monitor(watched, vad), hiss, [800])
    assert answers
    assert all(p.state is SpeechState.SILENCE and p.probabilities is None for p in answers)
    assert watched.batches == []
    assert [(s.label, s.start_sample, s.end_sample) for s in segments] == [
        ("silence", 0, len(hiss))
    ]


# Being late.


@pytest.mark.parametrize("takes_s", [0.3, 0.8, 1.7, 4.0])
def test_a_slow_classifier_skips_windows_instead_of_falling_behind(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, takes_s: float
) -> None:
    clock = FakeClock()
    begin = clock.now

    def work() -> None:
        clock.now += takes_s

    slow = WatchedClassifier(classifier, work)
    # Without the gate, so that every window has to be classified.
    subject, push = monitor(
        slow,
        vad,
        clock=clock,
        gate={"enter_ratio": 1e-9, "leave_ratio": 0},  # type: ignore[arg-type]
    )
    audio = np.tile(speech, 2)[: 80 * RATE]
    answers: list[Prediction] = []
    lags: list[float] = []
    pushed = 0
    while pushed < len(audio):
        # What has been spoken while the clock went on, at least one block.
        clock.now = max(clock.now, begin + (pushed + 320) / RATE)
        spoken = min(len(audio), int((clock.now - begin) * RATE))
        answered = predictions(push(audio[pushed:spoken]))
        for answer in answered:
            # The newest window there was when the work began.
            assert spoken - answer.end_sample < HOP
        answers += answered
        pushed = spoken
        lags.append(subject.lag_s)
    latencies = [answer.latency_s for answer in answers]
    hop_s = HOP / RATE
    assert max(latencies) <= takes_s + hop_s + 0.03
    # It does not grow: the end is no later than the beginning.
    assert max(latencies[-5:]) <= max(latencies[:5]) + hop_s
    assert max(lags) == 0.0  # nothing is left over after a step
    due = (len(audio) - WINDOW) // HOP + 1
    (status,) = subject.streams
    assert status.windows == len(answers)
    assert status.windows + status.windows_skipped >= due - 1
    assert (status.windows_skipped > 0) == (takes_s > hop_s)


def test_lag_says_how_many_windows_wait(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    ring = SampleRing(30 * RATE, 1)
    subject = Monitor(SourceFormat(RATE, ("mono",)), ring, classifier, vad, EngineConfig())
    assert subject.overdue_s == pytest.approx(-3.0)
    ring.write(speech[: WINDOW - 1, None])
    assert subject.lag_s == 0.0
    assert subject.overdue_s == pytest.approx(-1 / RATE)
    ring.write(speech[WINDOW - 1 : WINDOW + 2 * HOP, None])
    assert subject.lag_s == pytest.approx(1.5)
    assert subject.overdue_s == pytest.approx(1.0)
    # Of the windows that wait, only the newest will be answered.
    assert subject.streams[0].windows_skipped == 2
    subject.step()
    assert subject.lag_s == 0.0
    assert subject.overdue_s == pytest.approx(-0.5)
    assert subject.streams[0].windows_skipped == 2


def test_of_a_backlog_only_the_newest_window_is_paid_for_and_the_rest_is_counted(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    ring = SampleRing(30 * RATE, 1)
    subject = Monitor(SourceFormat(RATE, ("mono",)), ring, classifier, vad, EngineConfig())
    ring.write(speech[: 4 * RATE, None])
    subject.step()
    ring.write(speech[4 * RATE : 20 * RATE + 1_000, None])
    work = advanced(subject, newest_only=True)
    heard = sum(len(e.samples) for e in work.events if isinstance(e, FeatureBlock))
    assert heard == WINDOW + 1_000  # from where its window begins
    events = subject.settle(work, classify(classifier, work.windows, 8))
    (answer,) = [event for event in events if isinstance(event, Prediction)]
    assert answer.end_sample == 20 * RATE
    (status,) = subject.streams
    assert status.samples_lost == 20 * RATE + 1_000 - 4 * RATE - heard
    # Every window of these 20 s is either answered or counted.
    assert status.windows + status.windows_skipped == (20 * RATE - WINDOW) // HOP + 1
    assert subject.lag_s == 0.0
    # A short backlog costs no sound.
    ring.write(speech[20 * RATE + 1_000 : 23 * RATE, None])
    work = advanced(subject, newest_only=True)
    subject.settle(work, classify(classifier, work.windows, 8))
    assert subject.streams[0].samples_lost == status.samples_lost


@pytest.mark.parametrize(
    ("since_last_look_s", "latency_s"),
    # 800 samples came after it: complete for 50 ms, unless it was not there 20 ms ago.
    [(0.2, 0.05), (0.02, 0.02)],
)
def test_latency_counts_the_time_in_the_ring(
    classifier: OnnxClassifier,
    vad: SileroVad,
    speech: FloatArray,
    since_last_look_s: float,
    latency_s: float,
) -> None:
    clock = FakeClock()
    _, push = monitor(classifier, vad, clock=clock)
    push(speech[: WINDOW - 100])
    clock.now += since_last_look_s
    (answer,) = predictions(push(speech[WINDOW - 100 : WINDOW + 800]))
    assert answer.latency_s == pytest.approx(latency_s)


# Losing audio.


def test_an_overrun_ring_is_a_gap_and_counted(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    made = monitor(classifier, vad, ring_s=5.0)
    subject, push = made
    events = push(speech[: 4 * RATE])
    # 13 s at once into a ring of 5 s: the first 8 are lost.
    events += push(speech[4 * RATE : 17 * RATE])
    events += push(speech[17 * RATE : 20 * RATE])
    events += subject.finish()
    (status,) = subject.streams
    assert subject.ring_overruns == 1
    assert status.samples_lost == 8 * RATE
    assert status.samples == 20 * RATE
    spans = [(p.start_sample / RATE, p.end_sample / RATE) for p in predictions(events)]
    assert all(end <= 4 or start >= 12 for start, end in spans)
    assert spans[-1] == (17, 20)
    segments = [event for event in events if isinstance(event, Segment)]
    assert segments[0].start_sample == 0
    assert segments[-1].end_sample == 20 * RATE
    for before, after in pairwise(segments):
        assert before.end_sample == after.start_sample
    # Nobody heard the middle of the gap, so nothing is claimed of it.
    (middle,) = (s for s in segments if s.start_sample <= 8 * RATE < s.end_sample)
    assert middle.label == "uncertain"
    assert middle.confidence < 0.3


def test_after_a_gap_answers_are_those_of_fresh_audio(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    fresh, _ = run(monitor(classifier, vad), speech[20 * RATE : 28 * RATE], [800])
    subject, push = monitor(classifier, vad)
    for begin in range(0, 5 * RATE, 800):
        push(speech[begin : begin + 800])
    subject.gap(3 * RATE)
    events: list[Event] = []
    for begin in range(20 * RATE, 28 * RATE, 800):
        events += push(speech[begin : begin + 800])
    events += subject.finish()
    got = predictions(events)
    assert [p.start_sample - 8 * RATE for p in got] == [p.start_sample for p in fresh]
    for one, other in zip(got, fresh, strict=True):
        assert (one.label, one.speech_ratio) == (other.label, other.speech_ratio)


def test_a_source_may_come_back_at_another_rate(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    subject, push = monitor(classifier, vad)
    events = push(speech[: 5 * RATE])
    ring = SampleRing(30 * 48_000, 1)
    events += subject.resume(SourceFormat(48_000, ("mono",)), ring, 2 * RATE)
    faster = soxr.resample(speech[7 * RATE : 12 * RATE], RATE, 48_000).astype(np.float32)
    ring.write(faster[:, None])
    events += subject.finish()
    assert subject.elapsed_s == pytest.approx(12.0)
    assert predictions(events)[-1].end_sample == pytest.approx(12 * RATE, abs=160)
    blocks = [event for event in events if isinstance(event, FeatureBlock)]
    assert blocks[-1].end_sample == pytest.approx(12 * RATE, abs=2)
    assert subject.streams[0].samples_lost == 2 * RATE


def test_a_source_may_not_come_back_with_other_channels(
    classifier: OnnxClassifier, vad: SileroVad
) -> None:
    subject, _ = monitor(classifier, vad)
    ring = SampleRing(1_000, 2)
    with pytest.raises(AudioDeviceError, match="left, right instead of mono"):
        subject.resume(SourceFormat(RATE, ("left", "right")), ring, 0)


def test_digital_zeros_are_named_per_stream(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    subject, push = monitor(classifier, vad, streams=("left", "right"))
    push(np.stack((speech[: 3 * RATE], np.zeros(3 * RATE, np.float32)), axis=1))
    assert subject.silent_zeros == ("right",)
