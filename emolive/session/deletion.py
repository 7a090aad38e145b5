"""Deletion that leaves nothing: rows, audio, and the database's write-ahead log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from emolive.errors import SessionError
from emolive.session import audit_log
from emolive.session.database import Database, DiskFullError
from emolive.session.folders import recorded_elsewhere, remove_folder, session_folder

_PURGE_DUE = "purge_due"
_PURGE_TRIES = 20
_PURGE_EVERY_S = 0.1
# Where people, or rules that people wrote, put words.
_TEXT_TABLES = (
    "sessions", "streams", "notes", "tags", "annotations", "traces", "alerts", "outbox"
)  # fmt: skip


def delete_session(database: Database, library: Path, session_id: str, reason: str) -> None:
    """Delete a session: its files first, so that a cut off deletion is never forgotten.

    The audit log keeps the id and the reason, nothing of the content.

    Raises:
        SessionError: it is being recorded, a file is held by another program (what is left goes at
            the next start), or the database cannot be written.
    """
    folder = session_folder(library, session_id)
    if recorded_elsewhere(folder):
        raise SessionError(
            "Session {session_id} is being recorded: stop the recording first.",
            session_id=session_id,
        )
    # Where not even that can be noted, the files go all the same, and make room for the rest.
    with suppress(DiskFullError), database.writing() as connection:
        connection.execute("UPDATE sessions SET state = 'deleting' WHERE id = ?", (session_id,))
    try:
        remove_folder(folder)
    except OSError as error:
        raise SessionError(
            "The audio of session {session_id} cannot be removed ({reason}): close what "
            "plays it; the next start of emolive removes it.",
            session_id=session_id,
            reason=error.strerror or error,
        ) from error
    details: Mapping[str, object] = {"session": session_id, "reason": reason}

    def forget() -> None:
        with database.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            database.bring_up_to_date()  # on a full disk, in the room that this has made
            audit_log.append(connection, "delete", details)
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, 'true')", (_PURGE_DUE,))

    _on_any_disk(database, forget)


def _on_any_disk(database: Database, change: Callable[[], None]) -> None:
    """A change that frees more than it needs, also on a full disk."""
    try:
        change()
    except DiskFullError:
        with database.without_log():
            change()


def purge(database: Database, *, tries: int = _PURGE_TRIES) -> bool:
    """Make what was deleted unreadable: write the tables with texts anew, and empty the log.

    SQLite overwrites deleted rows, but pages that were split or merged before may hold copies of
    them; a table that is emptied as a whole is overwritten as a whole. Whether all is done; not
    while another program is in the middle of reading, then the next start tries again.

    Raises:
        SessionError: the database cannot be written.
    """
    with database.reading() as connection:
        due = connection.execute("SELECT 1 FROM settings WHERE name = ?", (_PURGE_DUE,)).fetchone()
    if due is None:
        return True
    _on_any_disk(database, lambda: database.rewrite_tables(_TEXT_TABLES))
    for attempt in range(tries):
        if attempt:
            time.sleep(_PURGE_EVERY_S)
        if database.empty_log():
            break
    else:
        return False

    def done() -> None:
        with database.writing() as connection:
            connection.execute("DELETE FROM settings WHERE name = ?", (_PURGE_DUE,))

    _on_any_disk(database, done)
    return True
