"""Between the timeline's records and rows: windows, segments, voice activity, gaps."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from emolive.session.records import Gap
from emolive.session.rows import Value, insert
from emolive.types import (
    Baseline,
    Familiarity,
    FloatArray,
    Prediction,
    Segment,
    Shift,
    SpeechActivity,
    SpeechState,
)


def of_stream(session_id: str, stream: str | None) -> tuple[str, tuple[str, ...]]:
    """A condition on the table `streams`, and its parameters."""
    if stream is None:
        return "streams.session_id = ?", (session_id,)
    return "streams.session_id = ? AND streams.name = ?", (session_id, stream)


def window_row(stream_id: int, window: Prediction) -> tuple[Value, ...]:
    """A window as a row of `windows`."""
    return (
        stream_id,
        window.start_sample,
        window.end_sample,
        window.state.value,
        window.label,
        window.confidence,
        window.speech_ratio,
        window.latency_s,
        _blob(window.probabilities),
        None if window.shift is None else window.shift.value,
        None if window.shift is None else window.shift.word.value,
        _blob(window.raw_probabilities),
    )


def _blob(shares: FloatArray | None) -> bytes | None:
    return None if shares is None else np.asarray(shares, "<f4").tobytes()


def _shares(blob: bytes | None) -> FloatArray | None:
    return None if blob is None else np.frombuffer(blob, "<f4").astype(np.float32)


def insert_windows(connection: sqlite3.Connection, rows: Iterable[Sequence[Value]]) -> None:
    """Add rows of `window_row`."""
    connection.executemany(f"INSERT OR REPLACE INTO windows VALUES ({', '.join('?' * 12)})", rows)


def select_windows(
    connection: sqlite3.Connection, session_id: str, stream: str | None
) -> list[Prediction]:
    """A session's windows in the order of time."""
    where, key = of_stream(session_id, stream)
    rows = connection.execute(
        "SELECT name, start_sample, end_sample, state, label, confidence, speech_ratio, latency_s,"
        " probabilities, shift, familiarity, raw_probabilities"
        f" FROM windows JOIN streams ON streams.id = stream_id WHERE {where}"
        " ORDER BY end_sample, position, start_sample",
        key,
    )
    known = _select_baselines(connection, session_id)

    def baseline(name: str, end: int) -> Baseline | None:
        ends, baselines = known.get(name, ([], []))
        place = bisect_right(ends, end)
        return baselines[place - 1] if place else None

    return [
        Prediction(
            stream=name,
            start_sample=start,
            end_sample=end,
            probabilities=_shares(blob),
            state=SpeechState(state),
            label=label,
            confidence=confidence,
            speech_ratio=ratio,
            latency_s=latency,
            shift=None if shift is None else Shift(shift, Familiarity(word)),
            raw_probabilities=_shares(raw),
            baseline=baseline(name, end),
        )
        for name, start, end, state, label, confidence, ratio, latency, blob, *more in rows
        for shift, word, raw in (more,)
    ]


def insert_baseline(
    connection: sqlite3.Connection, stream_id: int, end_sample: int, baseline: Baseline
) -> None:
    """Note that this one is in force from the window on that ends there."""
    place = {"stream_id": stream_id, "end_sample": end_sample}
    insert(connection, "baselines", place | asdict(baseline), replaces=True)


def _select_baselines(
    connection: sqlite3.Connection, session_id: str
) -> dict[str, tuple[list[int], list[Baseline]]]:
    """Those of each stream, and from the window on that ends where they are in force."""
    found: dict[str, tuple[list[int], list[Baseline]]] = {}
    for name, end, *values in connection.execute(
        "SELECT name, end_sample, source, minutes, sessions, strength, expected_neutral"
        " FROM baselines JOIN streams ON streams.id = stream_id WHERE session_id = ?"
        " ORDER BY end_sample",
        (session_id,),
    ):
        ends, baselines = found.setdefault(name, ([], []))
        ends.append(end)
        baselines.append(Baseline(*values))
    return found


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


def replace_answers(
    connection: sqlite3.Connection,
    stream_ids: Mapping[str, int],
    windows: Iterable[Prediction],
    segments: Iterable[Segment],
) -> None:
    """Put other answers in the place of those of these streams."""
    for table in ("windows", "segments", "baselines"):
        connection.executemany(
            f"DELETE FROM {table} WHERE stream_id = ?", [(one,) for one in stream_ids.values()]
        )
    told: dict[str, Baseline] = {}
    for window in windows:
        stream_id = stream_ids[window.stream]
        insert_windows(connection, [window_row(stream_id, window)])
        if window.baseline is not None and told.get(window.stream) != window.baseline:
            told[window.stream] = window.baseline
            insert_baseline(connection, stream_id, window.end_sample, window.baseline)
    insert_segments(connection, stream_ids, segments)


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


def insert_gap(connection: sqlite3.Connection, session_id: str, gap: Gap) -> None:
    """Add a gap."""
    insert(connection, "gaps", {"session_id": session_id, **asdict(gap)})
