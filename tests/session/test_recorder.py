from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.source import SourceFormat
from emolive.session.folders import recorded_elsewhere, session_folder
from emolive.session.library import Library
from emolive.session.recorder import Recorder, RecorderState, RecordingRequest
from emolive.session.records import Gap, GapKind, SessionInfo, SessionState
from emolive.types import (
    Alert,
    AlertEnded,
    Band,
    EngineState,
    FeatureBlock,
    FloatArray,
    Role,
    Severity,
    StreamStatus,
)
from tests.session.filled import RATE, activity, window
from tests.session.runs import HandRun, exact, until, until_elapsed, until_state

NATIVE = 8_000


@pytest.fixture
def run() -> HandRun:
    return HandRun(NATIVE)


@pytest.fixture
def recorder(run: HandRun, library: Library) -> Iterator[Recorder]:
    recorder = Recorder(run, library, RecordingRequest("talk", tags=("a",)))
    yield recorder
    recorder.stop()


def heard(library: Library, info: SessionInfo, stream: str = "mono") -> FloatArray:
    path = library.audio_path(info.id, stream)
    assert path is not None
    samples, rate = sf.read(path, dtype="float32")
    assert rate == info.stream(stream).native_rate
    return samples


def stopped(recorder: Recorder) -> SessionInfo:
    info = recorder.stop()
    assert info is not None
    status = recorder.status()
    assert (status.state, status.error) == (RecorderState.STOPPED, None)
    return info


