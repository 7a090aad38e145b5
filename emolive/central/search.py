"""Finding calls again: by time, by what they are called, by emotion, by alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, select, union_all

from emolive.central import schema
from emolive.central.store import CentralStore, utc
from emolive.session.summary import NO_EMOTION
from emolive.types import SpeechState

_SECONDS = 6


@dataclass(frozen=True, slots=True)
class CallQuery:
    """What to look for; what is left out does not restrict.

    `since` and `until` (not included) limit the call's start and need a time zone. `name`: part of
    what it is called, in any case; `words`: all of these. `labels`: one of these emotions (any, but
    an emotion, where there are none), in a segment of at least `min_duration_s` and
    `min_confidence`, of one of these `streams`. `rule`: an alert of this rule; `severity`: one this
    grave; `key`: exactly this call of the telephone system.
    """

    since: datetime | None = None
    until: datetime | None = None
    name: str = ""
    labels: tuple[str, ...] = ()
    min_duration_s: float = 0.0
    min_confidence: float = 0.0
    rule: str = ""
    severity: str = ""
    key: str = ""
    words: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()

    @property
    def about_segments(self) -> bool:
        """Whether segments have to match."""
        return bool(self.labels or self.min_duration_s or self.min_confidence or self.streams)


@dataclass(frozen=True, slots=True)
class FoundCalls:
    """Some of the calls that were found, newest first, as JSON objects; `total` counts all."""

    calls: tuple[dict[str, Any], ...]
    total: int


class CentralSearch:
    """Reads the central history; every method may raise `EmoliveError` when it cannot be read."""

    def __init__(self, store: CentralStore) -> None:
        self._store = store

    def find(self, query: CallQuery, limit: int = 50, offset: int = 0) -> FoundCalls:
        """What matches, newest first."""
        calls = schema.calls
        wanted = _matching(query)
        page = wanted.order_by(calls.c.started_at.desc(), calls.c.id).limit(limit).offset(offset)
        count = select(func.count()).select_from(wanted.subquery())
        with self._store.used() as connection:
            total = connection.execute(count).scalar() or 0
            found = [dict(row) for row in connection.execute(page).mappings()]
        return FoundCalls(tuple(_call(row) for row in found), total)

    def call(self, call_id: str) -> dict[str, Any] | None:
        """Everything about one call, all of its stretches on one time axis; None: there is none.

        Times of `segments` and `alerts` are seconds from the call's beginning.
        """
        with self._store.used() as connection:

            def rows(statement: Select[Any]) -> list[dict[str, Any]]:
                return [dict(row) for row in connection.execute(statement).mappings()]

            found = rows(select(schema.calls).where(schema.calls.c.id == call_id))
            if not found:
                return None
            stretches = rows(
                select(schema.stretches)
                .where(schema.stretches.c.call_id == call_id)
                .order_by(schema.stretches.c.started_at)
            )
            ids = [row["id"] for row in stretches]
            heard = rows(_of_stretches(schema.segments, ids))
            heard += rows(_of_stretches(schema.open_segments, ids))
            alerts = rows(_of_stretches(schema.alerts, ids))
        began = utc(found[0]["started_at"])
        offsets = {row["id"]: (utc(row["started_at"]) - began).total_seconds() for row in stretches}
        return _call(found[0]) | {
            "stretches": [_stretch(row, offsets[row["id"]]) for row in stretches],
            "segments": sorted(
                (_placed(row, offsets, ("start_s", "end_s")) for row in heard),
                key=lambda row: (row["start_s"], row["stream"]),
            ),
            "alerts": sorted(
                (_placed(row, offsets, ("start_s", "fired_s", "end_s")) for row in alerts),
                key=lambda row: row["fired_s"],
            ),
        }

    def details(self, call_ids: Sequence[str], query: CallQuery) -> dict[str, dict[str, Any]]:
        """Of each of these calls: what a list tells.

        `stretches`, seconds of each label as `lengths_s` (of streams whose emotions are
        `inferred`), the number of `alerts`, and as `hits` the segments that `query` asks for.
        """
        stretches, alerts, heard = schema.stretches, schema.alerts, _heard()
        mine = stretches.c.call_id.in_(call_ids)
        spoken = heard.c.stretch_id == stretches.c.id
        lengths = (
            select(stretches.c.call_id, heard.c.stream, heard.c.label, func.sum(heard.c.length_s))
            .where(mine, spoken)
            .group_by(stretches.c.call_id, heard.c.stream, heard.c.label)
        )
        counted = (
            select(stretches.c.call_id, func.count())
            .where(mine, alerts.c.stretch_id == stretches.c.id)
            .group_by(stretches.c.call_id)
        )
        hits = (
            select(stretches.c.call_id, heard)
            .where(mine, spoken, *_conditions(heard, query))
            .order_by(stretches.c.started_at, heard.c.start_s)
        )
        with self._store.used() as connection:
            found: dict[str, dict[str, Any]] = {
                call_id: {"stretches": [], "lengths_s": {}, "inferred": set(), "alerts": 0,
                          "hits": []}
                for call_id in call_ids
            }  # fmt: skip
            parts = select(stretches).where(mine).order_by(stretches.c.started_at)
            offsets: dict[str, float] = {}
            for row in connection.execute(parts).mappings():
                before = found[row["call_id"]]["stretches"]
                began = utc(before[0]["started_at"] if before else row["started_at"])
                offsets[row["id"]] = (utc(row["started_at"]) - began).total_seconds()
                before.append(dict(row))
            for call_id, stream, label, length_s in connection.execute(lengths):
                if label != SpeechState.NOT_INFERRED:
                    found[call_id]["inferred"].add(stream)
                so_far = found[call_id]["lengths_s"]
                so_far[label] = so_far.get(label, 0.0) + length_s
            found |= {
                call_id: found[call_id] | {"alerts": number}
                for call_id, number in connection.execute(counted)
            }
            if query.about_segments:
                for one in connection.execute(hits).mappings():
                    line = _placed(dict(one), offsets, ("start_s", "end_s"))
                    found[one["call_id"]]["hits"].append(
                        {n: line[n] for n in ("stream", "start_s", "end_s", "label",
                                              "confidence")}
                    )  # fmt: skip
        return found

    def labels(self) -> tuple[str, ...]:
        """All labels that were ever heard."""
        column = schema.segments.c.label
        with self._store.used() as connection:
            return tuple(connection.execute(select(column).distinct().order_by(column)).scalars())

    def audit(self, limit: int = 100, offset: int = 0) -> tuple[dict[str, Any], ...]:
        """What all servers' audit logs say, newest first."""
        table = schema.audit
        newest = select(table).order_by(table.c.at.desc(), table.c.server, table.c.number.desc())
        with self._store.used() as connection:
            found = connection.execute(newest.limit(limit).offset(offset)).mappings()
            return tuple(dict(row) | {"at": utc(row["at"]).isoformat()} for row in found)


