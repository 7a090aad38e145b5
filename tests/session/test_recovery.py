from __future__ import annotations

import io
import multiprocessing
import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.errors import SessionError
from emolive.session import recovery
from emolive.session.database import DATABASE_FILE, Database
from emolive.session.flac import FlacWriter
from emolive.session.folders import RecordingLock, recorded_elsewhere, session_folder
from emolive.session.library import Library
from emolive.session.records import SessionState
from emolive.session.writer import SessionWriter
from emolive.types import FloatArray
from tests.session.filled import RATE, activity, new_session, segment, window
from tests.session.runs import exact

NATIVE = 8_000


def die(writer: SessionWriter) -> None:
    """What the system does to a process that is killed: connections and locks are gone."""
    writer._database.close()
    os.close(writer._lock._lock._context.lock_file_fd)  # type: ignore[arg-type]
    writer._lock._lock._context.lock_file_fd = None


def half_done(library: Library, seconds: float = 5.0) -> tuple[SessionWriter, FloatArray]:
    """A session in the middle: audio on the disk, not closed; some of its rows committed."""
    writer = library.create(new_session("cut"))
    sound = exact(round(seconds * NATIVE), channels=2)
    for channel, stream in enumerate(("agent", "customer")):
        path = writer.audio_path(stream)
        assert path is not None
        flac = FlacWriter(path, NATIVE)
        flac.write(sound[:, channel])
        flac.flush()
        flac._sink.close()
        flac._encoder.close()
    for end in range(3, 6):
        writer.add_windows([window("customer", end * RATE, "sad" if end < 5 else "happy")])
    writer.add_activity("customer", activity(0, [True] * 10))
    writer.commit(2 * RATE)
    return writer, sound


def test_a_session_that_was_cut_off_is_put_right(library: Library, folder: Path) -> None:
    writer, sound = half_done(library)
    writer.add_segments([segment("customer", 0, 1, "angry")])  # whatever was there is made anew
    writer.commit(2 * RATE)
    session_id = writer.info.id
    die(writer)
    with Library.open(folder) as again:
        assert again.recovered == (session_id,)
        info = again.get(session_id)
        assert (info.state, info.recovered, info.title) == (SessionState.COMPLETE, True, "cut")
        # To the last thing in it: here a window, a block beyond the audio.
        assert info.duration_samples == 5 * RATE
        for channel, stream in enumerate(("agent", "customer")):
            path = again.audio_path(session_id, stream)
            assert path is not None
            audio, _ = sf.read(path, dtype="float32")
            assert 5 * NATIVE - 2 * 1152 < len(audio) <= 5 * NATIVE
            np.testing.assert_array_equal(audio, sound[: len(audio), channel])
        assert [
            (s.stream, s.start_sample, s.end_sample, s.label) for s in again.segments(session_id)
        ] == [("customer", 0, 3 * RATE, "sad"), ("customer", 3 * RATE, 5 * RATE, "happy")]
        assert len(again.windows(session_id)) == 3
        (entry,) = again.audit_log()
        assert (entry.action, entry.details["session"]) == ("recover", session_id)
    with Library.open(folder) as later:
        assert later.recovered == ()
        assert later.get(session_id).recovered


