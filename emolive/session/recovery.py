"""Putting right what a program left behind that was cut off while recording or deleting."""

from __future__ import annotations

from pathlib import Path

from emolive.errors import SessionError
from emolive.session.database import Database
from emolive.session.deletion import delete_session
from emolive.session.folders import RecordingLock, session_folder
from emolive.session.records import SessionState
from emolive.session.rows import select_sessions


def recover(database: Database, library: Path) -> list[str]:
    """Close sessions whose recorder is dead, finish deletions; returns the ids of the recovered.

    Sessions that a living process records are left alone.

    Raises:
        SessionError: the database cannot be written.
    """
    with database.reading() as connection:
        unfinished = select_sessions(connection, "state != 'complete'")
    recovered: list[str] = []
    for info in unfinished:
        folder = session_folder(library, info.id)
        if info.state is SessionState.DELETING:
            try:
                delete_session(database, library, info.id, "emolive", "deletion was cut off")
            except SessionError:
                continue  # still held by somebody; the next start tries again
            continue
        folder.mkdir(parents=True, exist_ok=True)
        lock = RecordingLock(folder)
        if not lock.take():
            continue
        try:
            _close(database, info.id)
        finally:
            lock.release()
        recovered.append(info.id)
    return recovered


def _close(database: Database, session_id: str) -> None:
    with database.writing() as connection:
        connection.execute(
            "UPDATE sessions SET state = 'complete', recovered = 1 WHERE id = ?", (session_id,)
        )
