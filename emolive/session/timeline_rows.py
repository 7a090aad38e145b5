"""Between the timeline's records and rows: windows, segments, voice activity, gaps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from emolive.session.records import Gap, GapKind
from emolive.session.rows import Value
from emolive.types import Familiarity, Prediction, Segment, Shift, SpeechActivity, SpeechState


def _of_stream(session_id: str, stream: str | None) -> tuple[str, tuple[str, ...]]:
    """A condition on the table `streams`, and its parameters."""
    if stream is None:
        return "streams.session_id = ?", (session_id,)
    return "streams.session_id = ? AND streams.name = ?", (session_id, stream)


def window_row(stream_id: int, window: Prediction) -> tuple[Value, ...]:
    """A window as a row of `windows`."""
    blob = None
    if window.probabilities is not None:
        blob = np.asarray(window.probabilities, "<f4").tobytes()
    return (
        stream_id,
        window.start_sample,
        window.end_sample,
        window.state.value,
        window.label,
        window.confidence,
        window.speech_ratio,
        window.latency_s,
        blob,
        None if window.shift is None else window.shift.value,
        None if window.shift is None else window.shift.word.value,
    )


def insert_windows(connection: sqlite3.Connection, rows: Iterable[Sequence[Value]]) -> None:
    """Add rows of `window_row`."""
    connection.executemany(f"INSERT OR REPLACE INTO windows VALUES ({', '.join('?' * 11)})", rows)


def select_windows(
    connection: sqlite3.Connection, session_id: str, stream: str | None
) -> list[Prediction]:
    """A session's windows in the order of time."""
    where, key = _of_stream(session_id, stream)
    rows = connection.execute(
        "SELECT name, start_sample, end_sample, state, label, confidence, speech_ratio, latency_s,"
        " probabilities, shift, familiarity FROM windows JOIN streams ON streams.id = stream_id"
        f" WHERE {where}"
        " ORDER BY end_sample, position, start_sample",
        key,
    )
    return [
        Prediction(
            stream=name,
            start_sample=start,
            end_sample=end,
            probabilities=None if blob is None else np.frombuffer(blob, "<f4").astype(np.float32),
            state=SpeechState(state),
            label=label,
            confidence=confidence,
            speech_ratio=ratio,
            latency_s=latency,
            shift=None if shift is None else Shift(shift, Familiarity(word)),
        )
        for name, start, end, state, label, confidence, ratio, latency, blob, shift, word in rows
    ]


def insert_segments(
    connection: sqlite3.Connection, stream_ids: Mapping[str, int], segments: Iterable[Segment]
) -> None:
    """Add segments of the streams whose row ids are given."""
    connection.executemany(
        "INSERT INTO segments (stream_id, start_sample, end_sample, label, confidence)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (stream_ids[s.stream], s.start_sample, s.end_sample, s.label, s.confidence)
            for s in segments
        ],
    )


def select_segments(
    connection: sqlite3.Connection, session_id: str, stream: str | None
) -> list[Segment]:
    """The model's segments in the order of time."""
    where, key = _of_stream(session_id, stream)
    return [
        Segment(*row)
        for row in connection.execute(
            "SELECT name, start_sample, end_sample, label, confidence FROM segments"
            f" JOIN streams ON streams.id = stream_id WHERE {where}"
            " ORDER BY start_sample, position",
            key,
        )
    ]


def delete_segments(connection: sqlite3.Connection, session_id: str) -> None:
    """Remove the model's segments, for others to take their place."""
    connection.execute(
        "DELETE FROM segments WHERE stream_id IN (SELECT id FROM streams WHERE session_id = ?)",
        (session_id,),
    )


def stream_ids(connection: sqlite3.Connection, session_id: str) -> dict[str, int]:
    """The row ids of a session's streams by name."""
    return dict(
        connection.execute("SELECT name, id FROM streams WHERE session_id = ?", (session_id,))
    )


def activity_row(stream_id: int, activity: SpeechActivity) -> tuple[Value, ...]:
    """A stretch of voice activity as a row of `activity`."""
    return (
        stream_id,
        activity.start_sample,
        activity.chunk_samples,
        np.asarray(activity.speech, np.uint8).tobytes(),
        np.asarray(activity.probability, "<f2").tobytes(),
        np.asarray(activity.level_dbfs, "<f2").tobytes(),
    )


def insert_activity(connection: sqlite3.Connection, rows: Iterable[Sequence[Value]]) -> None:
    """Add rows of `activity_row`."""
    connection.executemany("INSERT OR REPLACE INTO activity VALUES (?, ?, ?, ?, ?, ?)", rows)


def select_activity(
    connection: sqlite3.Connection, session_id: str, stream: str
) -> list[SpeechActivity]:
    """A stream's voice activity, as it was stored."""
    where, key = _of_stream(session_id, stream)
    return [
        SpeechActivity(
            start,
            chunk,
            np.frombuffer(speech, np.uint8).astype(np.bool_),
            np.frombuffer(probability, "<f2").astype(np.float32),
            np.frombuffer(level, "<f2").astype(np.float32),
        )
        for start, chunk, speech, probability, level in connection.execute(
            "SELECT start_sample, chunk_samples, speech, probability, level_dbfs FROM activity"
            f" JOIN streams ON streams.id = stream_id WHERE {where} ORDER BY start_sample",
            key,
        )
    ]


def insert_gap(connection: sqlite3.Connection, session_id: str, gap: Gap) -> None:
    """Add a gap."""
    connection.execute(
        "INSERT INTO gaps (session_id, stream, start_sample, end_sample, kind)"
        " VALUES (?, ?, ?, ?, ?)",
        (session_id, gap.stream, gap.start_sample, gap.end_sample, gap.kind.value),
    )


def select_gaps(connection: sqlite3.Connection, session_id: str) -> list[Gap]:
    """A session's gaps in the order of time."""
    return [
        Gap(start, end, GapKind(kind), stream)
        for start, end, kind, stream in connection.execute(
            "SELECT start_sample, end_sample, kind, stream FROM gaps WHERE session_id = ?"
            " ORDER BY start_sample, id",
            (session_id,),
        )
    ]
