"""The library of sessions: everything the program keeps, in one folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

from pydantic import ValidationError

from emolive.errors import SessionError
from emolive.i18n import tr
from emolive.plain_text import valid_text
from emolive.private_files import make_private_folder
from emolive.session import audit_log, rows, timeline_rows
from emolive.session.audit_log import AuditCheck
from emolive.session.connecting import is_read_only
from emolive.session.database import DATABASE_FILE, Database, library_folder
from emolive.session.deletion import delete_session, purge
from emolive.session.folders import (
    RecordingLock,
    audio_file_name,
    check_session_id,
    make_library_folder,
    new_session_id,
    remove_folder,
    session_folder,
)
from emolive.session.library_reader import LibraryReader
from emolive.session.library_settings import LibrarySettings
from emolive.session.records import (
    LONGEST_NAME,
    LONGEST_TEXT,
    AlertRecord,
    Annotation,
    AuditEntry,
    Note,
    SessionInfo,
    SessionState,
    Trace,
)
from emolive.session.recovery import Recovery, recover
from emolive.session.search import SearchQuery
from emolive.session.writer import SessionWriter
from emolive.types import Prediction, Segment

_log = logging.getLogger(__name__)

_SETTINGS = "library"


class Library(LibraryReader):
    """Sessions in a folder: one SQLite database, and audio beside it.

    Any thread may use it; several processes may use one folder. Every method that takes a session
    raises `SessionError` when there is none, and when the database cannot be used.
    """

    def __init__(self, folder: Path, database: Database, recovery: Recovery) -> None:
        """Use `open`."""
        super().__init__(folder, database)
        self.recovered = recovery.recovered
        self.problems = recovery.problems

    @classmethod
    def open(cls, folder: Path | None = None) -> Library:
        """Open the library in `folder` (None: $EMOLIVE_LIBRARY, or the user's data folder).

        It is made if it is not there. Sessions that a dead process left open are recovered (their
        ids: `recovered`), and what is due to expire is deleted. What could not be put right leaves
        the rest usable: one sentence each in `problems`. A library that cannot be written is left
        as it is, and can be read.

        Raises:
            SessionError: the folder or its database cannot be used.
        """
        folder = library_folder(folder)
        if is_read_only(folder / DATABASE_FILE):
            return cls(folder, Database(folder / DATABASE_FILE), Recovery())
        try:
            make_library_folder(folder, DATABASE_FILE)
        except OSError as error:
            raise SessionError(
                "The library folder {folder} cannot be made ({reason}): choose another "
                "one with --library DIR.",
                folder=folder,
                reason=error.strerror or error,
            ) from error
        database = Database(folder / DATABASE_FILE)
        try:
            library = cls(folder, database, recover(database, folder))
            if library.recovered or library.problems:
                _log.warning(
                    "The library is open: %d sessions recovered, %d problems",
                    len(library.recovered),
                    len(library.problems),
                )
            try:
                library.expire()
                purge(database, tries=1)
            except SessionError as error:
                library.problems = tuple(dict.fromkeys((*library.problems, str(error))))
        except BaseException:
            database.close()
            raise
        return library

    def close(self) -> None:
        """Close the database; writers go on, they have their own connection."""
        self.database.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Making and changing.

    def create(self, new: SessionInfo, *, audio: bool = True) -> SessionWriter:
        """Begin a session as `new` says; with `audio` streams get files, which the caller writes.

        Raises:
            SessionError: the id is taken, or the folder or database cannot be written.
        """
        self.database.check_room()
        _check_length(tr("title"), new.title, LONGEST_TEXT)
        started = new.started_at.astimezone(UTC)
        session_id = check_session_id(new.id or new_session_id(started))
        info = replace(
            new,
            id=session_id,
            title=valid_text(new.title),
            source=valid_text(new.source),
            started_at=started,
            duration_samples=0,
            state=SessionState.RECORDING,
            streams=tuple(
                replace(stream, audio_file=audio_file_name(i, stream.name) if audio else None)
                for i, stream in enumerate(new.streams)
            ),
            tags=tuple(sorted(set(new.tags))),
        )
        folder = session_folder(self.folder, session_id)
        try:
            make_private_folder(folder)
        except FileExistsError as error:
            raise SessionError(
                "There is a session {session_id} already.", session_id=session_id
            ) from error
        except OSError as error:
            raise SessionError(
                "The library folder {folder} cannot be written ({reason}): free some "
                "space, or choose another one with --library DIR.",
                folder=self.folder,
                reason=error.strerror or error,
            ) from error
        lock = RecordingLock(folder)
        database: Database | None = None
        try:
            # Before the row can be seen: a session without a lock is taken for a dead one.
            lock.take()
            database = Database(self.database.path, durable=True)
            with database.writing() as connection:
                ids = rows.insert_session(connection, info)
        except BaseException:
            if database is not None:
                database.close()
            lock.release()
            remove_folder(folder)
            raise
        return SessionWriter(database, self.folder, info, ids, lock)

    def rename(self, session_id: str, title: str) -> None:
        """Give a session another title.

        Raises:
            SessionError: it is far too long, too.
        """
        _check_length(tr("title"), title, LONGEST_TEXT)
        self._change(session_id, "UPDATE sessions SET title = ? WHERE id = ?", title, session_id)

    def add_tag(self, session_id: str, tag: str) -> None:
        """Add a tag; one that is there already stays.

        Raises:
            SessionError: it is empty, too.
        """
        tag = tag.strip()
        if not tag:
            raise SessionError("A tag cannot be empty: write a word.")
        _check_length(tr("tag"), tag, LONGEST_NAME)
        self._change(session_id, "INSERT OR IGNORE INTO tags VALUES (?, ?)", session_id, tag)

    def remove_tag(self, session_id: str, tag: str) -> None:
        """Remove a tag, if it is there."""
        self._change(
            session_id, "DELETE FROM tags WHERE session_id = ? AND tag = ?", session_id, tag.strip()
        )

    def add_note(self, session_id: str, text: str, at_sample: int | None = None) -> Note:
        """Add a note about a session or a moment of it.

        Raises:
            SessionError: it is empty, too.
        """
        if not text.strip():
            raise SessionError("A note cannot be empty: write what it should say.")
        _check_length(tr("text of a note"), text, LONGEST_TEXT)
        note = Note(text.strip(), at_sample, created_at=datetime.now(UTC))
        self.get(session_id)
        with self.database.writing() as connection:
            return replace(note, id=rows.insert_note(connection, session_id, note))

    def delete_note(self, session_id: str, note_id: int) -> None:
        """Delete a note, if it is there."""
        self._change(
            session_id, "DELETE FROM notes WHERE session_id = ? AND id = ?", session_id, note_id
        )

    def add_alert(self, session_id: str, alert: AlertRecord) -> None:
        """Add an alert to a session that is not being recorded here."""
        self.get(session_id)
        with self.database.writing() as connection:
            rows.insert_alert(connection, session_id, alert)

    def change_annotations(
        self, session_id: str, *, put: Iterable[Annotation] = (), remove: Iterable[str] = ()
    ) -> None:
        """Remove the annotations with these ids, then add or replace others: all or nothing."""
        self.get(session_id)
        with self.database.writing() as connection:
            connection.executemany(
                "DELETE FROM annotations WHERE session_id = ? AND id = ?",
                [(session_id, annotation_id) for annotation_id in remove],
            )
            for annotation in put:
                rows.put_annotation(connection, session_id, annotation)

    def replace_answers(
        self,
        session_id: str,
        streams: Iterable[str],
        windows: Iterable[Prediction],
        segments: Iterable[Segment],
    ) -> None:
        """Put other answers in the place of those of some streams: all or nothing.

        Raises:
            SessionError: it is being recorded, too.
        """
        info = self.get(session_id)
        if info.state is not SessionState.COMPLETE:
            raise SessionError(
                "Session {id} is being recorded: stop the recording first.", id=info.id
            )
        with self.database.writing() as connection:
            ids = dict(
                connection.execute("SELECT name, id FROM streams WHERE session_id = ?", (info.id,))
            )
            chosen = {name: ids[name] for name in streams}
            timeline_rows.replace_answers(connection, chosen, windows, segments)

    def put_traces(self, session_id: str, traces: Iterable[Trace]) -> None:
        """Add traces, or replace those of the same annotator and dimension: all or nothing."""
        self.get(session_id)
        with self.database.writing() as connection:
            for trace in traces:
                rows.put_trace(connection, session_id, trace)

    def recover(self) -> tuple[str, ...]:
        """Recover what other programs left open since `open`; the ids of the recovered."""
        recovery = recover(self.database, self.folder)
        self.problems = recovery.problems
        return recovery.recovered

    # Leaving nothing.

    def delete(self, session_id: str, *, reason: str = "asked for") -> None:
        """Delete everything about a session: rows, audio, and their traces in the database.

        Raises:
            SessionError: it is being recorded, or a file is in use (the next start goes on), too.
        """
        info = self.get(session_id)
        delete_session(self.database, self.folder, info.id, reason)
        purge(self.database)

    def expire(self, days: int | None = None) -> list[str]:
        """Delete the sessions older than `days` (None: the library's setting); returns their ids.

        Sessions that are being recorded stay. The app calls this now and then; `open` does, too.
        """
        days = self.settings().expire_after_days if days is None else days
        if days is None:
            return []
        expired = []
        for info in self.older_than(days):
            try:
                delete_session(self.database, self.folder, info.id, f"older than {days} days")
            except SessionError:
                continue  # in use: the next time
            expired.append(info.id)
        if expired:
            purge(self.database)
        return expired

    def older_than(self, days: int) -> list[SessionInfo]:
        """The sessions that began more than `days` ago."""
        limit = datetime.now(UTC) - timedelta(days=days)
        return [hit.session for hit in self.search(SearchQuery(until=limit))]

    # The library itself.

    def settings(self) -> LibrarySettings:
        """The library's settings."""
        with self.database.reading() as connection:
            return _settings(connection)

    def change_settings(self, **values: object) -> LibrarySettings:
        """Change these values alone; a new consent text has to be confirmed anew. Audited.

        Returns the settings as they are then.

        Raises:
            ValidationError: a value cannot be.
        """
        with self.database.writing() as connection:
            before = _settings(connection)
            settings = LibrarySettings.model_validate({**before.model_dump(), **values})
            if settings.consent_text != before.consent_text:
                settings = settings.model_copy(update={"consented_at": None})
            connection.execute(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)",
                (_SETTINGS, settings.model_dump_json()),
            )
            details = json.loads(settings.model_dump_json())
            audit_log.append(connection, "settings", details)
        return settings

    def confirm_consent(self) -> None:
        """Note that a person has read the consent reminder."""
        self.change_settings(consented_at=datetime.now(UTC))

    def audit(
        self, action: str, details: Mapping[str, object], *, actor: str | None = None
    ) -> None:
        """Append to the audit log, which is never changed; `details` is JSON-serialisable.

        `actor` None: the login of who runs this program.
        """
        with self.database.writing() as connection:
            audit_log.append(connection, action, details, actor)

    def audit_log(self, after: int = 0) -> list[AuditEntry]:
        """The audit log, oldest first, without its first `after` entries."""
        with self.database.reading() as connection:
            return audit_log.entries(connection, after)

    def check_audit_log(self, noted: str | None = None) -> AuditCheck:
        """Whether the audit log is as it was written (see `audit_log.check`)."""
        with self.database.reading() as connection:
            return audit_log.check(connection, noted)

    def _change(self, session_id: str, statement: str, *parameters: rows.Value) -> None:
        self.get(session_id)
        with self.database.writing() as connection:
            connection.execute(statement, parameters)


def _settings(connection: Connection) -> LibrarySettings:
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (_SETTINGS,)).fetchone()
    if row is None:
        return LibrarySettings()
    try:
        return LibrarySettings.model_validate_json(row[0])
    except ValidationError:  # an earlier version let pass what cannot be: nothing expires
        return LibrarySettings()


def _check_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise SessionError(
            "Too long ({what}, {number} letters): {most} are allowed.",
            what=what,
            number=len(text),
            most=most,
        )
