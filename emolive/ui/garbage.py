"""Garbage with Qt objects in it is collected on the window's thread alone.

Python collects cycles on whatever thread allocates; a timer or painter that dies on a worker's
takes the program along.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_EVERY_MS = 500


@contextmanager
def collected_here() -> Iterator[None]:
    """Collect cycles on this thread by a timer, at the usual thresholds; needs an event loop."""
    was_enabled = gc.isenabled()
    gc.disable()
    timer = QTimer()
    timer.timeout.connect(collect_due)
    timer.start(_EVERY_MS)
    try:
        yield
    finally:
        timer.stop()
        if was_enabled:
            gc.enable()


def collect_due() -> int | None:
    """Collect the oldest generation whose threshold is passed; which it was, or None."""
    for generation in (2, 1, 0):
        if gc.get_count()[generation] > gc.get_threshold()[generation] > 0:
            gc.collect(generation)
            return generation
    return None
