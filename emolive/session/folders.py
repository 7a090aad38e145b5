"""Where a session's files lie, who may write them, and that only their owner may read them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from emolive.baseline.store import FOLDER as BASELINES
from emolive.errors import SessionError
from emolive.private_files import close_to_others, make_private_folder, open_to_others

_LOCK_FILE = "recording.lock"
_SESSIONS = "sessions"
_MODELS = "models"  # adapted ones, which are closed to others, too
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def new_session_id(at: datetime) -> str:
    """Local time and chance, readable and sorted: ``20250131-154500-9c4e1f``."""
    return f"{at.astimezone():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def check_session_id(session_id: str) -> str:
    """The id, which is also a folder's name and may come from another machine.

    Raises:
        SessionError: it cannot be one.
    """
    if not _ID.fullmatch(session_id):
        raise SessionError(
            "{session_id} cannot be the id of a session: use letters, digits, - and _.",
            session_id=repr(session_id[:70]),
        )
    return session_id


def make_library_folder(library: Path, database_file: str) -> None:
    """Make a library's folders, and take what is in them from everybody but its owner.

    Also where the folder was there before, made by another program or an earlier version, or is a
    copy. A folder that holds other things, too, or belongs to somebody else, keeps its rights; the
    library in it is closed all the same.

    Raises:
        OSError: they cannot be made.
    """
    sessions, baselines = library / _SESSIONS, library / BASELINES
    for folder in (library, sessions):
        make_private_folder(folder, exist_ok=True)
    own = [path for path in library.iterdir() if path.name.startswith(database_file)]
    for path in own:
        close_to_others(path)
    if open_to_others(sessions):
        for place, names, files in os.walk(sessions):
            for name in (*names, *files):
                close_to_others(Path(place, name))
        close_to_others(sessions)  # last: if this was cut off, it is done again
    about = library.stat()
    shared = about.st_mode & stat.S_ISVTX or (os.name == "posix" and about.st_uid != os.geteuid())
    if not shared and {*library.iterdir()} <= {sessions, baselines, library / _MODELS, *own}:
        close_to_others(library)


def session_folder(library: Path, session_id: str) -> Path:
    """The folder of a session's files."""
    return library / _SESSIONS / session_id


def audio_file_name(position: int, stream: str) -> str:
    """Name of the audio file of a stream whose name may be anything."""
    plain = re.sub(r"[^0-9A-Za-z_-]+", "-", stream).strip("-")[:40]
    return f"{position + 1}-{plain or 'stream'}.flac"


def remove_folder(folder: Path) -> None:
    """Remove a session's folder; one that is not there is fine.

    Raises:
        OSError: something in it cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        if folder.exists():  # one of its files went away meanwhile
            shutil.rmtree(folder)


class RecordingLock:
    """Held by the process that records a session; the system frees it when that process dies."""

    def __init__(self, folder: Path) -> None:
        """The lock of the session in `folder`, not taken yet."""
        self._lock = FileLock(folder / _LOCK_FILE, mode=0o600, thread_local=False)

    def take(self) -> bool:
        """Take it without waiting; whether nobody else has it.

        Raises:
            OSError: the folder cannot be written.
        """
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Free it; harmless when it is not held."""
        self._lock.release(force=True)
        # Ours alone, or about to be removed with its folder by the next owner: not needed.
        Path(self._lock.lock_file).unlink(missing_ok=True)


def recorded_elsewhere(folder: Path) -> bool:
    """Whether a living process (this one included) records the session in `folder`."""
    # It is there before the session can be seen, and a full disk may have no room for one.
    if not (folder / _LOCK_FILE).exists():
        return False
    lock = RecordingLock(folder)
    if not lock.take():
        return True
    lock.release()
    return False
