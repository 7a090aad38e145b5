"""What a server's calls say, on its way into the central history."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emolive.central.records import (
    AlertOver,
    AlertRaised,
    Audited,
    Record,
    SegmentHeard,
    ServerBegan,
    StretchBegan,
    StretchEnded,
    StretchRecorded,
)
from emolive.errors import EmoliveError
from emolive.server.switchboard import Switchboard
from emolive.session.library import Library

if TYPE_CHECKING:
    from emolive.central.writer import HistoryWriter

_log = logging.getLogger(__name__)

_AUDIT_EVERY_S = 10.0


@dataclass(slots=True)
class _Stretch:
    """One call of this server: its name in the history, and how far each stream's segments go."""

    id: str
    spoken_to_s: dict[str, float] = field(default_factory=dict)
    recorded: bool = False


class CentralFeed:
    """Watches all calls of a server, and the audit log, and hands them to a writer.

    Segments are written when they end; the one that goes on is written anew with each answer, so a
    server that dies loses no more than its last second.
    """

    def __init__(
        self, board: Switchboard, library: Library, writer: HistoryWriter, name: str
    ) -> None:
        """`name`: what this server is called in the history."""
        self._board = board
        self._library = library
        self._writer = writer
        self._name = name
        self._stretches: dict[str, _Stretch] = {}
        self._audited = 0

    async def run(self) -> None:
        """Until it is cancelled; then once more, for what was said last."""
        watcher = self._board.watch(None, within=True)
        self._writer.put([ServerBegan(self._name, datetime.now(UTC))])
        auditing = asyncio.create_task(self._audit())
        try:
            while True:
                self._hand_on(await watcher.take())
        finally:
            self._board.leave(watcher)
            auditing.cancel()
            await asyncio.gather(auditing, return_exceptions=True)
            self._writer.put(await asyncio.to_thread(self._new_audit_entries))
            last = asyncio.create_task(watcher.take())
            await asyncio.wait({last}, timeout=0)
            if last.done():
                self._hand_on(last.result())
            last.cancel()
            for call in self._board.calls:
                self._writer.put(self._ended({"call": call.id, "info": call.info()}))

    def _hand_on(self, texts: list[str]) -> None:
        for text in texts:
            self._writer.put(self._records(json.loads(text)))

    def _records(self, message: dict[str, Any]) -> Iterator[Record]:
        kind, call_id = message["type"], message["call"]
        if kind == "call_started":
            yield self._began(call_id, message["info"])
        elif kind == "call_ended":
            yield from self._ended(message)
        elif (stretch := self._stretches.get(call_id or "")) is None:
            return
        elif kind == "call" and not stretch.recorded and message["info"]["session"]:
            stretch.recorded = True
            yield StretchRecorded(stretch.id, message["info"]["session"])
        elif kind == "segment":
            stretch.spoken_to_s[message["stream"]] = message["end_s"]
            yield _segment(stretch, message, message["start_s"], message["label"])
        elif kind == "prediction":
            yield _segment(
                stretch,
                message,
                stretch.spoken_to_s.get(message["stream"], 0.0),
                message["label"] or message["state"],
                still=True,
            )
        elif kind == "alert":
            yield AlertRaised(
                stretch.id, message["number"], message["rule"], message["kind"],
                message["severity"], message["stream"], message["start_s"], message["fired_s"],
                message["message"], datetime.fromisoformat(message["at"]), message.get("said"),
            )  # fmt: skip
        elif kind == "alert_ended" and "number" in message:
            yield AlertOver(stretch.id, message["number"], message["end_s"])

    def _began(self, call_id: str, info: dict[str, Any]) -> StretchBegan:
        call = self._board.call(call_id)
        assert call is not None
        stretch = self._stretches[call_id] = _Stretch(call.request.stretch)
        return StretchBegan(
            stretch.id,
            call.request.key,
            info["name"],
            info["tap"],
            self._name,
            self._board.host.model.name,
            datetime.fromisoformat(info["started_at"]),
            tuple({"stream": one["stream"], "role": one["role"]} for one in info["streams"]),
            info["consent"],
            call.request.by,
        )

    def _ended(self, message: dict[str, Any]) -> Iterator[Record]:
        stretch = self._stretches.pop(message["call"], None)
        if stretch is not None:
            info = message["info"]
            ended = info["ended_at"]
            at = datetime.now(UTC) if ended is None else datetime.fromisoformat(ended)
            yield StretchEnded(
                stretch.id, at, info["reason"], info["session"], said=info.get("said")
            )

    async def _audit(self) -> None:
        while True:
            try:
                self._writer.put(await asyncio.to_thread(self._new_audit_entries))
            except EmoliveError:
                _log.warning("The audit log could not be read", exc_info=True)
            await asyncio.sleep(_AUDIT_EVERY_S)

    def _new_audit_entries(self) -> list[Audited]:
        """Entries since the last time; all of them at first, which the history knows already."""
        first = self._audited
        entries = self._library.audit_log(first)
        self._audited += len(entries)
        return [
            Audited(
                self._name, number, entry.at, entry.action, entry.actor,
                json.loads(json.dumps(dict(entry.details), default=str)),
            )
            for number, entry in enumerate(entries, first + 1)
        ]  # fmt: skip


class LostCalls:
    """Ends in the history the calls whose servers died without a word. It watches a front."""

    def __init__(self, board: Switchboard, writer: HistoryWriter) -> None:
        self._board = board
        self._writer = writer

    async def run(self) -> None:
        """Until it is cancelled."""
        watcher = self._board.watch(None, within=True)
        try:
            while True:
                for message in map(json.loads, await watcher.take()):
                    if message["type"] == "call_ended" and message["info"]["state"] == "failed":
                        self._writer.put([_lost(message["info"])])
        finally:
            self._board.leave(watcher)


def _lost(info: dict[str, Any]) -> StretchEnded:
    at = datetime.fromisoformat(info["ended_at"])
    return StretchEnded(
        info["stretch"], at, info["reason"], info["session"], lost=True, said=info.get("said")
    )


def _segment(
    stretch: _Stretch, message: dict[str, Any], start_s: float, label: str, *, still: bool = False
) -> SegmentHeard:
    """A segment, or the one so far: up to the newest sound that was heard."""
    return SegmentHeard(
        stretch.id,
        message["stream"],
        start_s,
        message["end_s"],
        label,
        message["confidence"],
        still,
    )
