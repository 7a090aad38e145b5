"""Putting right what a program left behind that was cut off while recording or deleting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from emolive.errors import SessionError
from emolive.inference.segments import Segmenter
from emolive.private_files import make_private_folder
from emolive.session import audit_log, timeline_rows
from emolive.session.database import Database
from emolive.session.deletion import delete_session
from emolive.session.flac_repair import repair
from emolive.session.folders import RecordingLock, session_folder
from emolive.session.records import SessionInfo, SessionState, StreamInfo
from emolive.session.rows import select_sessions
from emolive.types import Prediction, Segment

# Set once the recordings that an earlier version recovered have been looked at.
_LOOKED_AT = "recovered_audio_checked"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was put right: ids of sessions; and what was not: sentences for people."""

    recovered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def recover(database: Database, library: Path) -> Recovery:
    """Close sessions whose recorder is dead, finish deletions.

    Sessions that a living process records are left alone; what cannot be put right now waits for
    the next time.

    Raises:
        SessionError: the database cannot be read.
    """
    with database.reading() as connection:
        unfinished = select_sessions(connection, "state != 'complete'")
    recovered: list[str] = []
    problems: list[str] = []
    for info in unfinished:
        try:
            if info.state is SessionState.DELETING:
                delete_session(database, library, info.id, "deletion was cut off")
            elif _recover(database, library, info):
                recovered.append(info.id)
        except SessionError as error:
            problems.append(str(error))
    problems += _mend_earlier(database, library)
    return Recovery(tuple(recovered), tuple(dict.fromkeys(problems)))


def _mend_earlier(database: Database, library: Path) -> list[str]:
    """Once: give recordings back the end that an earlier version's repair may have cut off.

    What cannot be mended stays as it is: one sentence each.
    """
    problems: list[str] = []
    try:
        with database.reading() as connection:
            if connection.execute(
                "SELECT 1 FROM settings WHERE name = ?", (_LOOKED_AT,)
            ).fetchone():
                return []
            earlier = select_sessions(connection, "state = 'complete' AND recovered = 1")
        for info in earlier:
            for name in [stream.audio_file for stream in info.streams if stream.audio_file]:
                path = session_folder(library, info.id) / name
                try:
                    repair(path)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    problems.append(str(_cannot_repair(path, error)))
        with database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, 'true')", (_LOOKED_AT,))
    except SessionError as error:
        problems.append(str(error))
    return problems


def _recover(database: Database, library: Path, info: SessionInfo) -> bool:
    """Close a session unless a living process records it; whether there is something in it."""
    folder = session_folder(library, info.id)
    try:
        make_private_folder(folder, exist_ok=True)
        lock = RecordingLock(folder)
        if not lock.take():
            return False
    except OSError as error:
        raise _cannot_repair(folder, error) from error
    try:
        duration = _close(database, folder, info)
    finally:
        lock.release()
    if duration == 0:
        delete_session(database, library, info.id, "nothing was recorded")
    return bool(duration)


def _close(database: Database, folder: Path, info: SessionInfo) -> int | None:
    """Make the files whole, and let the session end where the last thing in it does.

    Returns its length in samples, or None where its own program has just closed it.
    """
    with database.reading() as connection:
        if not select_sessions(connection, "id = ? AND state = 'recording'", (info.id,)):
            return None
    streams = [_repaired(folder, stream) for stream in info.streams]
    with database.writing() as connection:
        windows = timeline_rows.select_windows(connection, info.id, None)
        end = max(
            [
                info.duration_samples,
                *(frames * info.rate // stream.native_rate for stream, frames in streams),
                *(window.end_sample for window in windows),
            ]
        )
        # Those that were closed before, and the one that was open.
        timeline_rows.delete_segments(connection, info.id)
        ids = timeline_rows.stream_ids(connection, info.id)
        timeline_rows.insert_segments(connection, ids, segments_of(windows, info.hop_samples, end))
        for stream, frames in streams:
            if not frames:
                connection.execute(
                    "UPDATE streams SET audio_file = NULL WHERE id = ?", (ids[stream.name],)
                )
        connection.execute(
            "UPDATE sessions SET state = 'complete', recovered = 1, duration_samples = ?"
            " WHERE id = ?",
            (end, info.id),
        )
        details = {"session": info.id, "duration_s": end / info.rate}
        audit_log.append(connection, "recover", details)
    return end


def _repaired(folder: Path, stream: StreamInfo) -> tuple[StreamInfo, int]:
    """A stream and how many frames of its audio there are."""
    if stream.audio_file is None:
        return stream, 0
    path = folder / stream.audio_file
    try:
        frames = repair(path)
        if not frames:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return stream, 0
    except OSError as error:
        raise _cannot_repair(path, error) from error
    return stream, frames


def _cannot_repair(path: Path, error: OSError) -> SessionError:
    return SessionError(
        "A recording that was cut off cannot be put right ({path}: {reason}): check the "
        "disk and start again.",
        path=path,
        reason=error.strerror or error,
    )


def segments_of(
    windows: Iterable[Prediction], hop_samples: int, duration_samples: int
) -> list[Segment]:
    """The segments of a session's windows, in the order of time."""
    segmenters: dict[str, Segmenter] = {}
    segments: list[Segment] = []
    for window in windows:
        segmenter = segmenters.setdefault(window.stream, Segmenter(window.stream, hop_samples))
        segments += segmenter.accept(window)
    for segmenter in segmenters.values():
        segments += segmenter.finish(duration_samples)
    return sorted(segments, key=lambda segment: segment.start_sample)
