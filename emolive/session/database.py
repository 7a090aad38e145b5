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
from emolive.private_files import owner_only
from emolive.session import audit_log, schema

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


class Database:
    """One SQLite connection for any thread: one at a time is let in, the others wait.

    Write-ahead log, foreign keys and secure deletion are on. Other processes may use the same file.
    """

    def __init__(self, path: Path, *, durable: bool = False, busy_s: float = _BUSY_S) -> None:
        """Open or create the file, and bring its tables up to date.

        `durable`: what was committed survives a power cut, too, not only the end of the program.

        Raises:
            SessionError: it cannot be opened, is damaged, or was made by a newer version.
        """
        self.path = path
        self._lock = threading.RLock()
        # SQLite makes its files readable by all, but its log like the database. One that is there
        # must not be opened here: closing it would free the locks of this program's connections.
        with _making, suppress(OSError), open(path, "xb", opener=owner_only):
            pass
        with _told(path):
            self._connection = sqlite3.connect(
                path, timeout=busy_s, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(durable=durable)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the connection; harmless when already closed."""
        with self._lock:
            self._connection.close()

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
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def _prepare(self, *, durable: bool) -> None:
        connection = self._connection
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise SessionError(
                f"The library at {self.path.parent} lies on a disk that SQLite cannot share "
                f"(journal mode {mode}): use a local disk with --library DIR."
            )
        # SQLite's own folding of case knows ASCII only.
        connection.create_function("fold", 1, str.casefold, deterministic=True)
        connection.create_function("audit_digest", 6, audit_log.digest, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._migrate(schema.MIGRATIONS)

    def _migrate(self, migrations: tuple[str, ...]) -> None:
        """Take the steps that are missing, each whole or not at all."""
        connection = self._connection
        if self._version() == len(migrations):
            return
        while True:
            connection.execute("BEGIN IMMEDIATE")
            try:
                # Asked inside the transaction: another process may be doing the same.
                version = self._version()
                if version > len(migrations):
                    raise SessionError(
                        f"The library at {self.path.parent} was written by a newer emolive "
                        f"(version {version} of its tables): update emolive."
                    )
                if version == len(migrations):
                    return
                for statement in schema.statements(migrations[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute("COMMIT")
            finally:
                self._roll_back()

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
        raise SessionError(_sentence(path, error)) from error


_SENTENCES: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("full", lambda path: f"The disk that holds {path.parent} is full: free some space."),
    (
        "locked",
        lambda path: (
            f"Another program holds the library at {path.parent} for too long: "
            "close it, or wait and try again."
        ),
    ),
    (
        "not a database",
        lambda path: f"{path} is not a library of emolive: choose another folder with --library.",
    ),
    (
        "malformed",
        lambda path: f"The library {path} is damaged: restore it from a backup, or move it away.",
    ),
    (
        "readonly",
        lambda path: (
            f"The library at {path.parent} cannot be written: allow it, or choose another folder "
            "with --library."
        ),
    ),
    (
        "unable to open",
        lambda path: (
            f"The library at {path.parent} cannot be opened: check the folder, or choose another "
            "one with --library."
        ),
    ),
)


def _sentence(path: Path, error: sqlite3.Error) -> str:
    for sign, sentence in _SENTENCES:
        if sign in str(error):
            return sentence(path)
    return f"The library at {path.parent} cannot be used ({error}): check the disk it lies on."