def _matching(query: CallQuery) -> Select[Any]:
    calls, stretches = schema.calls, schema.stretches
    wanted = select(calls)
    if query.since is not None:
        wanted = wanted.where(calls.c.started_at >= query.since.astimezone(UTC))
    if query.until is not None:
        wanted = wanted.where(calls.c.started_at < query.until.astimezone(UTC))
    for word in filter(None, (query.name, *query.words)):
        wanted = wanted.where(func.lower(calls.c.name).contains(word.lower(), autoescape=True))
    if query.key:
        wanted = wanted.where(calls.c.key == query.key)
    if query.about_segments:
        heard = _heard()
        mine = (stretches.c.call_id == calls.c.id, heard.c.stretch_id == stretches.c.id)
        wanted = wanted.where(
            select(stretches.c.id).where(*mine, *_conditions(heard, query)).exists()
        )
    if query.rule or query.severity:
        alerts = schema.alerts
        matches = [alerts.c.stretch_id == stretches.c.id]
        if query.rule:
            matches.append(alerts.c.rule == query.rule)
        if query.severity:
            matches.append(alerts.c.severity == query.severity)
        wanted = wanted.where(
            select(stretches.c.id).where(stretches.c.call_id == calls.c.id, *matches).exists()
        )
    return wanted


def _heard() -> Subquery:
    """All segments, those that go on included."""
    return union_all(
        *(
            select(
                table.c.stretch_id,
                table.c.stream,
                table.c.label,
                table.c.confidence,
                table.c.start_s,
                table.c.end_s,
                (table.c.end_s - table.c.start_s).label("length_s"),
            )
            for table in (schema.segments, schema.open_segments)
        )
    ).subquery()


def _conditions(heard: Subquery, query: CallQuery) -> list[ColumnElement[bool]]:
    """What segments have to be like."""
    found = [
        heard.c.length_s >= query.min_duration_s,
        heard.c.confidence >= query.min_confidence,
        heard.c.label.in_(query.labels) if query.labels else heard.c.label.not_in(NO_EMOTION),
    ]
    return [*found, heard.c.stream.in_(query.streams)] if query.streams else found


def _of_stretches(table: Any, ids: list[str]) -> Select[Any]:
    return select(table).where(table.c.stretch_id.in_(ids))


def _call(row: dict[str, Any]) -> dict[str, Any]:
    began, last = utc(row["started_at"]), utc(row["last_at"])
    return {
        "id": row["id"],
        "key": row["key"],
        "name": row["name"],
        "tap": row["tap"],
        "started_at": began.isoformat(),
        "duration_s": round(max(timedelta(), last - began).total_seconds(), _SECONDS),
    }


def _stretch(row: dict[str, Any], offset_s: float) -> dict[str, Any]:
    ended = row["ended_at"]
    return {
        "id": row["id"],
        "server": row["server"],
        "model": row["model"],
        "streams": row["streams"],
        "consent": row["consent"],
        "brought_by": row["brought_by"],
        "start_s": round(offset_s, _SECONDS),
        "ended_at": ended and utc(ended).isoformat(),
        "reason": row["reason"],
        "said": row["said"],
        "session": row["session"],
    }


def _placed(
    row: dict[str, Any], offsets: dict[str, float], times: tuple[str, ...]
) -> dict[str, Any]:
    """A row on the call's time axis."""
    offset = offsets[row["stretch_id"]]
    moved = {name: round(row[name] + offset, _SECONDS) for name in times if row[name] is not None}
    return {"stretch": row["stretch_id"]} | {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in (row | moved).items()
        if name != "stretch_id"
    }
