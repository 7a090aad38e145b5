"""Past calls, as the server tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from emolive.errors import EmoliveError, SessionError
from emolive.i18n import parts_of
from emolive.session.conversation import session_conversation
from emolive.session.export.json_document import segment_object, timeline_dict
from emolive.session.library import Library
from emolive.session.query_text import parse_query
from emolive.session.search import SearchHit, SearchQuery
from emolive.session.summary import dominant_of
from emolive.session.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Sound:
    """A FLAC file with one party's sound; `temporary`: whoever was given it removes it."""

    path: Path
    temporary: bool = False


class NoSuchSession(EmoliveError):  # noqa: N818 - it is an answer
    """There is none of this id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the sessions that were found, as JSON objects; `total` counts all of them."""

    sessions: Sequence[dict[str, Any]]
    total: int


def session_document(library: Library, session_id: str) -> dict[str, Any]:
    """Everything about a session but its sound, as its JSON export has it, and more.

    Raises:
        SessionError: there is none.
    """
    info = library.get(session_id)
    conversation = session_conversation(library, info)
    timeline = Timeline.of_session(library, info.id)
    document: dict[str, Any] = timeline_dict(timeline)
    for line, alert in zip(document.get("alerts", ()), timeline.alerts, strict=False):
        line["said"] = {"message": parts_of(alert.message)}
    # In one shape, whatever it has: a session of one stream is exported without these.
    names = [stream.name for stream in info.streams]
    for part in ("windows", "segments"):
        for line in document[part]:
            line.setdefault("stream", names[0])
    return {
        "title": info.title,
        "started_at": info.started_at.isoformat(),
        "alerts": [],
        **document,
        "id": info.id,
        "has_audio": info.has_audio,
        "conversation": conversation and conversation.to_dict(),
    }


class LibraryHistory:
    """Where past calls are: in a library on this computer.

    Methods block, and may be called from any thread. Those that take a session raise
    `NoSuchSession` when there is none; all raise `EmoliveError` when it cannot be read.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    def find(self, text: str, limit: int, offset: int) -> Page:
        """What matches, newest first."""
        library = self._library
        now = datetime.now().astimezone()
        query = parse_query(text, library.labels(), now) if text.strip() else SearchQuery()
        hits = library.search(query)
        shares = library.label_samples()
        shown = hits[offset : offset + limit]
        return Page([self._found(hit, shares) for hit in shown], len(hits))

    def session(self, session_id: str) -> dict[str, Any]:
        """Everything about one."""
        self._check(session_id)
        return session_document(self._library, session_id)

    def sound(self, session_id: str, stream: str) -> Sound:
        """One party's sound."""
        self._check(session_id)
        path = self._library.audio_path(session_id, stream)
        if path is None:
            raise NoSuchSession(
                "No sound of {stream} is kept in session {session_id}.",
                stream=repr(stream[:70]),
                session_id=session_id,
            )
        return Sound(path)

    def delete(self, session_id: str, by: str) -> None:
        """Delete one for good."""
        self._check(session_id)
        self._library.delete(session_id, reason=f"asked for by {by}")

    def _check(self, session_id: str) -> None:
        """The whole id is needed here: what begins so may be another tomorrow."""
        try:
            known = self._library.get(session_id).id == session_id
        except SessionError:
            known = False
        if not known:
            raise NoSuchSession(
                "There is no session {session_id}.", session_id=repr(session_id[:70])
            )

    def _found(self, hit: SearchHit, shares: dict[str, dict[str, int]]) -> dict[str, Any]:
        info = hit.session
        samples = shares.get(info.id, {})
        spoken = sum(samples.values())
        return {
            "id": info.id,
            "title": info.title,
            "started_at": info.started_at.isoformat(),
            "duration_s": round(info.duration_s, 3),
            "source": info.source,
            "model": info.model,
            "state": info.state.value,
            "recovered": info.recovered,
            "streams": [
                {
                    "stream": one.name,
                    "role": one.role and one.role.value,
                    "emotion": one.emotion,
                    "audio": one.audio_file is not None,
                }
                for one in info.streams
            ],
            "tags": list(info.tags),
            "label": dominant_of(samples),
            "shares": {label: round(n / spoken, 4) for label, n in samples.items()},
            "alerts": len(self._library.alerts(info.id)),
            "hits": [segment_object(one, info.rate) for one in hit.segments],
        }
