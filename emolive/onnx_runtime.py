"""ONNX Runtime, loaded late and set up alike for every model that emolive runs.

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
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from emolive.errors import ProviderError

if TYPE_CHECKING:
    import onnxruntime as ort

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


LOG_WARNING = 2  # ONNX Runtime's own default
LOG_ERROR = 3
LOG_FATAL = 4


@lru_cache(maxsize=1)
def onnx_runtime() -> ModuleType:
    """The `onnxruntime` module, reporting to nobody.

    Importing `emolive` has told it so; what it noted down before this version did is removed.

    Raises:
        ProviderError: it is missing, or half of it is.
    """
    remove_traces()
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderError(
            "ONNX Runtime cannot be loaded ({error}): reinstall emolive; on Windows also "
            "install the Microsoft Visual C++ Redistributable "
            "(https://aka.ms/vs/17/release/vc_redist.x64.exe).",
            error=error,
        ) from error
    # Uninstalling one of two ONNX Runtime packages leaves an empty shell of the other.
    if not hasattr(onnxruntime, "InferenceSession"):
        raise ProviderError(
            "The installation of ONNX Runtime is broken: `pip uninstall -y onnxruntime "
            "onnxruntime-gpu`, then reinstall emolive."
        )
    # Windows versions that hand events to the system do not know the variable.
    onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module


def session_options(threads: int) -> ort.SessionOptions:
    """Options of a session with `threads` threads, all graph optimisations, errors only in the log.

    Its threads sleep between runs instead of spinning: a live monitor runs for a few milliseconds
    each hop, and a spinning pool would take the cores that the audio and the window need. Nor do
    they keep what the largest batch took: the runtime's own arena never gives memory back (360 MB
    after one batch of 32 windows), and is no faster than the system's allocator.
    """
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = LOG_ERROR
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
