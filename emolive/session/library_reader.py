"""Reading a library: what there is, and what is in it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from emolive.errors import SessionError
from emolive.i18n import said_from, tr
from emolive.session import rows, timeline_rows
from emolive.session.database import Database
from emolive.session.folders import session_folder
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Dimension,
    Gap,
    GapKind,
    Note,
    SessionInfo,
    Trace,
)
from emolive.session.search import SearchHit, SearchQuery, find
from emolive.session.summary import SessionSummary, dominant_of, summarize
from emolive.types import Prediction, Segment, SpeechActivity

NEWEST = "last"


class LibraryReader:
    """The half of a `Library` that changes nothing.

    Any thread may use it. Every method raises `SessionError` when the database cannot be read.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database

    def sessions(self) -> list[SessionInfo]:
        """All sessions, newest first."""
        with self.database.reading() as connection:
            return rows.select_sessions(connection, "state != 'deleting'")

    def search(self, query: SearchQuery) -> list[SearchHit]:
        """Sessions that match, newest first."""
        with self.database.reading() as connection:
            return find(connection, query)

    def get(self, session: str) -> SessionInfo:
        """The session with this id or the only one whose id begins so; "last": the newest."""
        with self.database.reading() as connection:
            if session == NEWEST:
                found = rows.select_sessions(
                    connection,
                    "id = (SELECT id FROM sessions WHERE state != 'deleting'"
                    " ORDER BY started_at DESC, id DESC LIMIT 1)",
                )
            else:
                found = rows.select_sessions(
                    connection,
                    "substr(id, 1, ?) = ? AND state != 'deleting'",
                    (len(session), session),
                )
                found = [info for info in found if info.id == session] or found
        if not found or not session:
            raise SessionError(
                tr(
                    "There is no session {session}: see `emolive sessions list`.",
                    session=repr(session[:70]),
                )
                if session != NEWEST
                else tr("There is no session yet: record one with `emolive live --record`.")
            )
        if len(found) > 1:
            raise SessionError(
                "{number} sessions begin with {session}: give more of the id, see "
                "`emolive sessions list`.",
                number=len(found),
                session=repr(session[:70]),
            )
        return found[0]

    def windows(self, session_id: str, stream: str | None = None) -> list[Prediction]:
        """The model's answers, of all streams or one, in the order of time."""
        with self.database.reading() as connection:
            return timeline_rows.select_windows(connection, session_id, stream)

    def segments(self, session_id: str, stream: str | None = None) -> list[Segment]:
        """The model's segments, of all streams or one, in the order of time."""
        where, key = timeline_rows.of_stream(session_id, stream)
        found = self._rows(
            "SELECT name, start_sample, end_sample, label, confidence FROM segments"
            f" JOIN streams ON streams.id = stream_id WHERE {where}"
            " ORDER BY start_sample, position",
            *key,
        )
        return [Segment(*row) for row in found]

    def activity(self, session_id: str, stream: str) -> list[SpeechActivity]:
        """A stream's voice activity, as it came in during the session."""
        where, key = timeline_rows.of_stream(session_id, stream)
        found = self._rows(
            "SELECT start_sample, chunk_samples, speech, probability, level_dbfs FROM activity"
            f" JOIN streams ON streams.id = stream_id WHERE {where} ORDER BY start_sample",
            *key,
        )
        return [
            SpeechActivity(
                start,
                chunk,
                np.frombuffer(speech, np.uint8).astype(np.bool_),
                np.frombuffer(probability, "<f2").astype(np.float32),
                np.frombuffer(level, "<f2").astype(np.float32),
            )
            for start, chunk, speech, probability, level in found
        ]

    def gaps(self, session_id: str) -> list[Gap]:
        """The stretches of which nothing was kept, in the order of time."""
        found = self._rows(
            "SELECT start_sample, end_sample, kind, stream FROM gaps WHERE session_id = ?"
            " ORDER BY start_sample, id",
            session_id,
        )
        return [Gap(start, end, GapKind(kind), stream) for start, end, kind, stream in found]

    def annotations(self, session_id: str) -> list[Annotation]:
        """What people marked, in the order of time."""
        found = self._rows(
            "SELECT id, start_sample, end_sample, label, comment, stream, annotator,"
            " tier FROM annotations WHERE session_id = ? ORDER BY start_sample, end_sample, id",
            session_id,
        )
        return [Annotation(*row) for row in found]

    def traces(self, session_id: str) -> list[Trace]:
        """What people rated continuously, annotator by annotator."""
        found = self._rows(
            "SELECT annotator, dimension, step_samples, ratings FROM traces WHERE session_id = ?"
            " ORDER BY annotator, dimension DESC",
            session_id,
        )
        return [
            Trace(annotator, Dimension(name), step, np.frombuffer(blob, "<f4").astype(np.float32))
            for annotator, name, step, blob in found
        ]

    def annotators(self) -> list[str]:
        """Everybody who marked or rated anything, sorted."""
        return self._texts(
            "SELECT annotator FROM annotations UNION SELECT annotator FROM traces ORDER BY 1"
        )

    def alerts(self, session_id: str) -> list[AlertRecord]:
        """The alerts that were raised, in the order of time.

        Their sentences are in the language in use, as far as what they say was stored.
        """
        alerts = []
        for rule, at, message, severity, end, stream, facts in self._rows(
            "SELECT rule, at_sample, message, severity, end_sample, stream, details FROM alerts"
            " WHERE session_id = ? ORDER BY at_sample, id",
            session_id,
        ):
            details = json.loads(facts)
            with suppress(ValueError, LookupError):  # of an import, say
                message = said_from(details.get("said", message))
            alerts.append(AlertRecord(rule, at, message, severity, end, stream, details))
        return alerts

    def notes(self, session_id: str) -> list[Note]:
        """The notes, in the order in which they were written."""
        found = self._rows(
            "SELECT text, at_sample, id, created_at FROM notes WHERE session_id = ? ORDER BY id",
            session_id,
        )
        return [
            Note(text, at, note_id, datetime.fromisoformat(created))
            for text, at, note_id, created in found
        ]

    def tags(self) -> list[str]:
        """All tags in use, sorted."""
        return self._texts("SELECT DISTINCT tag FROM tags ORDER BY 1")

    def labels(self) -> list[str]:
        """All emotions that any session's model or any person's mark knows, sorted."""
        return self._texts(
            "SELECT value FROM sessions, json_each(sessions.labels) UNION"
            " SELECT label FROM annotations WHERE label IS NOT NULL ORDER BY 1"
        )

    def audio_path(self, session_id: str, stream: str) -> Path | None:
        """The stream's audio (FLAC, mono); None where none is kept or it is gone."""
        for candidate in self.get(session_id).streams:
            if candidate.name == stream and candidate.audio_file:
                path = session_folder(self.folder, session_id) / candidate.audio_file
                return path if path.is_file() else None
        return None

    def summary(self, session_id: str) -> SessionSummary:
        """Time per emotion, transitions and peaks."""
        info = self.get(session_id)
        return summarize(
            [stream.name for stream in info.streams],
            info.labels,
            self.windows(info.id),
            self.segments(info.id),
        )

    def label_samples(self, session_id: str | None = None) -> dict[str, dict[str, int]]:
        """For each session (or this one) the samples per label of its segments.

        Over all streams on which emotion is inferred: another must not thin out their shares.
        Quick for the whole library: what a list of sessions shows.
        """
        found: dict[str, dict[str, int]] = {}
        only, key = ("", ()) if session_id is None else ("AND session_id = ?", (session_id,))
        with self.database.reading() as connection:
            for found_id, label, samples in connection.execute(
                "SELECT session_id, label, sum(end_sample - start_sample) FROM segments"
                f" JOIN streams ON streams.id = stream_id WHERE emotion {only}"
                " GROUP BY session_id, label ORDER BY 3 DESC, label",
                key,
            ):
                found.setdefault(found_id, {})[label] = samples
        return found

    def dominant(self) -> dict[str, str | None]:
        """The emotion with the most time of each session that has segments."""
        return {key: dominant_of(samples) for key, samples in self.label_samples().items()}

    def _texts(self, query: str) -> list[str]:
        return [row[0] for row in self._rows(query)]

    def _rows(self, query: str, *parameters: rows.Value) -> list[Any]:
        with self.database.reading() as connection:
            return connection.execute(query, parameters).fetchall()
