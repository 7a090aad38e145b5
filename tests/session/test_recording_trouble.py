"""Disks that are full, slow, gone or not ours while a session is recorded."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.session import audio_writer
from emolive.session.database import DATABASE_FILE
from emolive.session.flac import FlacWriter, _PatientFile
from emolive.session.library import Library
from emolive.session.recorder import Recorder, RecorderState, RecordingRequest
from emolive.session.records import GapKind, SessionState
from emolive.types import EngineState, FloatArray
from tests.session.filled import RATE, new_session, window
from tests.session.runs import HandRun, exact, until, until_elapsed, until_state

NATIVE = 8_000


@pytest.fixture
def run() -> HandRun:
    return HandRun(NATIVE)


class Disk:
    """Stands between the audio files and the real disk: full, slow, or as it should be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        flush = _PatientFile.flush

        def guarded(sink: _PatientFile) -> None:
            assert self.may_go_on.wait(60)
            if self.full.is_set() and sink.pending:
                raise OSError(errno.ENOSPC, "No space left on device")
            flush(sink)

        monkeypatch.setattr(_PatientFile, "flush", guarded)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def recorder(run: HandRun, library: Library) -> Iterator[Recorder]:
    recorder = Recorder(run, library)
    recorder.start()
    run.open()
    yield recorder
    recorder.stop()


def heard(library: Library, session_id: str) -> FloatArray:
    path = library.audio_path(session_id, "mono")
    assert path is not None
    return sf.read(path, dtype="float32")[0]


def test_a_disk_that_is_full_for_a_while_loses_nothing(
    run: HandRun, library: Library, recorder: Recorder, disk: Disk
) -> None:
    samples = exact(6 * NATIVE)
    run.feed(samples[: 2 * NATIVE])
    until(recorder, lambda status: status.audio_bytes > NATIVE)
    disk.full.set()
    run.feed(samples[2 * NATIVE : 4 * NATIVE])
    status = until_state(recorder, RecorderState.TROUBLED)
    assert status.error is not None
    assert "is full: free some space" in status.error
    assert str(library.folder) in status.error
    # The timeline is on the same disk, but has room still.
    run.hub.publish(window("mono", 3 * RATE, "sad"))
    until_elapsed(recorder, 4.0)
    session = recorder.session
    assert session is not None
    until(recorder, lambda _: len(library.windows(session.id)) == 1)
    disk.full.clear()
    status = until_state(recorder, RecorderState.RECORDING)
    assert status.error is None
    run.feed(samples[4 * NATIVE :])
    until_elapsed(recorder, 6.0)
    info = recorder.stop()
    assert info is not None
    assert library.gaps(info.id) == []
    np.testing.assert_array_equal(heard(library, info.id), samples[:, 0])


def test_what_memory_cannot_hold_for_a_full_disk_is_a_gap(
    run: HandRun,
    library: Library,
    recorder: Recorder,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audio_writer, "MAX_WAITING_BYTES", 100_000)
    samples = exact(12 * NATIVE)
    run.feed(samples[:NATIVE])
    until(recorder, lambda status: status.audio_bytes > 10_000)
    disk.full.set()
    for second in range(1, 9):
        run.feed(samples[second * NATIVE : (second + 1) * NATIVE])
        until_elapsed(recorder, second + 1)
    waiting = recorder._track.waiting_bytes if recorder._track else 0
    assert 100_000 < waiting < 140_000  # it stopped growing
    disk.full.clear()
    until_state(recorder, RecorderState.RECORDING)
    run.feed(samples[9 * NATIVE :])
    until_elapsed(recorder, 12.0)
    info = recorder.stop()
    assert info is not None
    (gap,) = library.gaps(info.id)
    assert gap.kind is GapKind.DISK
    start, end = gap.start_sample // 2, gap.end_sample // 2
    assert 4 * NATIVE < start < 7 * NATIVE
    assert end == 9 * NATIVE
    audio = heard(library, info.id)
    assert len(audio) == len(samples)
    np.testing.assert_array_equal(audio[:start], samples[:start, 0])
    assert not audio[start:end].any()
    np.testing.assert_array_equal(audio[end:], samples[end:, 0])


def test_a_disk_that_stays_full_leaves_what_was_stored(
    run: HandRun, library: Library, recorder: Recorder, disk: Disk
) -> None:
    samples = exact(4 * NATIVE)
    run.feed(samples[: 2 * NATIVE])
    until(recorder, lambda status: status.audio_bytes > NATIVE)
    disk.full.set()
    run.feed(samples[2 * NATIVE :])
    until_state(recorder, RecorderState.TROUBLED)
    info = recorder.stop()
    assert info is not None
    status = recorder.status()
    assert status.state is RecorderState.STOPPED
    assert status.error is not None
    assert status.error.startswith("The end of the audio is missing: ")
    assert info.duration_s == 4.0
    audio = heard(library, info.id)
    assert NATIVE < len(audio) <= 2 * NATIVE
    np.testing.assert_array_equal(audio, samples[: len(audio), 0])


