"""The audit log: who did what to the library, appended to only, and chained so that changes show.

Each entry carries a SHA-256 over itself and the entry before it. Who changes, removes or inserts
one in the database's file has to make all later ones anew, which a fingerprint that was noted down
elsewhere reveals.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from emolive.errors import SessionError
from emolive.session.records import AuditEntry
from emolive.session.rows import now_text

_COLUMNS = "id, at, actor, action, details"


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check found: how many entries, the last one's fingerprint, what is wrong (or None)."""

    entries: int
    fingerprint: str
    problem: str | None


def login_name() -> str:
    """Who runs this program, as the system knows it; variables such as $USER are not believed."""
    import psutil

    try:
        return psutil.Process().username()
    except psutil.Error:
        return "unknown"


def digest(before: str, *entry: object) -> str:
    """The fingerprint of an entry (id, at, actor, action, details) after another one's."""
    return hashlib.sha256(json.dumps([before, *entry], default=repr).encode()).hexdigest()


def append(
    connection: sqlite3.Connection,
    action: str,
    details: Mapping[str, object],
    actor: str | None = None,
) -> None:
    """Append an entry, within a transaction that writes; `actor` None: who runs this program."""
    last, before = connection.execute(
        "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'audit'),"
        " (SELECT digest FROM audit ORDER BY id DESC LIMIT 1)"
    ).fetchone()
    row = ((last or 0) + 1, now_text(), actor or login_name(), action, json.dumps(dict(details)))
    connection.execute(
        f"INSERT INTO audit ({_COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?)",
        (*row, digest(before or "", *row)),
    )


def entries(connection: sqlite3.Connection, after: int = 0) -> list[AuditEntry]:
    """The log from behind its first `after` entries on, oldest first.

    Raises:
        SessionError: an entry cannot be read any more.
    """
    found = []
    for number, at, actor, action, details in connection.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE id > ? ORDER BY id", (after,)
    ):
        try:
            found.append(
                AuditEntry(
                    datetime.fromisoformat(at), str(actor), str(action), dict(json.loads(details))
                )
            )
        except (ValueError, TypeError) as error:
            raise SessionError(
                "Entry {number} of the audit log cannot be read, so it was changed from "
                "outside: see `emolive audit --verify`.",
                number=number,
            ) from error
    return found


def check(connection: sqlite3.Connection, noted: str | None = None) -> AuditCheck:
    """Whether the log is as it was written; `noted`: a fingerprint that it must hold."""
    count, last, before, problem, seen = 0, 0, "", "", noted is None
    for number, *content, written in connection.execute(
        f"SELECT {_COLUMNS}, digest FROM audit ORDER BY id"
    ):
        count += 1
        expected = digest(before, number, *content)
        if number != last + 1:
            problem = problem or f"between entry {last} and entry {number} something was removed"
        elif written != expected:
            problem = problem or f"entry {number} of {content[0]} was changed, or one before it"
        seen = seen or written == noted
        last, before = number, written
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    if not problem and (row[0] if row else 0) != last:
        problem = f"the entries after entry {last} were removed"
    if not problem and not seen:
        problem = f"it does not hold the fingerprint {noted}: it was made anew, or cut"
    return AuditCheck(count, before, problem or None)