def test_recovered_segments_are_those_of_a_session_that_was_not_cut_off() -> None:
    labels = ["sad", "sad", None, "happy", "happy", "angry", None, None, "sad"]
    windows = [window("customer", (3 + i) * RATE, label) for i, label in enumerate(labels)]
    windows += [window("agent", 3 * RATE, "sad"), window("agent", 9 * RATE, "sad")]
    found = recovery.segments_of(windows, RATE // 2, 12 * RATE)
    for stream in ("agent", "customer"):
        mine = [s for s in found if s.stream == stream]
        assert mine[0].start_sample == 0
        assert mine[-1].end_sample == 12 * RATE
        for one, other in pairwise(mine):
            assert one.end_sample == other.start_sample
    assert [s.label for s in found if s.stream == "customer"] == [
        "sad", "silence", "happy", "angry", "silence", "sad",
    ]  # fmt: skip
    assert [s.label for s in found if s.stream == "agent"] == ["sad", "uncertain", "sad"]
    assert recovery.segments_of([], 10, 5) == []


def test_a_stream_without_a_whole_block_has_no_audio(library: Library, folder: Path) -> None:
    writer, _ = half_done(library)
    path = writer.audio_path("agent")
    assert path is not None
    path.write_bytes(path.read_bytes()[:50])
    die(writer)
    with Library.open(folder) as again:
        info = again.get("last")
        assert info.stream("agent").audio_file is None
        assert not path.exists()
        assert again.audio_path(info.id, "customer") is not None


def test_a_session_without_anything_is_not_kept(library: Library, folder: Path) -> None:
    writer = library.create(new_session())
    die(writer)
    with Library.open(folder) as again:
        assert again.recovered == ()
        assert again.sessions() == []
    assert not writer.folder.exists()


def test_a_session_whose_folder_is_gone_keeps_its_timeline(library: Library, folder: Path) -> None:
    writer, _ = half_done(library)
    die(writer)
    shutil.rmtree(writer.folder)
    with Library.open(folder) as again:
        info = again.get("last")
        assert info.recovered
        assert not info.has_audio
        assert len(again.windows(info.id)) == 3


def test_audio_that_cannot_be_repaired_is_one_sentence_and_tried_again(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, _ = half_done(library)
    die(writer)

    def refuse(_: Path) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(recovery, "repair", refuse)
    with Library.open(folder) as again:
        (problem,) = again.problems
        assert "cannot be put right" in problem
        assert "Permission denied" in problem
        assert again.get("last").state is SessionState.RECORDING
    assert not recorded_elsewhere(writer.folder)
    monkeypatch.undo()
    with Library.open(folder) as again:
        assert again.recovered == (writer.info.id,)


def test_a_session_that_is_closed_while_we_look_is_not_recovered(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recorder finishes between our look at the list and our taking of the lock."""
    writer, _ = half_done(library)
    take = RecordingLock.take

    def finish_first(lock: RecordingLock) -> bool:
        monkeypatch.undo()
        writer.finish(5 * RATE)
        return take(lock)

    monkeypatch.setattr(RecordingLock, "take", finish_first)
    with Library.open(folder) as again:
        assert again.recovered == ()
        assert not again.get("last").recovered


def _in_another_process(work: Callable[..., None], *arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == 0


def _use(folder: Path, recorded: str) -> None:
    """Another program with the same library, while `recorded` is being recorded."""
    with Library.open(folder) as library:
        assert library.recovered == ()
        assert library.get(recorded).state is SessionState.RECORDING
        writer = library.create(new_session("from the other one"), audio=False)
        writer.add_segments([segment("agent", 0, 3, "sad")])
        writer.finish(3 * RATE)
        with pytest.raises(SessionError, match="being recorded"):
            library.delete(recorded)


def test_two_programs_share_one_library(library: Library, folder: Path) -> None:
    writer, _ = half_done(library)
    _in_another_process(_use, folder, writer.info.id)
    assert [info.title for info in library.sessions()] == ["from the other one", "cut"]
    info = writer.finish(5 * RATE)
    assert not info.recovered
    with Database(folder / DATABASE_FILE).reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_lock_belongs_to_one(tmp_path: Path) -> None:
    assert not recorded_elsewhere(tmp_path / "nowhere")
    one, two = RecordingLock(tmp_path), RecordingLock(tmp_path)
    assert one.take()
    assert not two.take()
    assert recorded_elsewhere(session_folder(tmp_path, "x").parent.parent)
    one.release()
    one.release()
    assert not recorded_elsewhere(tmp_path)
    assert two.take()
    two.release()
    assert list(tmp_path.iterdir()) == []


def test_recordings_that_an_earlier_repair_cut_are_mended_once(
    library: Library, folder: Path
) -> None:
    writer, _ = half_done(library)
    session_id = writer.info.id
    die(writer)
    with Library.open(folder) as again:
        paths = [again.audio_path(session_id, stream) for stream in ("agent", "customer")]
        with again.database.writing() as connection:
            connection.execute("DELETE FROM settings")
    one, other = [path for path in paths if path is not None]
    # As if the last checksum had ended in zero, and as if the disk had lost it all.
    whole = one.read_bytes()
    whole = with_zero_at_the_end(whole)
    one.write_bytes(whole[:-1])
    other.write_bytes(b"\x55" * 100_000)
    with Library.open(folder) as later:
        assert one.read_bytes() == whole
        assert other.read_bytes() == b"\x55" * 100_000
        (problem,) = later.problems
        assert str(other) in problem
    with Library.open(folder) as once_more:
        assert once_more.problems == ()


def with_zero_at_the_end(flac: bytes) -> bytes:
    """Audio as long, in a finished file whose last checksum ends in zero."""
    frames = sf.info(io.BytesIO(flac)).frames
    for seed in range(5_000):
        sound = np.random.default_rng(seed).integers(-(2**23), 2**23, 1152, np.int32) << 8
        file = io.BytesIO()
        with sf.SoundFile(
            file, "w", NATIVE, 1, format="FLAC", subtype="PCM_24", compression_level=0.25
        ) as flac_file:
            flac_file.write(np.tile(sound, frames // 1152))
        if file.getvalue()[-1] == 0:
            return file.getvalue()
    raise AssertionError("one in 256 ends in zero")
