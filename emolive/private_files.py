"""Files and folders for their owner's eyes only, on systems that have permissions for that.

On Windows a file belongs to whom its folder belongs to: nothing is changed there.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def owner_only(path: str, flags: int) -> int:
    """The `opener` of `open`: a file that this makes is its owner's alone."""
    return os.open(path, flags, 0o600)


def make_private_folder(folder: Path, *, exist_ok: bool = False) -> None:
    """Make a folder for its owner alone, and those above it as usual.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=exist_ok)


def open_to_others(path: Path) -> bool:
    """Whether users besides the owner have any rights to it; False where that cannot be told."""
    if os.name != "posix":
        return False
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except OSError:
        return False


def close_to_others(path: Path) -> None:
    """Take all rights from users besides the owner; what cannot be changed, or is a link, stays."""
    if open_to_others(path) and not path.is_symlink():
        with suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
