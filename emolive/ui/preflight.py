"""Can Qt start here? Asked beforehand, because Qt ends the process when it cannot.

Imports no Qt at module level: a missing system library shows as a failed import.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from emolive.errors import EmoliveError
from emolive.extras import way_to_mend
from emolive.i18n import mark, tr

# What PySide6's wheels need from Debian 12 or Ubuntu 24.04, beyond a bare system.
APT_PACKAGES = (
    "libegl1 libgl1 libdbus-1-3 libfontconfig1 libglib2.0-0 libx11-xcb1 libxkbcommon-x11-0 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-sync1 "
    "libxcb-xfixes0 fonts-dejavu-core"
)
_INSTALL = mark("run `sudo apt-get install {packages}`")
_WITHOUT_WINDOW = mark(
    "use `emolive demo --headless` or `emolive live --headless` for the terminal"
)


def check_desktop(
    environment: Mapping[str, str] | None = None, platform: str = sys.platform
) -> None:
    """Make sure that a window can be opened.

    Raises:
        EmoliveError: PySide6, a system library or a display is missing.
    """
    environment = os.environ if environment is None else environment
    plugin_folder = _import_qt(platform)
    _check_binding()
    if platform != "linux":
        return
    wanted = environment.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if wanted not in ("", "xcb", "wayland"):
        return  # offscreen, vnc and the like need no display
    if wanted != "xcb" and _wayland_answers(environment):
        return
    display = environment.get("DISPLAY")
    if not display:
        raise EmoliveError(
            "There is no display for the window: {without_window}.",
            without_window=tr(_WITHOUT_WINDOW),
        )
    _check_xcb(plugin_folder / "libqxcb.so", display)


def _import_qt(platform: str) -> Path:
    """Import Qt; returns the folder of its platform plugins."""
    try:
        core = importlib.import_module("PySide6.QtCore")
        for name in ("QtGui", "QtWidgets", "QtSvg"):
            importlib.import_module(f"PySide6.{name}")
    except ModuleNotFoundError as error:
        raise EmoliveError(
            "The desktop needs PySide6: {way}.", way=way_to_mend("PySide6-Essentials")
        ) from error
    except ImportError as error:
        way_out = way_to_mend("PySide6-Essentials")
        if platform == "linux":
            way_out = tr(_INSTALL, packages=APT_PACKAGES)
        raise EmoliveError(
            "Qt cannot be loaded ({error}): {way_out}.", error=error, way_out=way_out
        ) from error
    plugins = core.QLibraryInfo.path(core.QLibraryInfo.LibraryPath.PluginsPath)
    return Path(plugins) / "platforms"


def _check_binding() -> None:
    """Refuse a PySide6 that takes a reference to None away with each call.

    PySide6 6.12.0 does so on Python 3.11, which ends the process after some thousand calls; from
    Python 3.12 on, None is immortal and nothing happens.
    """
    rectangle = importlib.import_module("PySide6.QtCore").QRectF()
    before = sys.getrefcount(None)
    for _ in range(64):
        rectangle.setX(0.0)
    if before - sys.getrefcount(None) >= 48:
        version = importlib.import_module("PySide6").__version__
        raise EmoliveError(
            "PySide6 {version} crashes on Python {version_info}.{version_info2}: {way}.",
            way=way_to_mend("'PySide6-Essentials>=6.8,!=6.12.0'"),
            version=version,
            version_info=sys.version_info[0],
            version_info2=sys.version_info[1],
        )


def _wayland_answers(environment: Mapping[str, str]) -> bool:
    name = environment.get("WAYLAND_DISPLAY")
    if not name:
        return False
    path = Path(environment.get("XDG_RUNTIME_DIR", "/run")) / name
    family = getattr(socket, "AF_UNIX", None)  # not on Windows
    if family is None:
        return False
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _check_xcb(plugin: Path, display: str) -> None:
    try:
        ctypes.CDLL(str(plugin))
        xcb = ctypes.CDLL(ctypes.util.find_library("xcb") or "libxcb.so.1")
    except OSError as error:
        raise EmoliveError(
            "A library for the window is missing ({error}): {install}.",
            error=error,
            install=tr(_INSTALL, packages=APT_PACKAGES),
        ) from error
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(), None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        raise EmoliveError(
            "The display {display} cannot be reached: {without_window}.",
            display=display,
            without_window=tr(_WITHOUT_WINDOW),
        )
