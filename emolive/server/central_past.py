"""Past calls of all servers, whether they were recorded or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from emolive.central.search import CallQuery, CentralSearch
from emolive.central.store import CentralStore
from emolive.errors import SessionError
from emolive.server.history import NoSuchSession, Page, Sound
from emolive.server.recordings import AddressRecordings, LibraryRecordings
from emolive.session.library import Library
from emolive.session.query_text import parse_query
from emolive.session.search import SearchQuery
from emolive.session.summary import NO_EMOTION

_DIGITS = 6
_TIMES = ("start_s", "end_s")
_SHARE_DIGITS = 4
# What a session says that the central history does not know.
_MORE = ("annotations", "gaps", "notes", "tags", "summary", "sample_rate", "file", "conversation")


class CentralPast:
    """The central history, with the sound and the windows of those calls that were recorded.

    It is asked as a `LibraryHistory` is.
    """

    def __init__(
        self,
        store: CentralStore,
        search: CentralSearch,
        recordings: LibraryRecordings | AddressRecordings,
        library: Library,
        labels: Sequence[str],
    ) -> None:
        """`library`: whose audit log says what is deleted, and whose settings when that is due.

        `labels`: what the model answers now, whether it was ever heard or not.
        """
        self._labels = frozenset(labels)
        self._store = store
        self._search = search
        self._recordings = recordings
        self._library = library

    def find(self, text: str, limit: int, offset: int) -> Page:
        """What matches, newest first."""
        known = self._labels.union(self._search.labels()) - NO_EMOTION
        now = datetime.now().astimezone()
        query = parse_query(text, known, now) if text.strip() else SearchQuery()
        if query.tags or query.annotated:
            raise SessionError(
                "Calls of all servers have no tags and no marks of people: search by "
                "emotion, length, time or name."
            )
        wanted = CallQuery(
            query.since,
            query.until,
            labels=query.labels,
            min_duration_s=query.min_duration_s,
            min_confidence=query.min_confidence,
            words=query.texts,
            streams=(*query.streams, *(role.value for role in query.roles)),
        )
        found = self._search.find(wanted, limit, offset)
        details = self._search.details([call["id"] for call in found.calls], wanted)
        return Page([_found(call, details[call["id"]]) for call in found.calls], found.total)

    def session(self, session_id: str) -> dict[str, Any]:
        """Everything about one call, on one time axis; windows where it was recorded."""
        call = self._call(session_id)
        stretches = call["stretches"]
        kept = [
            self._recordings.document(one["server"], one["session"]) if one["session"] else None
            for one in stretches
        ]
        only = kept[0] if len(kept) == 1 else None
        labels = {one["label"]: None for one in call["segments"] if one["label"] not in NO_EMOTION}
        for document in kept:
            labels |= dict.fromkeys(document["labels"] if document else ())
        document = {
            "id": call["id"],
            "title": call["name"],
            "started_at": call["started_at"],
            "duration_s": call["duration_s"],
            "model": stretches[-1]["model"] if stretches else "",
            "labels": list(labels),
            "streams": _streams(call),
            "windows": [
                line | {t: round(line[t] + stretch["start_s"], _DIGITS) for t in _TIMES}
                for stretch, part in zip(stretches, kept, strict=True)
                for line in (part["windows"] if part else ())
            ],
            "segments": call["segments"],
            "alerts": call["alerts"],
            "stretches": stretches,
            "tags": [],
            "conversation": None,
            "has_audio": False,
        }
        if only is not None:
            document |= {name: only[name] for name in _MORE if name in only}
            document["has_audio"] = only["has_audio"]
        return document

    def sound(self, session_id: str, stream: str) -> Sound:
        """One party's sound, of a call that one connection brought."""
        stretches = self._call(session_id)["stretches"]
        if len(stretches) == 1 and stretches[0]["session"]:
            found = self._recordings.sound(stretches[0]["server"], stretches[0]["session"], stream)
            if found is not None:
                return found
        raise NoSuchSession(
            "No sound of {stream} is kept of call {session_id}.",
            stream=repr(stream[:70]),
            session_id=session_id,
        )

    def delete(self, session_id: str, by: str) -> None:
        """Delete one for good, with its recordings."""
        self._delete(self._call(session_id), f"asked for by {by}")

    def expire(self, now: datetime | None = None) -> list[str]:
        """Delete the calls that are older than the library keeps; the ids."""
        days = self._library.settings().expire_after_days
        if days is None:
            return []
        until = (now or datetime.now(UTC)) - timedelta(days=days)
        expired = []
        while calls := self._search.find(CallQuery(until=until), limit=100).calls:
            for one in calls:
                self._delete(self._call(one["id"]), f"older than {days} days")
                expired.append(one["id"])
        return expired

    def _delete(self, call: dict[str, Any], why: str) -> None:
        for stretch in call["stretches"]:
            if stretch["session"]:
                self._recordings.delete(stretch["server"], stretch["session"], why)
        self._store.delete(call["id"])
        self._library.audit("call.deleted", {"call": call["id"], "reason": why})

    def _call(self, call_id: str) -> dict[str, Any]:
        call = self._search.call(call_id)
        if call is None:
            raise NoSuchSession(
                "There is no call {call_id} in the history.", call_id=repr(call_id[:70])
            )
        return call


def _streams(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The parties, in the words of an exported session."""
    inferred = {one["stream"] for one in call["segments"] if one["label"] != "not_inferred"}
    found = {one["stream"]: one["role"] for part in call["stretches"] for one in part["streams"]}
    return [
        {"name": name, "role": role, "emotion": name in inferred, "native_rate": 0, "band": None}
        for name, role in found.items()
    ]


def _found(call: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    shares = {n: s for n, s in details["lengths_s"].items() if n not in NO_EMOTION}
    spoken = sum(shares.values())
    stretches = details["stretches"]
    streams = {one["stream"]: one["role"] for part in stretches for one in part["streams"]}
    return {
        "id": call["id"],
        "title": call["name"],
        "started_at": call["started_at"],
        "duration_s": call["duration_s"],
        "source": call["tap"],
        "model": stretches[-1]["model"] if stretches else "",
        "state": "complete" if all(one["ended_at"] for one in stretches) else "running",
        "recovered": False,
        "streams": [
            {"stream": name, "role": role, "emotion": name in details["inferred"], "audio": False}
            for name, role in streams.items()
        ],
        "tags": [],
        "label": max(shares, key=shares.__getitem__) if shares else None,
        "shares": {n: round(s / spoken, _SHARE_DIGITS) for n, s in shares.items() if spoken},
        "alerts": details["alerts"],
        "hits": details["hits"],
    }