def test_a_slow_disk_is_told_and_loses_nothing(
    run: HandRun,
    library: Library,
    recorder: Recorder,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("emolive.session.recorder._SLOW_S", 0.2)
    samples = exact(8 * NATIVE)
    run.feed(samples[:NATIVE])
    until_elapsed(recorder, 1.0)
    disk.may_go_on.clear()
    run.feed(samples[NATIVE : 4 * NATIVE])
    # The recorder's thread hangs in the disk; asking it how it is does not.
    status = until_state(recorder, RecorderState.TROUBLED)
    assert status.error is not None
    assert "very slow" in status.error
    run.feed(samples[4 * NATIVE :])
    disk.may_go_on.set()
    until_elapsed(recorder, 8.0)
    until_state(recorder, RecorderState.RECORDING)
    info = recorder.stop()
    assert info is not None
    np.testing.assert_array_equal(heard(library, info.id), samples[:, 0])
    assert library.gaps(info.id) == []


def test_a_session_folder_that_is_removed_is_told_at_once(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows does not let open files be removed")
    run.feed(exact(2 * NATIVE))
    until(recorder, lambda status: status.audio_bytes > 0)
    session = recorder.session
    assert session is not None
    shutil.rmtree(library.folder / "sessions" / session.id)
    run.feed(exact(NATIVE))
    status = until_state(recorder, RecorderState.TROUBLED)
    assert status.error is not None
    assert "were removed or moved" in status.error
    run.hub.publish(window("mono", 3 * RATE, "sad"))
    info = recorder.stop()
    assert info is not None
    assert library.audio_path(info.id, "mono") is None
    assert len(library.windows(info.id)) == 1
    library.delete(info.id)


def test_a_library_that_is_removed_is_told_and_the_run_goes_on(run: HandRun, folder: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows does not let open files be removed")
    library = Library.open(folder)
    recorder = Recorder(run, library)
    recorder.start()
    run.open()
    run.feed(exact(2 * NATIVE))
    until(recorder, lambda status: status.audio_bytes > 0)
    shutil.rmtree(folder)
    run.feed(exact(NATIVE))
    status = until_state(recorder, RecorderState.TROUBLED)
    assert status.error is not None
    mailbox = run.hub.subscribe(10)
    run.feed(exact(NATIVE))
    assert mailbox.get(60) is not None
    recorder.stop()
    assert recorder.status().state.over
    assert recorder.status().error is not None
    library.close()


def test_a_database_that_is_held_for_long_keeps_everything(
    run: HandRun, library: Library, recorder: Recorder
) -> None:
    run.feed(exact(4 * NATIVE))
    until_elapsed(recorder, 1.0)
    writer = recorder._writer
    assert writer is not None
    writer._database._connection.execute("PRAGMA busy_timeout = 20")
    with library.database.writing():
        run.hub.publish(window("mono", 3 * RATE, "sad"))
        status = until_state(recorder, RecorderState.TROUBLED)
        assert status.error is not None
        assert "Another program holds the library" in status.error
        run.hub.publish(window("mono", 4 * RATE, "happy"))
    until_state(recorder, RecorderState.RECORDING)
    info = recorder.stop()
    assert info is not None
    assert [w.label for w in library.windows(info.id)] == ["sad", "happy"]


def test_a_library_without_room_for_a_file_is_one_sentence(
    run: HandRun, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: FlacWriter, path: Path, rate: int) -> None:
        raise OSError(errno.EROFS, f"Read-only file system: {path} {rate}")

    monkeypatch.setattr(FlacWriter, "__init__", refuse)
    recorder = Recorder(run, library)
    recorder.start()
    run.open()
    run.feed(exact(NATIVE))
    status = until_state(recorder, RecorderState.FAILED)
    assert status.error is not None
    assert "cannot be written (Read-only file system" in status.error
    assert recorder.wait(60)
    monkeypatch.undo()
    with Library.open(library.folder) as again:
        assert again.sessions() == []  # nothing was recorded, nothing is left


def test_rows_that_wait_for_too_long_are_dropped_and_counted(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolive.session.writer.MAX_PENDING", 3)
    writer = library.create(new_session(), audio=False)
    for second in range(3, 8):
        writer.add_windows([window("agent", second * RATE, "sad")])
    assert (writer.pending, writer.rows_lost) == (3, 2)
    info = writer.finish(RATE)
    assert [w.end_sample // RATE for w in library.windows(info.id)] == [5, 6, 7]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of two megabytes, or a visible skip."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can make a small disk")
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield mount
    subprocess.run(["umount", "--lazy", str(mount)], check=True)


@pytest.mark.parametrize("room_again", [True, False])
def test_a_real_disk_that_fills_up(small_disk: Path, *, room_again: bool) -> None:
    """Audio and database on one full disk: told, kept, and whole afterwards."""
    run = HandRun(48_000)
    library = Library.open(small_disk / "library")
    recorder = Recorder(run, library, RecordingRequest("full"))
    recorder.start()
    run.open()
    samples = exact(30 * 48_000)
    for second in range(30):
        run.feed(samples[second * 48_000 : (second + 1) * 48_000])
        for tenth in range(10):
            run.hub.publish(window("mono", (3 + second) * RATE + tenth * 1600, "sad"))
        until_elapsed(recorder, second + 1)
    status = until_state(recorder, RecorderState.TROUBLED)
    assert status.error is not None
    assert "full" in status.error
    if room_again:
        command = ["mount", "-o", "remount,size=64m", str(small_disk)]
        subprocess.run(command, check=True)
        until_state(recorder, RecorderState.RECORDING)
    recorder.stop()
    status = recorder.status()
    session = recorder.session
    assert session is not None
    if room_again:
        assert (status.state, status.error) == (RecorderState.STOPPED, None)
    else:
        assert status.error is not None
        assert "full" in status.error
        library.close()
        # Somebody makes room; the next start puts right what the disk had no room for.
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        library = Library.open(small_disk / "library")
    info = library.get(session.id)
    assert info.state is SessionState.COMPLETE
    audio = heard(library, info.id)
    np.testing.assert_array_equal(audio, samples[: len(audio), 0])
    assert len(audio) == len(samples) if room_again else len(audio) > 5 * 48_000
    if room_again:
        assert len(library.windows(info.id)) == 300
        assert info.duration_s == 30.0
    library.close()
    with sqlite3.connect(small_disk / "library" / DATABASE_FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert run.state is EngineState.RUNNING
