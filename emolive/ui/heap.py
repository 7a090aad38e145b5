"""Memory of a run that is over goes back to the system."""

from __future__ import annotations

import ctypes
import sys

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_LARGE_BYTES = 2 * 1024 * 1024  # less than a run's buffers, more than the picture of a panel


def give_back_large_blocks() -> bool:
    """Let large blocks be mapped one by one, and unmapped when freed; whether that was possible.

    Each run brings buffers of megabytes and threads of its own. Once such a buffer has been freed,
    glibc takes the next ones from the heap of the thread that asks, which then never shrinks: the
    process grew by half within 50 runs. Only Linux's glibc does so; a threshold that was set stays.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES))
    except (AttributeError, OSError):  # another C library
        return False
