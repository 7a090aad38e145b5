"""Between records and rows: sessions, and what people and rules say about them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime

import numpy as np

from emolive.session.records import (
    AlertRecord,
    Annotation,
    Note,
    SessionInfo,
    SessionState,
    StreamInfo,
    Trace,
)
from emolive.types import Band, Role

Value = str | int | float | bytes | None

# Columns are called like the fields of their records.
_SESSION = tuple(one.name for one in fields(SessionInfo) if one.name not in ("streams", "tags"))
_STREAM = tuple(one.name for one in fields(StreamInfo))


def time_text(at: datetime) -> str:
    """UTC, ISO 8601, six decimals: sorts as text the way time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def now_text() -> str:
    """`time_text` of now."""
    return time_text(datetime.now(UTC))


def insert(
    connection: sqlite3.Connection, table: str, row: Mapping[str, object], *, replaces: bool = False
) -> int:
    """Add a row, or replace the one with its key; returns its number."""
    cursor = connection.execute(
        f"INSERT {'OR REPLACE ' if replaces else ''}INTO {table} ({', '.join(row)})"
        f" VALUES ({', '.join('?' * len(row))})",
        tuple(row.values()),
    )
    return cursor.lastrowid or 0


def insert_session(connection: sqlite3.Connection, info: SessionInfo) -> dict[str, int]:
    """Add a session with its streams and tags; returns the streams' row ids by name."""
    row = {name: getattr(info, name) for name in _SESSION}
    row |= {"started_at": time_text(info.started_at), "labels": json.dumps(info.labels)}
    insert(connection, "sessions", row)
    ids: dict[str, int] = {}
    for position, stream in enumerate(info.streams):
        row = {name: getattr(stream, name) for name in _STREAM}
        place = {"session_id": info.id, "position": position}
        ids[stream.name] = insert(connection, "streams", place | row)
    for tag in dict.fromkeys(info.tags):
        insert(connection, "tags", {"session_id": info.id, "tag": tag})
    return ids


def select_sessions(
    connection: sqlite3.Connection, where: str = "1", parameters: Sequence[Value] = ()
) -> list[SessionInfo]:
    """Sessions that fulfil a condition on their table, newest first."""
    rows = connection.execute(
        f"SELECT {', '.join(_SESSION)} FROM sessions WHERE {where}"
        " ORDER BY started_at DESC, id DESC",
        parameters,
    ).fetchall()
    found = [dict(zip(_SESSION, row, strict=True)) for row in rows]
    if not found:
        return []
    # One session's by its index, many by one pass: cheaper than a query for each.
    only, key = (" WHERE session_id = ?", (found[0]["id"],)) if len(found) == 1 else ("", ())
    streams: dict[str, list[StreamInfo]] = {}
    for session_id, *row in connection.execute(
        f"SELECT session_id, {', '.join(_STREAM)} FROM streams{only} ORDER BY session_id, position",
        key,
    ):
        stream = dict(zip(_STREAM, row, strict=True))
        stream |= {
            "role": Role(stream["role"]) if stream["role"] else None,
            "emotion": bool(stream["emotion"]),
            "band": Band(stream["band"]) if stream["band"] else None,
        }
        streams.setdefault(session_id, []).append(StreamInfo(**stream))
    tags: dict[str, list[str]] = {}
    for session_id, tag in connection.execute(
        f"SELECT session_id, tag FROM tags{only} ORDER BY session_id, tag", key
    ):
        tags.setdefault(session_id, []).append(tag)
    for one in found:
        one |= {
            "started_at": datetime.fromisoformat(one["started_at"]),
            "state": SessionState(one["state"]),
            "recovered": bool(one["recovered"]),
            "labels": tuple(json.loads(one["labels"])),
            "streams": tuple(streams.get(one["id"], ())),
            "tags": tuple(tags.get(one["id"], ())),
        }
    return [SessionInfo(**one) for one in found]


def put_annotation(connection: sqlite3.Connection, session_id: str, annotation: Annotation) -> None:
    """Add an annotation, or replace the one with its id."""
    row = {one.name: getattr(annotation, one.name) for one in fields(annotation)}
    insert(connection, "annotations", {"session_id": session_id, **row}, replaces=True)


def put_trace(connection: sqlite3.Connection, session_id: str, trace: Trace) -> None:
    """Add a trace, or replace the annotator's; one without any value goes."""
    key = {
        "session_id": session_id,
        "annotator": trace.annotator,
        "dimension": trace.dimension.value,
    }
    if np.isnan(trace.values).all():
        connection.execute(
            "DELETE FROM traces WHERE session_id = ? AND annotator = ? AND dimension = ?",
            tuple(key.values()),
        )
        return
    ratings = np.asarray(trace.values, "<f4").tobytes()
    row = {**key, "step_samples": trace.step_samples, "ratings": ratings}
    insert(connection, "traces", row, replaces=True)


def insert_alert(connection: sqlite3.Connection, session_id: str, alert: AlertRecord) -> None:
    """Add an alert."""
    row = {one.name: getattr(alert, one.name) for one in fields(alert)}
    row |= {"session_id": session_id, "details": json.dumps(dict(alert.details))}
    insert(connection, "alerts", row)


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


def insert_note(connection: sqlite3.Connection, session_id: str, note: Note) -> int:
    """Add a note; returns its id. A note without a time is from now."""
    row = {
        "session_id": session_id,
        "at_sample": note.at_sample,
        "text": note.text,
        "created_at": time_text(note.created_at or datetime.now(UTC)),
    }
    return insert(connection, "notes", row)
