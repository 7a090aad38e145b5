"""Where a session's files lie, and who may write them."""

from __future__ import annotations

import re
import secrets
import shutil
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from emolive.errors import SessionError

_LOCK_FILE = "recording.lock"
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
            f"{session_id[:70]!r} cannot be the id of a session: use letters, digits, - and _."
        )
    return session_id


def session_folder(library: Path, session_id: str) -> Path:
    """The folder of a session's files."""
    return library / "sessions" / session_id


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
        self._lock = FileLock(folder / _LOCK_FILE, thread_local=False)

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
    if not folder.is_dir():
        return False
    lock = RecordingLock(folder)
    if not lock.take():
        return True
    lock.release()
    return False
