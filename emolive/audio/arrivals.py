"""Whether audio devices came or went, asked of the system itself.

PortAudio would have to be started anew for that, which no open stream survives.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Hashable
from pathlib import Path

from emolive.audio.pulse import pulse_devices

_CORE_AUDIO = "/System/Library/Frameworks/CoreAudio.framework/CoreAudio"
_SOUND_FILES = Path("/dev/snd")
_SYSTEM_OBJECT = 1
_MOST_BYTES = 4_096  # a thousand devices


def devices_there(platform: str = sys.platform) -> Hashable:
    """Something that differs once a device came or went; None where nobody can be asked."""
    try:
        if platform == "linux":
            return _on_linux()
        if platform == "win32":
            return _on_windows()
        if platform == "darwin":
            return _on_a_mac()
    except (OSError, AttributeError):
        pass
    return None


def _on_linux() -> Hashable:
    found = pulse_devices()
    if found.sources or found.sinks:
        return tuple((one.name, one.is_default) for one in (*found.sources, *found.sinks))
    return tuple(sorted(path.name for path in _SOUND_FILES.iterdir()))


def _on_windows() -> Hashable:
    library = ctypes.WinDLL("winmm")  # type: ignore[attr-defined,unused-ignore]
    return library.waveInGetNumDevs(), library.waveOutGetNumDevs()


class _Address(ctypes.Structure):
    """AudioObjectPropertyAddress."""

    _fields_ = (
        ("selector", ctypes.c_uint32),
        ("scope", ctypes.c_uint32),
        ("element", ctypes.c_uint32),
    )


def _on_a_mac() -> Hashable:
    """The identifiers of all devices."""
    address = _Address(_four("dev#"), _four("glob"), 0)
    size = ctypes.c_uint32(_MOST_BYTES)
    found = ctypes.create_string_buffer(_MOST_BYTES)
    failed = ctypes.CDLL(_CORE_AUDIO).AudioObjectGetPropertyData(
        ctypes.c_uint32(_SYSTEM_OBJECT),
        ctypes.byref(address),
        ctypes.c_uint32(0),
        None,
        ctypes.byref(size),
        found,
    )
    return None if failed else found.raw[: size.value]


def _four(letters: str) -> int:
    return int.from_bytes(letters.encode(), "big")
