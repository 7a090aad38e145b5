"""Finding sessions, and the stretches in them that were meant."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from emolive.session.records import SessionInfo
from emolive.session.rows import Value, select_sessions, time_text
from emolive.session.summary import NO_EMOTION
from emolive.types import Role, Segment


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to look for; what is left out does not restrict.

    `labels`: one of these emotions in a segment of at least `min_duration_s` and at least
    `min_confidence`. `annotated`: look in what people marked instead of the model's segments (a
    mark of a person has confidence 1). `roles`, `streams`: only segments of these. `since` and
    `until` (not included) limit the session's start; both need a time zone. `texts` must all occur,
    in any case, in the title, a note, a tag or a comment. `tags` must all be there.
    """

    labels: tuple[str, ...] = ()
    min_duration_s: float = 0.0
    min_confidence: float = 0.0
    annotated: bool = False
    roles: tuple[Role, ...] = ()
    streams: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    texts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def about_segments(self) -> bool:
        """Whether segments have to match, not sessions alone."""
        return bool(
            self.labels
            or self.min_duration_s
            or self.min_confidence
            or self.annotated
            or self.roles
            or self.streams
        )


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A session that matches, with the segments that do (none when the query asks for none)."""

    session: SessionInfo
    segments: tuple[Segment, ...] = field(default=())


def find(connection: sqlite3.Connection, query: SearchQuery) -> list[SearchHit]:
    """Sessions that match, newest first, their segments in the order of time."""
    where, key = _session_condition(query)
    if not query.about_segments:
        return [SearchHit(session) for session in select_sessions(connection, where, key)]
    found: dict[str, list[Segment]] = {}
    for session_id, *segment in connection.execute(*_segment_query(query, where, key)):
        found.setdefault(session_id, []).append(Segment(*segment))
    sessions = select_sessions(connection, where, key) if found else []
    return [SearchHit(s, tuple(found[s.id])) for s in sessions if s.id in found]


def _session_condition(query: SearchQuery) -> tuple[str, list[Value]]:
    conditions, key = ["sessions.state != 'deleting'"], list[Value]()
    if query.since is not None:
        conditions.append("sessions.started_at >= ?")
        key.append(time_text(query.since))
    if query.until is not None:
        conditions.append("sessions.started_at < ?")
        key.append(time_text(query.until))
    for tag in query.tags:
        conditions.append(
            "EXISTS (SELECT 1 FROM tags WHERE session_id = sessions.id AND fold(tag) = ?)"
        )
        key.append(tag.casefold())
    for text in query.texts:
        conditions.append(
            "(instr(fold(sessions.title), ?1) OR EXISTS (SELECT 1 FROM notes WHERE session_id ="
            " sessions.id AND instr(fold(text), ?1)) OR EXISTS (SELECT 1 FROM tags WHERE session_id"
            " = sessions.id AND instr(fold(tag), ?1)) OR EXISTS (SELECT 1 FROM annotations WHERE"
            " session_id = sessions.id AND instr(fold(comment), ?1)))".replace("?1", "?")
        )
        key += [text.casefold()] * 4
    return " AND ".join(conditions), key


def _segment_query(query: SearchQuery, where: str, key: list[Value]) -> tuple[str, list[Value]]:
    """Rows of session id and the fields of `Segment`."""
    if query.annotated:
        columns = "coalesce(stream, ''), start_sample, end_sample, label, 1.0"
        tables = "annotations AS marks JOIN sessions ON sessions.id = marks.session_id"
        # A mark without a stream is about all of them.
        about = "session_id = sessions.id AND (marks.stream IS NULL OR name = marks.stream)"
        conditions = [where, "label IS NOT NULL"]
    else:
        columns = (
            "(SELECT name FROM streams WHERE id = stream_id), start_sample, end_sample, label,"
            " confidence"
        )
        tables = (
            "segments AS marks JOIN sessions ON sessions.id ="
            " (SELECT session_id FROM streams WHERE id = stream_id)"
        )
        about = "id = marks.stream_id"
        conditions = [where]
    parameters = list(key)
    if query.labels:
        conditions.append(f"label IN ({_marks(query.labels)})")
        parameters += query.labels
    else:  # "longer than 10 s" means an emotion, not silence
        conditions.append(f"label NOT IN ({_marks(NO_EMOTION)})")
        parameters += NO_EMOTION
    if query.roles or query.streams:
        which = [about]
        if query.roles:
            which.append(f"role IN ({_marks(query.roles)})")
            parameters += [role.value for role in query.roles]
        if query.streams:
            which.append(f"name IN ({_marks(query.streams)})")
            parameters += query.streams
        conditions.append(f"EXISTS (SELECT 1 FROM streams WHERE {' AND '.join(which)})")
    if query.min_duration_s:
        conditions.append("end_sample - start_sample >= ? * sessions.rate")
        parameters.append(query.min_duration_s)
    if query.min_confidence and not query.annotated:
        conditions.append("confidence >= ?")
        parameters.append(query.min_confidence)
    return (
        f"SELECT sessions.id, {columns} FROM {tables} WHERE {' AND '.join(conditions)}"
        " ORDER BY sessions.id, start_sample",
        parameters,
    )


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
