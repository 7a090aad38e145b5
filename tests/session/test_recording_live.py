"""Real engines, recorded: what is stored is what was heard and answered."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.audio.files import FileSource
from emolive.audio.microphone import Microphone
from emolive.audio.source import SourceFormat
from emolive.engine import EngineConfig, LiveRun, Mailbox
from emolive.engine.live import LiveEngine
from emolive.inference.classifier import OnnxClassifier
from emolive.session.flac import _PatientFile
from emolive.session.library import Library
from emolive.session.recorder import Recorder, RecorderState
from emolive.session.records import GapKind, SessionInfo
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, FloatArray, Prediction, Role
from tests.conftest import SUPPORT_CALL
from tests.engine.fakes import FakeSource, until, until_state
from tests.pulse import PulseServer
from tests.session.runs import until_elapsed

RATE = 16_000


def heard(library: Library, info: SessionInfo, stream: str = "mono") -> FloatArray:
    path = library.audio_path(info.id, stream)
    assert path is not None
    return sf.read(path, dtype="float32")[0]


def recorded(recorder: Recorder) -> SessionInfo:
    info = recorder.stop()
    assert info is not None
    assert (recorder.status().state, recorder.status().error) == (RecorderState.STOPPED, None)
    return info


def predictions(mailbox: Mailbox) -> list[Prediction]:
    return [event for event in mailbox.drain() if isinstance(event, Prediction)]


def test_a_recording_in_the_middle_is_the_engines_timeline_moved(
    library: Library, classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    source = FileSource(SUPPORT_CALL, paced=True, block_s=0.02)
    engine = LiveEngine(classifier, vad, EngineConfig(hop_s=0.25))
    run: LiveRun = engine.add("live", source)
    assert isinstance(run, LiveRun)
    mailbox = run.hub.subscribe(20_000)
    engine.start()
    run.start()
    try:
        until(mailbox, lambda e: isinstance(e, Prediction) and e.end_sample >= 3.5 * RATE)
        recorder = Recorder(run, library)
        recorder.start()
        until_elapsed(recorder, 5.0)
        info = recorded(recorder)
        assert run.status().state is EngineState.RUNNING
        assert run.status().windows_skipped == 0
    finally:
        engine.stop()
    audio = heard(library, info)
    assert len(audio) == info.duration_samples
    (origin,) = [
        start
        for start in range(0, len(speech) - len(audio), 1)
        if speech[start] == audio[0] and np.array_equal(speech[start : start + len(audio)], audio)
    ]
    assert origin >= 3.5 * RATE
    inside = [
        replace(p, start_sample=p.start_sample - origin, end_sample=p.end_sample - origin)
        for p in predictions(mailbox)
        if p.start_sample >= origin and p.end_sample <= origin + info.duration_samples
    ]
    kept = library.windows(info.id)
    assert len(kept) >= 7
    for mine, theirs in zip(kept, inside, strict=True):
        assert (mine.start_sample, mine.end_sample, mine.state, mine.label) == (
            theirs.start_sample, theirs.end_sample, theirs.state, theirs.label,
        )  # fmt: skip
        if theirs.probabilities is not None:
            assert mine.probabilities is not None
            np.testing.assert_array_equal(mine.probabilities, theirs.probabilities)
    segments = library.segments(info.id)
    assert (segments[0].start_sample, segments[-1].end_sample) == (0, info.duration_samples)
    activity = library.activity(info.id, "mono")
    assert all(one.start_sample >= 0 for one in activity)
    assert activity[-1].end_sample <= info.duration_samples
    chunks = sum(len(one.speech) for one in activity)
    assert chunks * 512 > info.duration_samples - 4 * 512


def test_a_device_that_comes_back_goes_on_in_the_same_session(
    library: Library, classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    source = FakeSource(8_000)
    config = EngineConfig(reconnect_every_s=0.1)
    engine = LiveEngine(classifier, vad, config)
    run = engine.add("live", source)
    mailbox = run.hub.subscribe(20_000)
    recorder = Recorder(run, library)
    recorder.start()
    engine.start()
    run.start()
    try:
        source.feed(speech[: 4 * 8_000])
        until(mailbox, lambda e: isinstance(e, Prediction))
        source.lose()
        until_state(mailbox, EngineState.RECONNECTING)
        until_state(mailbox, EngineState.RUNNING)
        source.feed(speech[4 * 8_000 : 8 * 8_000])
        until(mailbox, lambda e: isinstance(e, EngineStatus) and e.elapsed_s > 8.0)
    finally:
        engine.stop()
    assert recorder.wait(60)
    info = library.get("last")
    (gap,) = library.gaps(info.id)
    assert gap.kind is GapKind.SOURCE
    assert gap.start_sample == 4 * RATE
    audio = heard(library, info)
    np.testing.assert_array_equal(audio[: 4 * 8_000], speech_24(speech[: 4 * 8_000]))
    back = round(gap.end_sample / 2)
    assert not audio[4 * 8_000 : back].any()
    np.testing.assert_array_equal(audio[back:], speech_24(speech[4 * 8_000 : 8 * 8_000]))
    assert info.duration_samples == gap.end_sample + 4 * RATE
    after = [w for w in library.windows(info.id) if w.start_sample >= gap.end_sample]
    assert after
    assert library.segments(info.id)[-1].end_sample == info.duration_samples


def speech_24(samples: FloatArray) -> FloatArray:
    """What 24 bits keep."""
    return (np.rint(samples * 2.0**23) / 2.0**23).astype(np.float32)


def test_calls_of_a_pool_are_recorded_each_for_itself(
    library: Library, classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    engine = LiveEngine(classifier, vad)
    sources = {name: FakeSource(RATE, ("agent", "customer"), name) for name in ("a", "b")}
    recorders: dict[str, Recorder] = {}
    for name, source in sources.items():
        source.format = SourceFormat(RATE, source.format.streams, (Role.AGENT, Role.CUSTOMER))
        run = engine.add(name, source)
        recorders[name] = Recorder(run, library)
        recorders[name].start()
        run.start()
    while not all(run.status().state is EngineState.RUNNING for run in engine.runs):
        engine.step()
    for second in range(5):
        for shift, source in enumerate(sources.values()):
            part = speech[(second + shift) * RATE : (second + shift + 1) * RATE]
            source.feed(np.stack([part, part[::-1]], axis=1))
        engine.step()
    engine.close()
    for shift, (name, recorder) in enumerate(recorders.items()):
        assert recorder.wait(60)
        info = recorder.session
        assert info is not None
        assert (info.source, info.duration_s) == (name, 5.0)
        agent, customer = info.streams
        assert (agent.emotion, customer.emotion) == (False, True)
        expected = speech_24(speech[shift * RATE : (shift + 5) * RATE])
        np.testing.assert_array_equal(heard(library, info, "agent"), expected)
        assert {w.state for w in library.windows(info.id, "agent")} <= {"not_inferred", "silence"}
        assert any(w.label or w.state == "uncertain" for w in library.windows(info.id, "customer"))


def test_a_disk_that_hangs_does_not_hold_up_the_analysis(
    library: Library,
    classifier: OnnxClassifier,
    vad: SileroVad,
    speech: FloatArray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on, hangs = threading.Event(), threading.Event()
    flush = _PatientFile.flush

    def hang(sink: _PatientFile) -> None:
        hangs.set()
        assert go_on.wait(60)
        flush(sink)

    source = FakeSource(RATE)
    engine = LiveEngine(classifier, vad, EngineConfig())
    run = engine.add("live", source)
    mailbox = run.hub.subscribe(20_000)
    recorder = Recorder(run, library)
    recorder.start()
    engine.start()
    run.start()
    try:
        source.feed(speech[:RATE])
        until_elapsed(recorder, 1.0)
        monkeypatch.setattr(_PatientFile, "flush", hang)
        assert hangs.wait(60)
        for second in range(1, 10):
            source.feed(speech[second * RATE : (second + 1) * RATE])
            if second > 3:
                event, _ = until(
                    mailbox,
                    lambda e, s=second: isinstance(e, Prediction) and e.end_sample >= s * RATE,
                )
                assert isinstance(event, Prediction)
        assert run.status().overflows == 0
        go_on.set()
        until_elapsed(recorder, 10.0)
    finally:
        go_on.set()
        engine.stop()
    assert recorder.wait(60)
    info = library.get("last")
    assert library.gaps(info.id) == []
    np.testing.assert_array_equal(heard(library, info), speech_24(speech[: 10 * RATE]))


@pytest.mark.portaudio
def test_what_a_real_sound_card_plays_is_recorded(
    library: Library,
    pulse: PulseServer,
    classifier: OnnxClassifier,
    vad: SileroVad,
    speech: FloatArray,
) -> None:
    with pulse.in_this_process():
        engine = LiveEngine(classifier, vad, EngineConfig())
        run = engine.add("live", Microphone())
        mailbox = run.hub.subscribe(20_000)
        recorder = Recorder(run, library)
        recorder.start()
        engine.start()
        run.start()
        try:
            until_state(mailbox, EngineState.RUNNING)
            player = pulse.play(SUPPORT_CALL)
            until_elapsed(recorder, 8.0)
            player.kill()
            player.wait()
        finally:
            engine.stop()
    assert recorder.wait(60)
    info = library.get("last")
    assert library.gaps(info.id) == []
    (stream,) = info.streams
    audio = heard(library, info)
    assert abs(len(audio) / stream.native_rate - info.duration_s) < 0.01
    # Somewhere in there is what was played.
    there = soxr.resample(audio, stream.native_rate, RATE)
    start = int(np.argmax(np.abs(there) > 0.01))
    clip = speech[int(np.argmax(np.abs(speech) > 0.01)) :][: 4 * RATE]
    part = there[max(0, start - 2_000) : start + 6 * RATE]
    size = len(part) + len(clip)
    match = np.fft.irfft(np.fft.rfft(part, size) * np.conj(np.fft.rfft(clip, size)), size)
    at = int(match[: len(part) - len(clip)].argmax())
    found = part[at : at + len(clip)]
    assert np.corrcoef(found, clip)[0, 1] > 0.95
