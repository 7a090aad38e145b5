"""Between records and rows: sessions, and what people and rules say about them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np

from emolive.i18n import said_from
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Dimension,
    Note,
    SessionInfo,
    SessionState,
    StreamInfo,
    Trace,
)
from emolive.types import Band, Role

Value = str | int | float | bytes | None

_SESSION_COLUMNS = (
    "id, title, started_at, duration_samples, rate, state, recovered, source, model, provider, "
    "labels, hop_samples, window_samples"
)


def time_text(at: datetime) -> str:
    """UTC, ISO 8601, six decimals: sorts as text the way time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def now_text() -> str:
    """`time_text` of now."""
    return time_text(datetime.now(UTC))


def insert_session(connection: sqlite3.Connection, info: SessionInfo) -> dict[str, int]:
    """Add a session with its streams and tags; returns the streams' row ids by name."""
    connection.execute(
        f"INSERT INTO sessions ({_SESSION_COLUMNS}) VALUES ({', '.join('?' * 13)})",
        (
            info.id,
            info.title,
            time_text(info.started_at),
            info.duration_samples,
            info.rate,
            info.state.value,
            int(info.recovered),
            info.source,
            info.model,
            info.provider,
            json.dumps(info.labels),
            info.hop_samples,
            info.window_samples,
        ),
    )
    ids: dict[str, int] = {}
    for position, stream in enumerate(info.streams):
        cursor = connection.execute(
            "INSERT INTO streams (session_id, position, name, role, emotion, native_rate, band,"
            " audio_file) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                info.id,
                position,
                stream.name,
                stream.role and stream.role.value,
                int(stream.emotion),
                stream.native_rate,
                stream.band and stream.band.value,
                stream.audio_file,
            ),
        )
        ids[stream.name] = _row_id(cursor)
    connection.executemany(
        "INSERT INTO tags VALUES (?, ?)", [(info.id, tag) for tag in dict.fromkeys(info.tags)]
    )
    return ids


def _row_id(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def select_sessions(
    connection: sqlite3.Connection, where: str = "1", parameters: Sequence[Value] = ()
) -> list[SessionInfo]:
    """Sessions that fulfil a condition on their table, newest first."""
    rows = connection.execute(
        f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {where} ORDER BY started_at DESC, id DESC",
        parameters,
    ).fetchall()
    wanted = {row[0] for row in rows}
    if not wanted:
        return []
    # One session's by its index, many by one pass: cheaper than a query for each.
    only, key = (" WHERE session_id = ?", tuple(wanted)) if len(wanted) == 1 else ("", ())
    streams: dict[str, list[StreamInfo]] = {}
    for session_id, name, native_rate, role, emotion, band, audio_file in connection.execute(
        "SELECT session_id, name, native_rate, role, emotion, band, audio_file"
        f" FROM streams{only} ORDER BY session_id, position",
        key,
    ):
        stream = StreamInfo(
            name,
            native_rate,
            Role(role) if role else None,
            bool(emotion),
            Band(band) if band else None,
            audio_file,
        )
        streams.setdefault(session_id, []).append(stream)
    tags: dict[str, list[str]] = {}
    for session_id, tag in connection.execute(
        f"SELECT session_id, tag FROM tags{only} ORDER BY session_id, tag", key
    ):
        tags.setdefault(session_id, []).append(tag)
    return [
        SessionInfo(
            id=row[0],
            title=row[1],
            started_at=datetime.fromisoformat(row[2]),
            duration_samples=row[3],
            rate=row[4],
            state=SessionState(row[5]),
            recovered=bool(row[6]),
            source=row[7],
            model=row[8],
            provider=row[9],
            labels=tuple(json.loads(row[10])),
            hop_samples=row[11],
            window_samples=row[12],
            streams=tuple(streams.get(row[0], ())),
            tags=tuple(tags.get(row[0], ())),
        )
        for row in rows
    ]


def put_annotation(connection: sqlite3.Connection, session_id: str, a: Annotation) -> None:
    """Add an annotation, or replace the one with its id."""
    connection.execute(
        "INSERT OR REPLACE INTO annotations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            a.id,
            a.stream,
            a.start_sample,
            a.end_sample,
            a.label,
            a.comment,
            a.annotator,
            a.tier,
        ),
    )