def test_a_whole_run_is_kept_bit_for_bit(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    samples = exact(3 * NATIVE)
    assert recorder.status().state is RecorderState.IDLE
    recorder.start()
    with pytest.raises(RuntimeError, match="records once"):
        recorder.start()
    assert recorder.status().state is RecorderState.WAITING
    assert recorder.session is None
    run.open()
    for start in range(0, len(samples), 700):
        run.feed(samples[start : start + 700])
    status = until_elapsed(recorder, 3.0)
    assert status.state is RecorderState.RECORDING
    session = recorder.session
    assert session is not None
    assert status.session_id == session.id
    assert recorded_elsewhere(session_folder(library.folder, session.id))
    run.enter(EngineState.STOPPED)
    assert recorder.wait(60)
    info = library.get(session.id)
    assert recorder.session == info
    assert (info.state, info.duration_s, info.title, info.tags) == (
        SessionState.COMPLETE, 3.0, "talk", ("a",),
    )  # fmt: skip
    assert (info.source, info.model, info.recovered) == ("hand", "tiny", False)
    assert abs(info.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    np.testing.assert_array_equal(heard(library, info), samples[:, 0])
    path = library.audio_path(info.id, "mono")
    assert path is not None
    assert recorder.status().audio_bytes == path.stat().st_size
    assert library.gaps(info.id) == []
    assert run.hub._mailboxes == ()
    assert not recorded_elsewhere(session_folder(library.folder, info.id))


@pytest.mark.parametrize("native", [8_000, 44_100, 48_000, 11_025])
def test_in_the_middle_of_a_run_it_begins_and_ends_where_it_was_asked_to(
    library: Library, native: int
) -> None:
    run = HandRun(native, ("left", "right"))
    samples = exact(6 * native, channels=2)
    run.open(start_sample=1_000_000)
    run.feed(samples[: 2 * native + 123])
    recorder = Recorder(run, library)
    recorder.start()
    run.feed(samples[2 * native + 123 : 4 * native + 5])
    until_elapsed(recorder, 1.9)
    recorder.ask_to_stop()
    run.feed(samples[4 * native + 5 :])
    info = stopped(recorder)
    # The first frame after the wish that lies on a sample of the model's rate.
    step = native // np.gcd(native, RATE)
    begin = -(-(2 * native + 123) // step) * step
    for channel, stream in enumerate(("left", "right")):
        audio = heard(library, info, stream)
        np.testing.assert_array_equal(audio, samples[begin : 4 * native + 5, channel])
    assert info.duration_samples == (4 * native + 5 - begin) * RATE // native
    assert run.state is EngineState.RUNNING


def test_the_timeline_counts_from_the_recordings_start(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    origin = 5 * RATE
    run.open()
    run.feed(exact(5 * NATIVE))
    recorder.start()
    run.feed(exact(10 * NATIVE))
    for end in range(6, 16):
        run.hub.publish(window("mono", end * RATE, "sad" if end < 11 else "happy"))
        run.hub.publish(window("nobody", end * RATE, "sad"))
    flags = activity(origin - 700, [True, True, False, True])
    block = FeatureBlock("mono", 0, 0, np.empty((128, 0), np.float32), 0, 0, True, flags)
    run.hub.publish(block)
    run.hub.publish(replace(block, activity=activity(flags.end_sample, [False] * 3)))
    run.hub.publish(replace(block, activity=activity(origin + 9_000, [True])))
    run.tell()
    until_elapsed(recorder, 10.0)
    info = stopped(recorder)
    assert info.duration_samples == 10 * RATE
    # Those that heard something from before the recording are left out.
    assert [w.end_sample / RATE for w in library.windows(info.id)] == list(range(3, 11))
    assert [w.label for w in library.windows(info.id)] == ["sad"] * 3 + ["happy"] * 5
    segments = library.segments(info.id)
    assert [(s.start_sample, s.end_sample, s.label) for s in segments] == [
        (0, 4 * RATE, "sad"),
        (4 * RATE, 10 * RATE, "happy"),
    ]
    found = library.activity(info.id, "mono")
    # Two chunks began before the recording; 324 samples of the second one are in it.
    assert [(a.start_sample, a.end_sample) for a in found] == [(324, 324 + 5 * 512), (9000, 9512)]
    assert found[0].speech.tolist() == [False, True, False, False, False]


def test_what_lies_behind_the_end_is_left_out(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    recorder.start()
    run.open()
    run.feed(exact(4 * NATIVE))
    until_elapsed(recorder, 4.0)
    assert run.audio is not None
    # The engine is behind: what it owes for the recorded audio comes after the wish to stop.
    run.audio.ring.write(exact(NATIVE))
    recorder.ask_to_stop()
    run.audio.ring.write(exact(NATIVE))
    for end in (4.0, 4.5, 5.0, 5.5, 6.0):
        run.hub.publish(window("mono", round(end * RATE), "sad"))
    block = FeatureBlock(
        "mono", 0, 6 * RATE, np.empty((128, 0), np.float32), 0, 0, True,
        activity(5 * RATE - 1024, [True] * 4),
    )  # fmt: skip
    run.hub.publish(block)
    info = stopped(recorder)
    assert info.duration_s == 5.0
    assert [w.end_sample / RATE for w in library.windows(info.id)] == [4.0, 4.5, 5.0]
    assert [a.end_sample for a in library.activity(info.id, "mono")] == [5 * RATE]


def test_without_audio_only_the_timeline_is_kept(run: HandRun, library: Library) -> None:
    recorder = Recorder(run, library, RecordingRequest(audio=False))
    recorder.start()
    run.open()
    run.feed(exact(4 * NATIVE))
    run.hub.publish(window("mono", 3 * RATE, "sad"))
    assert until_elapsed(recorder, 4.0).audio_bytes == 0
    info = stopped(recorder)
    assert (info.duration_s, info.has_audio) == (4.0, False)
    assert len(library.windows(info.id)) == 1
    assert list(session_folder(library.folder, info.id).glob("*")) == []
    assert library.audio_path(info.id, "mono") is None


def test_alerts_of_the_run_are_kept_in_session_time(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    run.open()
    run.feed(exact(NATIVE))
    recorder.start()
    run.feed(exact(2 * NATIVE))
    alert = Alert(
        rule="loud", kind="emotion", severity=Severity.CRITICAL, stream="mono", role=None,
        start_sample=RATE // 2, true_sample=RATE, fired_sample=2 * RATE, message="It is loud.",
        values=(("p", 0.5),),
    )  # fmt: skip
    run.hub.publish(replace(alert, fired_sample=RATE // 2))  # before the recording
    run.hub.publish(alert)
    run.hub.publish(AlertEnded("loud", "mono", 2 * RATE, round(2.5 * RATE)))
    until_elapsed(recorder, 2.0)
    run.enter(EngineState.STOPPED)
    run.hub.publish(replace(alert, rule="late"))  # its thread is a little behind the engine's
    assert recorder.wait(60)
    info = library.get("last")
    first, late = library.alerts(info.id)
    assert (first.at_sample, first.end_sample) == (RATE, round(1.5 * RATE))
    assert (first.severity, first.message, first.stream) == ("critical", "It is loud.", "mono")
    assert first.details == {"p": 0.5, "kind": "emotion", "start_sample": 0}
    assert (late.rule, late.end_sample) == ("late", None)


def test_streams_say_who_they_are(library: Library) -> None:
    run = HandRun(NATIVE, ("agent", "customer"))
    run.format = SourceFormat(NATIVE, run.format.streams, (Role.AGENT, Role.CUSTOMER))
    recorder = Recorder(run, library)
    recorder.start()
    run.open()
    run.feed(exact(NATIVE, channels=2))
    status = StreamStatus("customer", samples=RATE, band=Band.NARROW)
    run.enter(EngineState.RUNNING, status)
    until_elapsed(recorder, 1.0)
    agent, customer = library.get(stopped(recorder).id).streams
    assert (agent.role, agent.emotion, agent.band) == (Role.AGENT, False, None)
    assert (customer.role, customer.emotion, customer.band) == (Role.CUSTOMER, True, Band.NARROW)


# What goes wrong with the audio.


def test_what_the_ring_overwrote_is_a_gap_of_silence(run: HandRun, library: Library) -> None:
    samples = exact(10 * NATIVE)
    run.open(ring_s=2.0)
    recorder = Recorder(run, library)
    recorder.start()
    run.feed(samples[:NATIVE])
    until_elapsed(recorder, 1.0)
    # A recorder that is stuck: the disk, or another program, holds it up.
    with library.database.writing():
        until(recorder, lambda _: recorder._busy_since is not None)
        for start in range(NATIVE, 8 * NATIVE, 800):
            run.feed(samples[start : start + 800])
    run.feed(samples[8 * NATIVE :])
    status = until_elapsed(recorder, 10.0)
    info = stopped(recorder)
    (gap,) = library.gaps(info.id)
    assert gap.kind is GapKind.OVERRUN
    assert (status.gaps, status.lost_s) == (1, (gap.end_sample - gap.start_sample) / RATE)
    audio = heard(library, info)
    start, end = gap.start_sample // 2, gap.end_sample // 2
    assert len(audio) == len(samples)
    np.testing.assert_array_equal(audio[:start], samples[:start, 0])
    assert not audio[start:end].any()
    np.testing.assert_array_equal(audio[end:], samples[end:, 0])
    assert start >= NATIVE
    assert end <= 8 * NATIVE


def test_a_source_that_was_away_leaves_a_gap_and_goes_on_in_place(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    first, second = exact(NATIVE), exact(2 * NATIVE, 1)
    recorder.start()
    run.open()
    run.feed(first)
    until_elapsed(recorder, 1.0)
    run.enter(EngineState.RECONNECTING)
    run.open(start_sample=3 * RATE + 8)
    run.feed(second)
    until_elapsed(recorder, 5.0)
    info = stopped(recorder)
    assert library.gaps(info.id) == [Gap(RATE, 3 * RATE + 8, GapKind.SOURCE)]
    assert info.duration_samples == 5 * RATE + 8
    expected = np.concatenate([first, np.zeros((2 * NATIVE + 4, 1), np.float32), second])
    np.testing.assert_array_equal(heard(library, info), expected[:, 0])


def test_a_source_that_comes_back_at_another_rate_is_resampled(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    def tone(rate: int, seconds: float) -> FloatArray:
        t = np.arange(round(seconds * rate)) / rate
        return (0.5 * np.sin(2 * np.pi * 300 * t)).astype(np.float32)[:, None]

    recorder.start()
    run.open()
    run.feed(tone(NATIVE, 1))
    until_elapsed(recorder, 1.0)
    run.open(start_sample=2 * RATE, rate=44_100)
    run.feed(tone(44_100, 2))
    until_elapsed(recorder, 4.0)
    run.open(start_sample=5 * RATE, rate=NATIVE)
    run.feed(tone(NATIVE, 1))
    until_elapsed(recorder, 6.0)
    info = stopped(recorder)
    assert info.duration_samples == 6 * RATE
    assert [(g.start_sample, g.end_sample) for g in library.gaps(info.id)] == [
        (RATE, 2 * RATE), (4 * RATE, 5 * RATE),
    ]  # fmt: skip
    audio = heard(library, info)
    assert len(audio) == 6 * NATIVE
    whole = tone(NATIVE, 2)[:, 0]
    inner = slice(200, -200)
    np.testing.assert_allclose(audio[2 * NATIVE : 4 * NATIVE][inner], whole[inner], atol=2e-3)
    assert not audio[NATIVE : 2 * NATIVE].any()
    np.testing.assert_allclose(audio[5 * NATIVE :], whole[:NATIVE], atol=1e-6)


def test_a_stream_whose_device_is_away_is_a_gap_of_that_stream(library: Library) -> None:
    run = HandRun(NATIVE, ("agent", "customer"))
    recorder = Recorder(run, library)
    recorder.start()
    run.open()

    def second(*missing: str) -> None:
        assert run.audio is not None
        run.feed(exact(NATIVE, channels=2))
        now = run.audio.ring.written * 2
        run.enter(
            EngineState.RUNNING,
            *(StreamStatus(s, samples=now, missing=s in missing) for s in run.format.streams),
        )

    second()
    second("customer")
    second("customer", "agent")
    second("agent")
    until_elapsed(recorder, 4.0)
    info = stopped(recorder)
    assert library.gaps(info.id) == [
        Gap(2 * RATE, 4 * RATE, GapKind.SOURCE, "customer"),
        Gap(3 * RATE, 4 * RATE, GapKind.SOURCE, "agent"),
    ]


def test_lost_events_are_a_gap_of_the_timeline(
    run: HandRun, library: Library, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolive.session.recorder._MAILBOX_EVENTS", 20)
    recorder.start()
    run.open()
    run.feed(exact(NATIVE))
    until_elapsed(recorder, 1.0)
    with library.database.writing():
        until(recorder, lambda _: recorder._busy_since is not None)
        for _ in range(100):
            run.feed(exact(NATIVE // 50))
    until_elapsed(recorder, 3.0)
    info = stopped(recorder)
    (gap,) = library.gaps(info.id)
    assert gap.kind is GapKind.EVENTS
    assert RATE <= gap.start_sample < gap.end_sample <= 3 * RATE
    assert len(heard(library, info)) == 3 * NATIVE


# How it ends.


def test_nothing_comes_of_a_run_that_never_had_audio(run: HandRun, library: Library) -> None:
    recorder = Recorder(run, library)
    recorder.start()
    run.enter(EngineState.FAILED)
    assert recorder.wait(60)
    assert recorder.status().state is RecorderState.STOPPED
    assert (recorder.session, recorder.stop()) == (None, None)
    assert library.sessions() == []


def test_nothing_comes_of_a_recording_without_a_sample(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    recorder.start()
    run.open()
    until_state(recorder, RecorderState.RECORDING)
    assert recorder.stop() is None
    assert library.sessions() == []
    assert list((library.folder / "sessions").iterdir()) == []


def test_a_run_that_is_over_is_not_recorded_again(run: HandRun, library: Library) -> None:
    """The ring of an earlier run is still there when a recorder waits for the next one."""
    run.open()
    run.feed(exact(5 * NATIVE))
    run.enter(EngineState.STOPPED)
    recorder = Recorder(run, library)
    recorder.start()
    time.sleep(0.3)
    assert recorder.status().state is RecorderState.WAITING
    samples = exact(NATIVE, 3)
    run.open()
    run.feed(samples)
    until_elapsed(recorder, 1.0)
    info = stopped(recorder)
    np.testing.assert_array_equal(heard(library, info), samples[:, 0])


def test_a_run_that_starts_again_at_once_is_another_one(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    recorder.start()
    run.open()
    run.feed(exact(NATIVE))
    until_elapsed(recorder, 1.0)
    run.enter(EngineState.STOPPED)
    run.open()
    run.feed(exact(3 * NATIVE))
    assert recorder.wait(60)
    assert library.get("last").duration_s == 1.0


def test_two_recorders_of_one_run_do_not_know_each_other(run: HandRun, library: Library) -> None:
    samples = exact(4 * NATIVE)
    one, two = Recorder(run, library), Recorder(run, library)
    one.start()
    run.open()
    run.feed(samples[: 2 * NATIVE])
    until_elapsed(one, 2.0)
    two.start()
    run.feed(samples[2 * NATIVE :])
    until_elapsed(two, 2.0)
    until_elapsed(one, 4.0)
    first, second = stopped(one), stopped(two)
    np.testing.assert_array_equal(heard(library, first), samples[:, 0])
    np.testing.assert_array_equal(heard(library, second), samples[2 * NATIVE :, 0])


def test_a_library_that_was_closed_meanwhile_changes_nothing(run: HandRun, folder: Path) -> None:
    with Library.open(folder) as library:
        recorder = Recorder(run, library)
        recorder.start()
        run.open()
        run.feed(exact(NATIVE))
        until_elapsed(recorder, 1.0)
    info = stopped(recorder)
    with Library.open(folder) as library:
        assert library.get(info.id).state is SessionState.COMPLETE


def test_an_inner_error_is_told_and_what_was_stored_is_recovered(
    run: HandRun, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(folder) as library:
        recorder = Recorder(run, library)
        recorder.start()
        run.open()
        run.feed(exact(2 * NATIVE))
        until(recorder, lambda status: status.audio_bytes > NATIVE)

        def broken(*_: object) -> None:
            raise ZeroDivisionError("oh")

        monkeypatch.setattr("emolive.session.timeline_writer.TimelineWriter.accept", broken)
        run.tell()
        assert recorder.wait(60)
        status = recorder.status()
        assert status.state is RecorderState.FAILED
        assert status.error == "Recording failed: ZeroDivisionError: oh"
        assert run.hub._mailboxes == ()
    with Library.open(folder) as library:
        (session_id,) = library.recovered
        assert library.get(session_id).duration_s == 2.0
