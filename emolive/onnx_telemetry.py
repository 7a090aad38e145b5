"""What ONNX Runtime's telemetry leaves on the disk, and its removal.

From 1.29 on the library identifies this computer and reports to its maker unless the variable
`ORT_DISABLE_TELEMETRY` is set before it is loaded, which importing `emolive` does. Programs that
loaded it without, earlier versions of this one among them, left an identifier and a queue of
reports. They are one set per user, whichever program wrote them.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PLACE = Path("Microsoft", "DeveloperTools", ".onnxruntime")
_QUEUE = "onnxruntime.db"
_NAMES = re.compile(r"deviceid(\.lock|\.tmp\..+)?|onnxruntime\.db(-wal|-shm|-journal)?")
_SESSION_FILE = ".ses"
# Milliseconds since 1970 and an identifier: no other program's file of that name is taken for it.
_SESSION = re.compile(rb"\d{13}\n[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?")


def remove_traces() -> None:
    """Delete what ONNX Runtime's telemetry left for this user, if it left something.

    Files are known by their place and name; anything else there stays. What cannot be deleted, as
    while another program holds it on Windows, stays, too.
    """
    for folder in _folders():
        # Other tools of the same maker keep an identifier there, but not this queue.
        if not (folder / _QUEUE).is_file():
            continue
        for path in (*folder.iterdir(), *_session_files()):
            if path.name == _SESSION_FILE or _NAMES.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()
        if sys.platform == "win32":
            _remove_registry_value()
        with suppress(OSError):  # as far as they are empty now
            for emptied in (folder, folder.parent, folder.parent.parent):
                emptied.rmdir()


def _folders() -> Iterator[Path]:
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        bases = [
            Path(os.environ[name]) for name in ("LOCALAPPDATA", "APPDATA") if name in os.environ
        ]
    elif sys.platform == "darwin":
        bases = [home / "Library" / "Application Support"]
    else:
        bases = [Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")]
    yield from (base / _PLACE for base in bases)


def _session_files() -> Iterator[Path]:
    path = Path(tempfile.gettempdir(), _SESSION_FILE)
    with suppress(OSError):
        if not path.is_symlink() and _SESSION.fullmatch(path.read_bytes()[:100]):
            yield path


def _remove_registry_value() -> None:
    if sys.platform == "win32":
        import winreg

        with (
            suppress(OSError),
            winreg.OpenKey(
                winreg.HKEY_CURRENT_USER,
                r"SOFTWARE\Microsoft\DeveloperTools\.onnxruntime",
                access=winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY,
            ) as key,
        ):
            winreg.DeleteValue(key, "deviceid")
