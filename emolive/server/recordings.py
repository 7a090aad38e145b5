"""Where the recordings of calls are: in libraries of this machine, or at any fsspec address."""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from emolive.addresses import opened, reason
from emolive.errors import EmoliveError, SessionError
from emolive.server.history import Sound, session_document
from emolive.server.names import worker_of
from emolive.session.library import Library
from emolive.session.records import SessionState

_log = logging.getLogger(__name__)

# The tag of sessions that are to be moved.
TO_BE_MOVED = "to be moved"
WORKERS = "workers"
_DOCUMENT = "session.json"
_PART = re.compile(r"\w[\w.-]*")
_STARTED = re.compile(r"\d{8}-\d{6}")


class LibraryRecordings:
    """Sessions by the server that recorded them: in its library, and in those of its workers.

    Methods block, and raise `EmoliveError`.
    """

    def __init__(self, library: Library) -> None:
        """Whatever session is asked for that is in none of them is not there."""
        self._library = library

    def document(self, server: str, session: str) -> dict[str, Any] | None:
        """Everything about a session but its sound."""
        with self._opened(server) as library:
            return session_document(library, session) if _has(library, session) else None

    def sound(self, server: str, session: str, stream: str) -> Sound | None:
        """One party's sound."""
        with self._opened(server) as library:
            path = library.audio_path(session, stream) if _has(library, session) else None
            return None if path is None else Sound(path)

    def delete(self, server: str, session: str, why: str) -> None:
        """Delete one for good."""
        with self._opened(server) as library:
            if _has(library, session):
                library.delete(session, reason=why)

    @contextmanager
    def _opened(self, server: str) -> Iterator[Library]:
        worker = worker_of(server)
        folder = self._library.folder / WORKERS / worker
        if not _PART.fullmatch(worker) or not folder.is_dir():
            yield self._library
            return
        with Library.open(folder) as library:
            yield library


class AddressRecordings:
    """Below an fsspec address: ``ADDRESS/SERVER/SESSION/``, its JSON document and its FLAC files.

    The document is written last: what has none is not there.
    """

    def __init__(self, address: str) -> None:
        """See whether the address can be written.

        Raises:
            EmoliveError: it cannot.
        """
        self.address = address
        self._system, root = opened(address)
        self._root = root.rstrip("/")
        try:
            with self._told():
                self._system.makedirs(self._root, exist_ok=True)
                self._system.pipe_file(f"{self._root}/.emolive", b"recordings")
        except FileNotFoundError as error:
            raise self._unusable(error) from error

    def put(self, library: Library, server: str, session: str) -> None:
        """Copy a session that is complete to the address."""
        info = library.get(session)
        folder = self._folder(server, session)
        sounds = {}
        with self._told():
            self._system.makedirs(folder, exist_ok=True)
            for stream in info.streams:
                path = library.audio_path(session, stream.name)
                if path is None:
                    continue
                place = f"{folder}/{path.name}"
                self._system.put_file(str(path), place)
                if self._system.size(place) != path.stat().st_size:
                    raise OSError(f"{path.name} did not arrive whole")
                sounds[stream.name] = path.name
            document = session_document(library, session) | {"sounds": sounds}
            document["tags"] = [tag for tag in document["tags"] if tag != TO_BE_MOVED]
            text = json.dumps(document, default=str).encode()
            self._system.pipe_file(f"{folder}/{_DOCUMENT}", text)

    def document(self, server: str, session: str) -> dict[str, Any] | None:
        """Everything about a session but its sound."""
        try:
            with self._told():
                text = self._system.cat_file(f"{self._folder(server, session)}/{_DOCUMENT}")
        except FileNotFoundError:
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def sound(self, server: str, session: str, stream: str) -> Sound | None:
        """One party's sound, fetched into a temporary file."""
        document = self.document(server, session)
        name = None if document is None else document["sounds"].get(stream)
        if name is None:
            return None
        with tempfile.NamedTemporaryFile(suffix=".flac", delete=False) as file:
            path = Path(file.name)
        try:
            with self._told():
                self._system.get_file(f"{self._folder(server, session)}/{name}", str(path))
        except BaseException as error:
            path.unlink()
            if isinstance(error, FileNotFoundError):
                return None
            raise
        return Sound(path, temporary=True)

    def delete(self, server: str, session: str, why: str) -> None:  # noqa: ARG002
        """Delete one for good."""
        with self._told():
            folder = self._folder(server, session)
            if self._system.exists(folder):
                self._system.rm(folder, recursive=True)

    def sessions(self, server: str) -> list[str]:
        """The sessions of a server."""
        try:
            with self._told():
                found = self._system.ls(f"{self._root}/{server}", detail=False)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in found]

    def _folder(self, server: str, session: str) -> str:
        return f"{self._root}/{server}/{session}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever a file system says is one sentence, but that something is not there."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> EmoliveError:
        return EmoliveError(
            "The recordings at {address} cannot be used ({reason}): look whether the "
            "address is right and may be written.",
            address=self.address,
            reason=reason(error),
        )


class RecordingMover:
    """Moves what a server has recorded from its library to the address; `problem`: why it waits."""

    def __init__(self, library: Library, recordings: AddressRecordings, name: str) -> None:
        """`name`: what the server is called."""
        self._library = library
        self._recordings = recordings
        self._name = name
        self.problem: str | None = None

    def move(self) -> None:
        """Move all that is complete; what cannot be moved now stays, and is tried again."""
        self.problem = None
        for info in self._library.sessions():
            if TO_BE_MOVED not in info.tags or info.state is not SessionState.COMPLETE:
                continue
            try:
                self._recordings.put(self._library, self._name, info.id)
                moved = f"moved to {self._recordings.address}"
                self._library.delete(info.id, reason=moved)
            except (EmoliveError, OSError) as error:
                self.problem = str(error)
                _log.warning("A recording cannot be moved; it is tried again", exc_info=True)
                return

    def expire(self, now: datetime) -> list[str]:
        """Delete there, too, what is older than the library keeps; the ids."""
        days = self._library.settings().expire_after_days
        if days is None:
            return []
        oldest = f"{(now - timedelta(days=days)).astimezone():%Y%m%d-%H%M%S}"
        expired = [
            session
            for session in self._recordings.sessions(self._name)
            if (begun := _STARTED.match(session)) is not None and begun[0] < oldest
        ]
        for session in expired:
            why = f"older than {days} days"
            self._recordings.delete(self._name, session, why)
            self._library.audit("delete", {"session": session, "reason": why})
        return expired


def _has(library: Library, session: str) -> bool:
    try:
        return library.get(session).id == session
    except SessionError:
        return False
