"""Memory of a run that is over goes back to the system."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h.
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
_LARGE_BYTES = 2 * 1024 * 1024  # less than a run's buffers, more than the picture of a panel
_ARENAS = 2


def give_back_memory() -> bool:
    """Let this process give back what its runs took; whether that was possible.

    Each run brings buffers of megabytes and threads of its own. Once such a buffer has been freed,
    glibc takes the next ones from the heap of the thread that asks, which then never shrinks: a
    window grew by half within 50 runs, a server by as much within 500 calls. So large blocks are
    mapped one by one, and unmapped when freed, and all threads share two heaps. Only Linux's glibc
    needs it; for programs, never for who imports the package.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE_BYTES) and mallopt(_ARENA_MAX, _ARENAS))