def select_annotations(connection: sqlite3.Connection, session_id: str) -> list[Annotation]:
    """What people said, in the order of time."""
    return [
        Annotation(*row)
        for row in connection.execute(
            "SELECT id, start_sample, end_sample, label, comment, stream, annotator,"
            " tier FROM annotations WHERE session_id = ? ORDER BY start_sample, end_sample, id",
            (session_id,),
        )
    ]


def put_trace(connection: sqlite3.Connection, session_id: str, trace: Trace) -> None:
    """Add a trace, or replace the annotator's; one without any value goes."""
    key = (session_id, trace.annotator, trace.dimension.value)
    if np.isnan(trace.values).all():
        connection.execute(
            "DELETE FROM traces WHERE session_id = ? AND annotator = ? AND dimension = ?", key
        )
        return
    connection.execute(
        "INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?, ?)",
        (*key, trace.step_samples, np.asarray(trace.values, "<f4").tobytes()),
    )


def select_traces(connection: sqlite3.Connection, session_id: str) -> list[Trace]:
    """What people rated continuously, annotator by annotator."""
    return [
        Trace(annotator, Dimension(name), step, np.frombuffer(blob, "<f4").astype(np.float32))
        for annotator, name, step, blob in connection.execute(
            "SELECT annotator, dimension, step_samples, ratings FROM traces WHERE session_id = ?"
            " ORDER BY annotator, dimension DESC",
            (session_id,),
        )
    ]


def insert_alert(connection: sqlite3.Connection, session_id: str, alert: AlertRecord) -> None:
    """Add an alert."""
    connection.execute(
        "INSERT INTO alerts (session_id, stream, rule, at_sample, end_sample, severity, message,"
        " details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            alert.stream,
            alert.rule,
            alert.at_sample,
            alert.end_sample,
            alert.severity,
            alert.message,
            json.dumps(dict(alert.details)),
        ),
    )


def end_alert(connection: sqlite3.Connection, key: tuple[int, str, str, str | None, int]) -> None:
    """Set an alert's end; `key`: end, session, rule, stream, begin."""
    connection.execute(
        "UPDATE alerts SET end_sample = ? WHERE session_id = ? AND rule = ? AND stream IS ?"
        " AND at_sample = ?",
        key,
    )


def update_bands(connection: sqlite3.Connection, bands: Mapping[int, Band]) -> None:
    """Set the bands of streams by row id."""
    connection.executemany(
        "UPDATE streams SET band = ? WHERE id = ?",
        [(band.value, stream_id) for stream_id, band in bands.items()],
    )


def select_alerts(connection: sqlite3.Connection, session_id: str) -> list[AlertRecord]:
    """A session's alerts in the order of time."""
    return [
        _alert_record(*row)
        for row in connection.execute(
            "SELECT rule, at_sample, message, severity, end_sample, stream, details FROM alerts"
            " WHERE session_id = ? ORDER BY at_sample, id",
            (session_id,),
        )
    ]


def _alert_record(
    rule: str, at: int, message: str, severity: str, end: int | None, stream: str | None, facts: str
) -> AlertRecord:
    """With its sentence in the language in use, as far as what it says was stored."""
    details = json.loads(facts)
    with suppress(ValueError, LookupError):  # of an import, say
        message = said_from(details.get("said", message))
    return AlertRecord(rule, at, message, severity, end, stream, details)


def insert_note(connection: sqlite3.Connection, session_id: str, note: Note) -> int:
    """Add a note; returns its id. A note without a time is from now."""
    created = now_text() if note.created_at is None else time_text(note.created_at)
    cursor = connection.execute(
        "INSERT INTO notes (session_id, at_sample, text, created_at) VALUES (?, ?, ?, ?)",
        (session_id, note.at_sample, note.text, created),
    )
    return _row_id(cursor)


def select_notes(connection: sqlite3.Connection, session_id: str) -> list[Note]:
    """A session's notes, in the order in which they were written."""
    return [
        Note(text, at, note_id, datetime.fromisoformat(created))
        for text, at, note_id, created in connection.execute(
            "SELECT text, at_sample, id, created_at FROM notes WHERE session_id = ? ORDER BY id",
            (session_id,),
        )
    ]
