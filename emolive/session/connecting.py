"""Connections to a library's database, also where the disk is full or cannot be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

# A full disk has no room for the index of the write-ahead log, which is told in several ways.
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """A connection that any thread may use, which opens and closes its transactions itself."""
    return sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)


def is_read_only(path: Path) -> bool:
    """Whether a database is there that cannot be written."""
    return path.is_file() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def lacks_room(error: sqlite3.Error) -> bool:
    """Whether a full disk may be the cause."""
    return getattr(error, "sqlite_errorname", "").startswith(_NO_ROOM)


def copy_in_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A connection to a copy of a database that takes no room on any disk.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        connection.backup(copy)
    except BaseException:
        copy.close()
        raise
    return copy


class ReadOnlyCopy:
    """A connection to a database that cannot be written, to read it as it is now."""

    def __init__(self, path: Path, busy_s: float, version: int) -> None:
        """Open it in place; or a copy, if its log needs an index or its tables are older.

        Raises:
            sqlite3.Error: it cannot be opened.
            OSError: it cannot be copied.
        """
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        log = path.with_name(path.name + "-wal")
        logged = log.is_file() and log.stat().st_size > 0
        if not logged:
            # Nobody writes it, so that it needs no lock.
            self.connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro&immutable=1",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                (found,) = self.connection.execute("PRAGMA user_version").fetchone()
            except BaseException:
                self.connection.close()
                raise
            if found >= version:
                return
            self.connection.close()
        self._folder = tempfile.TemporaryDirectory(prefix="emolive-")
        try:
            copy = Path(self._folder.name, path.name)
            shutil.copyfile(path, copy)
            if logged:
                shutil.copyfile(log, copy.with_name(log.name))
            self.connection = connect(copy, busy_s)
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        """Close the connection and remove the copy."""
        self.connection.close()
        if self._folder is not None:
            self._folder.cleanup()
