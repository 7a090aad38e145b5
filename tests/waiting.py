"""Waiting for what other threads and processes do: as short as it takes, however busy the machine.

How long a right test waits says how busy the machine is. So the limit is there for tests that
fail, and all share it; it is short of the limit of a test itself, which tells less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 120.0


def until(true: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Wait until something is true, and return it."""
    deadline, pause = time.monotonic() + within_s, 0.001
    while not (found := true()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(pause)
        pause = min(0.02, 2 * pause)
    return found
