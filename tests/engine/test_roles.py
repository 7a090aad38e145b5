"""Whose emotions are inferred: never the agent's, unless somebody decided so."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from emolive.audio.call import CallSource, RecordedCall
from emolive.audio.dc import DcBlocker
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine import AgentPermission, EngineConfig, Monitor
from emolive.engine.capture import Capture
from emolive.engine.monitor import classify
from emolive.engine.offline import analyze_source
from emolive.inference.classifier import Classifier, OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import (
    EngineStatus,
    Event,
    FeatureBlock,
    FloatArray,
    Prediction,
    Role,
    Segment,
    SpeechState,
)
from tests.engine.fakes import FakeSource, WatchedClassifier, advanced, step

RATE = 16_000
CALL = SourceFormat(RATE, ("agent", "customer"), (Role.AGENT, Role.CUSTOMER))
PERMISSION = AgentPermission(
    granted_by="supervisor", granted_at=datetime.now(UTC), statement="I was told that ..."
)


def heard(
    classifier: Classifier, vad: SileroVad, samples: FloatArray, config: EngineConfig
) -> tuple[Monitor, list[Event]]:
    ring = SampleRing(30 * RATE, 2)
    monitor = Monitor(CALL, ring, classifier, vad, config)
    events: list[Event] = []
    for begin in range(0, len(samples), 4_000):
        ring.write(samples[begin : begin + 4_000])
        events += monitor.step()
    return monitor, events + monitor.finish()


def of_stream(events: list[Event], stream: str) -> list[Prediction]:
    return [e for e in events if isinstance(e, Prediction) and e.stream == stream]


def both(speech: FloatArray, seconds: int = 14) -> FloatArray:
    n = seconds * RATE
    return np.stack((speech[:n], speech[n : 2 * n]), axis=1)


def test_the_agent_is_heard_but_not_classified(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    watched = WatchedClassifier(classifier)
    monitor, events = heard(watched, vad, both(speech), EngineConfig())
    agent, customer = of_stream(events, "agent"), of_stream(events, "customer")
    assert {p.state for p in agent} <= {SpeechState.NOT_INFERRED, SpeechState.SILENCE}
    spoken = [p for p in agent if p.state is SpeechState.NOT_INFERRED]
    assert spoken
    assert all(p.probabilities is None and p.label is None for p in agent)
    assert all(p.confidence == 0.0 and p.speech_ratio >= 0.12 for p in spoken)
    assert any(p.label for p in customer)
    # The classifier saw the customer's speech and nothing else.
    assert sum(watched.batches) == sum(p.probabilities is not None for p in customer)
    segments = [e for e in events if isinstance(e, Segment) and e.stream == "agent"]
    assert {s.label for s in segments} <= {"not_inferred", "silence", "uncertain"}
    assert segments[0].start_sample == 0
    for before, after in pairwise(segments):
        assert before.end_sample == after.start_sample
    roles = {status.name: (status.role, status.emotion) for status in monitor.streams}
    assert roles == {"agent": (Role.AGENT, False), "customer": (Role.CUSTOMER, True)}


def test_the_customer_is_answered_as_if_alone(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    _, events = heard(classifier, vad, both(speech), EngineConfig())
    _, allowed = heard(classifier, vad, both(speech), EngineConfig(agent_permission=PERMISSION))
    for one, other in zip(
        of_stream(events, "customer"), of_stream(allowed, "customer"), strict=True
    ):
        assert (one.state, one.label) == (other.state, other.label)


def test_a_permission_turns_the_agent_on(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    monitor, events = heard(
        classifier, vad, both(speech), EngineConfig(agent_permission=PERMISSION)
    )
    agent = of_stream(events, "agent")
    assert SpeechState.NOT_INFERRED not in {p.state for p in agent}
    assert any(p.label for p in agent)
    assert all(status.emotion for status in monitor.streams)


@pytest.mark.parametrize("gain", [1.0, -0.5])
def test_where_both_channels_carry_both_parties_neither_is_classified(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, gain: float
) -> None:
    mono = speech[: 14 * RATE]
    samples = np.stack((mono, np.float32(gain) * mono), axis=1)
    monitor, events = heard(classifier, vad, samples, EngineConfig())
    assert monitor.one_sound
    for stream in ("agent", "customer"):
        answers = of_stream(events, stream)
        assert {p.state for p in answers} <= {SpeechState.NOT_INFERRED, SpeechState.SILENCE}
        assert any(p.state is SpeechState.NOT_INFERRED for p in answers)
    assert not any(status.emotion for status in monitor.streams)
    monitor, events = heard(classifier, vad, samples, EngineConfig(agent_permission=PERMISSION))
    assert monitor.one_sound
    assert any(p.label for p in of_stream(events, "customer"))


def test_a_recorded_call_with_one_sound_says_so(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, tmp_path: Path
) -> None:
    mono = speech[: 8 * RATE]
    sf.write(tmp_path / "call.wav", np.stack((mono, mono), axis=1), RATE)
    source = RecordedCall(FileSource(tmp_path / "call.wav", paced=False, channels="split"))
    found = analyze_source(source, "call.wav", classifier, vad, EngineConfig())
    assert found.probabilities is None
    assert found.note is not None
    assert "cannot be told apart" in found.note
    assert found.note.count("same sound") == 1
    assert found.problem is None


def test_a_live_call_with_one_sound_says_so(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    device = FakeSource(RATE, ("left", "right"))
    events: list[Event] = []
    statuses: list[EngineStatus] = []
    capture = Capture(
        CallSource(device),
        classifier,
        vad,
        EngineConfig(),
        publish=events.append,
        report=lambda status, _: statuses.append(status),
        clock=time.monotonic,
    )
    step(capture, classifier)
    for begin in range(0, 6 * RATE, RATE // 10):
        block = speech[begin : begin + RATE // 10]
        device.feed(np.stack((block, block), axis=1))
        step(capture, classifier)
    capture.stop()
    assert any("cannot be told apart" in (status.hint or "") for status in statuses)
    assert statuses[-1].one_sound
    assert all(e.probabilities is None for e in events if isinstance(e, Prediction))


@pytest.mark.parametrize("field", ["granted_by", "granted_at", "statement"])
def test_a_permission_says_who_when_and_what(field: str) -> None:
    whole = PERMISSION.model_dump()
    for broken in ({**whole, field: ""}, {k: v for k, v in whole.items() if k != field}):
        with pytest.raises(ValidationError):
            AgentPermission.model_validate(broken)
    with pytest.raises(ValidationError):
        PERMISSION.granted_by = "somebody else"


def test_streams_without_a_role_are_inferred() -> None:
    config = EngineConfig()
    assert config.infers_emotion(None)
    assert config.infers_emotion(Role.CUSTOMER)
    assert not config.infers_emotion(Role.AGENT)


@settings(max_examples=8)
@given(chunks=st.lists(st.integers(40, 9_000), min_size=1, max_size=6))
def test_activity_covers_every_chunk_once_in_any_chunking(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, chunks: list[int]
) -> None:
    clip = speech[: 6 * RATE + 77]

    def activity(sizes: list[int]) -> tuple[list[bool], list[float], list[float]]:
        ring = SampleRing(30 * RATE, 1)
        monitor = Monitor(SourceFormat(RATE, ("mono",)), ring, classifier, vad, EngineConfig())
        events: list[Event] = []
        begin = index = 0
        while begin < len(clip):
            ring.write(clip[begin : begin + sizes[index % len(sizes)], None])
            begin, index = begin + sizes[index % len(sizes)], index + 1
            events += monitor.step()
        events += monitor.finish()
        found = [e.activity for e in events if isinstance(e, FeatureBlock) and e.activity]
        assert found[0].start_sample == 0
        for before, after in pairwise(found):
            assert before.end_sample == after.start_sample
        assert found[-1].end_sample == len(clip) // 512 * 512
        return (
            [flag for part in found for flag in part.speech.tolist()],
            [p for part in found for p in part.probability.tolist()],
            [level for part in found for level in part.level_dbfs.tolist()],
        )

    wanted, got = activity([len(clip)]), activity(chunks)
    assert got[0] == wanted[0]
    np.testing.assert_allclose(got[1], wanted[1], atol=1e-4)
    np.testing.assert_allclose(got[2], wanted[2], atol=1e-4)
    first = DcBlocker(RATE).accept(clip[:512])
    rms = np.sqrt(np.square(first, dtype=np.float64).mean())
    assert wanted[2][0] == pytest.approx(20 * np.log10(rms), abs=1e-3)


def test_a_gap_shows_in_the_activity(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    ring = SampleRing(30 * RATE, 1)
    monitor = Monitor(SourceFormat(RATE, ("mono",)), ring, classifier, vad, EngineConfig())
    ring.write(speech[:RATE, None])
    events = monitor.gap(2 * RATE)
    ring.write(speech[:RATE, None])
    events += monitor.step()
    first, second = (e.activity for e in events if isinstance(e, FeatureBlock))
    assert first is not None
    assert second is not None
    assert first.end_sample == RATE // 512 * 512
    assert second.start_sample == 3 * RATE


def test_the_windows_of_several_monitors_go_through_one_call(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    watched = WatchedClassifier(classifier)
    clips = [speech[: 8_000 * 12], speech[RATE * 14 : RATE * 14 + 8_000 * 12]]
    rings = [SampleRing(30 * RATE, 1) for _ in clips]
    mono = SourceFormat(RATE, ("mono",))
    monitors = [Monitor(mono, ring, watched, vad, EngineConfig()) for ring in rings]
    together: list[list[Event]] = [[], []]
    for begin in range(0, 8_000 * 12, 8_000):
        for ring, clip in zip(rings, clips, strict=True):
            ring.write(clip[begin : begin + 8_000, None])
        works = [advanced(monitor) for monitor in monitors]
        output = classify(watched, [w for work in works for w in work.windows], 8)
        first = len(works[0].windows)
        together[0] += monitors[0].settle(works[0], output[:first])
        together[1] += monitors[1].settle(works[1], output[first:])
    assert max(watched.batches) == 2
    for clip, events in zip(clips, together, strict=True):
        ring = SampleRing(30 * RATE, 1)
        alone = Monitor(mono, ring, classifier, vad, EngineConfig())
        wanted: list[Event] = []
        for begin in range(0, len(clip), 8_000):
            ring.write(clip[begin : begin + 8_000, None])
            wanted += alone.step()
        for got, want in zip(of_stream(events, "mono"), of_stream(wanted, "mono"), strict=True):
            assert (got.end_sample, got.state, got.label) == (
                want.end_sample, want.state, want.label,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "gains"),
    [(None, (1.0, 1.0)), ("agent", (0.0, 1.0)), ("customer", (1.0, 0.0)), (None, (0.0, 0.0))],
)
def test_a_party_that_is_never_heard_is_told_once(
    classifier: OnnxClassifier,
    vad: SileroVad,
    speech: FloatArray,
    tmp_path: Path,
    told: str | None,
    gains: tuple[float, float],
) -> None:
    path = tmp_path / "call.wav"
    # A line that nobody speaks on has some noise.
    noise = np.random.default_rng(0).normal(0, 1e-4, (10 * RATE, 2))
    sf.write(path, both(speech, 10) * np.array(gains, np.float32) + noise, RATE)
    source = RecordedCall(FileSource(path, paced=False, channels="split"), "left")
    found = analyze_source(source, path, classifier, vad, EngineConfig())
    if told is None:
        assert found.note is None
    else:
        assert found.note is not None
        assert f"nobody speaks on the channel {told} from beginning to end" in found.note
    mono = analyze_source(FileSource(path, paced=False), path, classifier, vad, EngineConfig())
    assert mono.note is None
