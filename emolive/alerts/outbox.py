"""Messages that wait for a server: in the library's database, so that nothing loses them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from emolive.session.database import DATABASE_FILE, Database
from emolive.session.rows import time_text

CAPACITY = 10_000
# A clock that was put back must not make a message wait for longer than this.
LONGEST_WAIT = timedelta(minutes=10)

_DROPPED = "outbox_dropped"

State = Literal["waiting", "failed"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `attempts` were made so far, `payload` is the JSON text to send."""

    row: int
    id: str
    webhook: str
    payload: str
    attempts: int
    created_at: datetime
    state: State = "waiting"
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages that wait, that a server refused for good, and that the outbox had no room for."""

    waiting: int
    failed: int
    dropped: int


class Outbox:
    """Messages for webhooks, in order; any thread and several processes may use it.

    A message leaves only when its server has taken it, or has refused it for good: then it stays as
    *failed*, to be looked at and tried again. It holds `capacity` messages; overflow policy: the
    oldest is dropped, failed ones first, and counted for ever. Every change is on the disk before a
    method returns. All methods raise `SessionError` when the database cannot be used.
    """

    def __init__(self, database: Database, capacity: int = CAPACITY) -> None:
        """Use `database`, which stays the caller's to close."""
        self.capacity = capacity
        self._database = database

    @classmethod
    def open(cls, library: Path, capacity: int = CAPACITY) -> Outbox:
        """The outbox of the library in this folder, on a connection of its own."""
        return cls(Database(library / DATABASE_FILE, durable=True), capacity)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def put(
        self, message_id: str, webhook: str, payload: str, now: datetime, session_id: str | None
    ) -> None:
        """Add a message; one with this id that is there already stays.

        It goes with its session when that is deleted; None, or one that is gone: with none.
        """
        with self._database.writing() as connection:
            count = int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])
            if excess := count + 1 - self.capacity:
                self._drop(connection, excess)
            connection.execute(
                "INSERT OR IGNORE INTO outbox (message_id, webhook, created_at, payload,"
                " next_try_at, state, session_id) VALUES (?, ?, ?, ?, ?, 'waiting',"
                " (SELECT id FROM sessions WHERE id = ?))",
                (message_id, webhook, time_text(now), payload, time_text(now), session_id),
            )

    def claim(self, webhook: str, now: datetime, lease: timedelta) -> Message | None:
        """The next message that is due; nobody else gets it during the lease.

        Those that were tried least come first, so that one that never works holds up no other.
        Whoever claims it says what came of it; if not (killed), it is due again after the lease.
        """
        with self._database.writing() as connection:
            row = connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, next_try_at = ? WHERE id ="
                " (SELECT id FROM outbox WHERE webhook = ? AND state = 'waiting'"
                " AND (next_try_at <= ? OR next_try_at > ?) ORDER BY attempts, id LIMIT 1)"
                " RETURNING id, message_id, webhook, payload, attempts, created_at, state,"
                " last_error",
                (time_text(now + lease), webhook, time_text(now), time_text(now + LONGEST_WAIT)),
            ).fetchone()
        return None if row is None else _message(row)

    def delivered(self, message: Message) -> None:
        """The server has taken it."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM outbox WHERE id = ?", (message.row,))

    def postpone(self, message: Message, until: datetime, error: str) -> None:
        """It did not work now: try again later."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE outbox SET next_try_at = ?, last_error = ? WHERE id = ?",
                (time_text(until), error, message.row),
            )

    def give_up(self, message: Message, error: str) -> None:
        """It will not work: keep it as failed."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE outbox SET state = 'failed', last_error = ? WHERE id = ?",
                (error, message.row),
            )

    def hasten(self, webhook: str, now: datetime) -> None:
        """The server works again: what waits is due."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE outbox SET next_try_at = ? WHERE webhook = ? AND state = 'waiting'"
                " AND next_try_at > ? AND last_error IS NOT NULL",
                (time_text(now), webhook, time_text(now)),
            )

    def retry_failed(self, now: datetime) -> int:
        """Let all failed messages wait again, as if new; returns how many."""
        with self._database.writing() as connection:
            return connection.execute(
                "UPDATE outbox SET state = 'waiting', attempts = 0, next_try_at = ?,"
                " created_at = ? WHERE state = 'failed'",
                (time_text(now), time_text(now)),
            ).rowcount

    def next_due(self, webhook: str) -> datetime | None:
        """When the next message of a webhook is due; None: none waits."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT min(next_try_at) FROM outbox WHERE webhook = ? AND state = 'waiting'",
                (webhook,),
            ).fetchone()
        return None if row[0] is None else datetime.fromisoformat(row[0])

    def depth(self) -> Depth:
        """How full it is."""
        with self._database.reading() as connection:
            counts = dict(
                connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()
            )
            return Depth(counts.get("waiting", 0), counts.get("failed", 0), _dropped(connection))

    def waiting(self) -> tuple[tuple[str, int], ...]:
        """How many messages wait, by webhook."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT webhook, count(*) FROM outbox WHERE state = 'waiting' GROUP BY webhook"
                " ORDER BY webhook"
            ).fetchall()
        return tuple((str(webhook), int(count)) for webhook, count in found)

    def messages(self) -> list[Message]:
        """The oldest messages, all states."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT id, message_id, webhook, payload, attempts, created_at, state, last_error"
                " FROM outbox ORDER BY id LIMIT 1000"
            ).fetchall()
        return [_message(row) for row in found]

    def _drop(self, connection: sqlite3.Connection, excess: int) -> None:
        dropped = connection.execute(
            "DELETE FROM outbox WHERE id IN"
            " (SELECT id FROM outbox ORDER BY state = 'waiting', id LIMIT ?)",
            (max(0, excess),),
        ).rowcount
        if dropped:
            connection.execute(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)",
                (_DROPPED, json.dumps(_dropped(connection) + dropped)),
            )


def _dropped(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (_DROPPED,)).fetchone()
    return 0 if row is None else int(json.loads(row[0]))


def _message(row: tuple[int, str, str, str, int, str, State, str | None]) -> Message:
    number, id_, webhook, payload, attempts, created, state, error = row
    at = datetime.fromisoformat(created)
    return Message(number, id_, webhook, payload, attempts, at, state, error)
