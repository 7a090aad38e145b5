"""What is computed once and kept as a file: made by one process, whole or not there at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from emolive.cli.outcome import tell
from training.cache import CachedClip


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, which `make` writes if it is not there; of several processes one does, others wait.

    `make` is given another name with the same ending. It becomes `path` when it is whole; what a
    killed process left of it is written over.
    """
    if path.is_file():
        return path
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"waiting for another process that makes {path.name}")
        lock.acquire()
    try:
        if not path.is_file():
            partial = path.with_name(f"{path.stem}.partial{path.suffix}")
            make(partial)
            partial.replace(path)
        with suppress(OSError):  # Windows removes it itself
            # Whoever still waits, or comes later, finds the file and needs no lock.
            Path(lock.lock_file).unlink(missing_ok=True)
    finally:
        lock.release()
    return path


def key_of(about: Iterable[object]) -> str:
    """Twelve digits for a file's name that tell what its values depend on, in this order."""
    return hashlib.sha256("\n".join(map(str, about)).encode()).hexdigest()[:12]


def key_of_clips(clips: Iterable[CachedClip]) -> str:
    """The same of clips' audio and speakers: another order is another key."""
    return key_of(f"{clip.digest} {clip.corpus} {clip.speaker}" for clip in clips)


def key_of_file(path: Path) -> str:
    """The same of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    about = path.stat()
    return _key_of_file(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=8)
def _key_of_file(path: Path, size: int, changed: int) -> str:  # noqa: ARG001
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
