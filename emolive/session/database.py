"""The connection to a library's database: opened safely, migrated, shared between threads."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from emolive.errors import SessionError
from emolive.i18n import tr
from emolive.private_files import owner_only
from emolive.session import audit_log, schema
from emolive.session.connecting import (
    ReadOnlyCopy,
    connect,
    copy_in_memory,
    is_read_only,
    lacks_room,
)

DATABASE_FILE = "library.sqlite3"
FOLDER_VARIABLE = "EMOLIVE_LIBRARY"
# Another process holds the database for a commit only, so this is long even on a slow disk.
_BUSY_S = 10.0
_making = threading.Lock()


def library_folder(folder: Path | None = None) -> Path:
    """`folder`, or the one of the environment, or the user's data folder."""
    if folder is not None:
        return folder
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return Path(platformdirs.user_data_dir("emolive", appauthor=False))


class DiskFullError(SessionError):
    """There is no room on the disk for what should be written."""


class Database:
    """One SQLite connection for any thread: one at a time is let in, the others wait.

    Write-ahead log, foreign keys and secure deletion are on. Other processes may use the same file,
    but not while the disk is so full that the log's index, by which they share it, has no room. A
    database that cannot be written can be read; one of an earlier version on a full disk, too, from
    a copy in memory, until `bring_up_to_date` finds room.
    """

    def __init__(self, path: Path, *, durable: bool = False, busy_s: float = _BUSY_S) -> None:
        """Open or create the file, and bring its tables up to date.

        `durable`: what was committed survives a power cut, too, not only the end of the program.

        Raises:
            SessionError: it cannot be opened, is damaged, or was made by a newer version.
        """
        self.path = path
        self.read_only = is_read_only(path)
        self._alone = False
        self._connection: sqlite3.Connection
        self._earlier: sqlite3.Connection | None = None  # what is read stands for this one
        self._lock = threading.RLock()
        if self.read_only:
            with _told(path):
                self._open_copy(busy_s)
            return
        # SQLite makes its files readable by all, but its log like the database. One that is there
        # must not be opened here: closing it would free the locks of this program's connections.
        with _making, suppress(OSError), open(path, "xb", opener=owner_only):
            pass
        with _told(path):
            try:
                self._open(durable=durable, busy_s=busy_s)
            except sqlite3.OperationalError as error:
                if not lacks_room(error):
                    raise
                self._alone = True
                self._open(durable=durable, busy_s=busy_s)

    def close(self) -> None:
        """Close the connection; harmless when already closed."""
        with self._lock:
            if self.read_only:
                self._copy.close()
            else:
                self._connection.close()
                if self._earlier is not None:
                    self._earlier.close()

    def check_room(self) -> None:
        """Raises DiskFullError when the disk was so full that nobody else can share this."""
        if self._alone:
            raise DiskFullError(_full(self.path))

    @contextmanager
    def without_log(self) -> Iterator[None]:
        """Within this, changes that free more room than they need do not need any beside it.

        For a full disk only: what is changed is remembered in memory alone, and a program that is
        killed in the middle of it leaves a damaged database.

        Raises:
            SessionError: another program uses the database, or its log waits for room.
        """
        with self._lock, _told(self.path):
            connection = self._earlier or self._connection
            # Alone from now on: there may be no room for sharing it again.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._alone = True
            connection.execute("PRAGMA journal_mode = MEMORY").fetchone()
            copy, self._earlier, self._connection = self._connection, None, connection
            try:
                yield
            finally:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                if copy is not connection and self._version() < len(schema.MIGRATIONS):
                    self._earlier, self._connection = connection, copy
                elif copy is not connection:
                    copy.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for queries that see one state of the database.

        Raises:
            SessionError: the database cannot be read.
        """
        with self._lock, _told(self.path):
            if self._connection.in_transaction:  # inside `writing` on this thread
                yield self._connection
                return
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._roll_back()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection, in a transaction that is committed at the end or not at all.

        Raises:
            SessionError: the database cannot be written (disk full, locked for long, ...).
        """
        with self._lock, _told(self.path):
            if self._earlier is not None:
                raise DiskFullError(_full(self.path))
            if self._connection.in_transaction:
                raise RuntimeError("a transaction within a transaction")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                self._roll_back()

    def rewrite_tables(self, names: Sequence[str]) -> None:
        """Write tables anew, so that nothing that was ever in them is left in their pages.

        Raises:
            SessionError: the database cannot be written.
        """
        with self._lock, _told(self.path):
            # Only outside of a transaction; emptying must not empty what refers to these tables.
            self._connection.execute("PRAGMA foreign_keys = OFF")
            try:
                with self.writing() as connection:
                    for name in names:
                        connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM main.{name}")
                        connection.execute(f"DELETE FROM main.{name}")
                        connection.execute(f"INSERT INTO main.{name} SELECT * FROM kept")
                        connection.execute("DROP TABLE kept")
            finally:
                self._connection.execute("PRAGMA foreign_keys = ON")

    def empty_log(self) -> bool:
        """Move everything from the write-ahead log into the database and cut the log to nothing.

        Whether that was possible: not while another connection reads.

        Raises:
            SessionError: the database cannot be written.
        """
        with self._lock, _told(self.path):
            try:
                busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                # The first time after `without_log`.
                if error.sqlite_errorcode == sqlite3.SQLITE_LOCKED:
                    return False
                raise
            return not busy

    def _open(self, *, durable: bool, busy_s: float) -> None:
        self._connection = connect(self.path, busy_s)
        try:
            if self._alone:
                self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._prepare(durable=durable)
        except BaseException:
            self._connection.close()
            raise

    def _open_copy(self, busy_s: float) -> None:
        try:
            self._copy = ReadOnlyCopy(self.path, busy_s, len(schema.MIGRATIONS))
        except OSError as error:
            raise SessionError(
                "The library at {parent} cannot be read ({reason}): check the disk it lies on.",
                parent=self.path.parent,
                reason=error.strerror or error,
            ) from error
        self._connection = self._copy.connection
        try:
            self._prepare_queries()
            self._migrate()
            self._connection.execute("PRAGMA query_only = ON")
        except BaseException:
            self._copy.close()
            raise

    def _prepare_queries(self) -> None:
        # SQLite's own folding of case knows ASCII only.
        self._connection.create_function("fold", 1, str.casefold, deterministic=True)
        self._connection.create_function("audit_digest", 6, audit_log.digest, deterministic=True)
        self._connection.execute("PRAGMA temp_store = MEMORY")

    def _prepare(self, *, durable: bool) -> None:
        connection = self._connection
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise SessionError(
                "The library at {parent} lies on a disk that SQLite cannot share "
                "(journal mode {mode}): use a local disk with --library DIR.",
                parent=self.path.parent,
                mode=mode,
            )
        self._prepare_queries()
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        try:
            self._migrate()
        except sqlite3.OperationalError as error:
            if not (self._alone and lacks_room(error)):
                raise
            self._earlier = connection
            self._connection = copy_in_memory(connection)
            self._prepare_queries()
            self._migrate()
            self._connection.execute("PRAGMA query_only = ON")

    def _migrate(self) -> None:
        """Take the steps that are missing, all or none."""
        if self._version() < len(schema.MIGRATIONS):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self.bring_up_to_date()
                self._connection.execute("COMMIT")
            finally:
                self._roll_back()
        if (version := self._version()) > len(schema.MIGRATIONS):
            raise SessionError(
                "The library at {parent} was written by a newer emolive (version "
                "{version} of its tables): update emolive.",
                parent=self.path.parent,
                version=version,
            )

    def bring_up_to_date(self) -> None:
        """Take the steps that are missing, within a transaction that writes."""
        # Asked inside the transaction: another process may have done the same.
        for version in range(self._version(), len(schema.MIGRATIONS)):
            for statement in schema.statements(schema.MIGRATIONS[version]):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {version + 1}")

    def _roll_back(self) -> None:
        """End a transaction that is still open; an error may have ended it already."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Problems of SQLite as sentences; wrong use of it stays what it is."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.Error as error:
        kind = DiskFullError if lacks_room(error) else SessionError
        raise kind(_sentence(path, error)) from error
    except UnicodeEncodeError as error:
        # Arguments and names of files need not be valid text.
        raise SessionError(
            "{object} is not valid text: write it in UTF-8.", object=repr(error.object)
        ) from error


def _full(path: Path) -> str:
    return tr("The disk that holds {parent} is full: free some space.", parent=path.parent)


_SENTENCES: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("full", _full),
    (
        "locked",
        lambda path: tr(
            "Another program holds the library at {parent} for too long: close it, or "
            "wait and try again.",
            parent=path.parent,
        ),
    ),
    (
        "not a database",
        lambda path: tr(
            "{path} is not a library of emolive: choose another folder with --library.", path=path
        ),
    ),
    (
        "malformed",
        lambda path: tr(
            "The library {path} is damaged: restore it from a backup, or move it away.", path=path
        ),
    ),
    (
        "readonly",
        lambda path: tr(
            "The library at {parent} cannot be written: allow it, or choose another "
            "folder with --library.",
            parent=path.parent,
        ),
    ),
    (
        "unable to open",
        lambda path: tr(
            "The library at {parent} cannot be opened: check the folder, or choose "
            "another one with --library.",
            parent=path.parent,
        ),
    ),
)


def _sentence(path: Path, error: sqlite3.Error) -> str:
    for sign, sentence in _SENTENCES:
        if sign in str(error):
            return sentence(path)
    return tr(
        "The library at {parent} cannot be used ({error}): check the disk it lies on.",
        parent=path.parent,
        error=error,
    )
