"""Keeps what the MP3 decoder prints about damaged frames off standard error.

It prints from C, and libsndfile offers no way to tell it not to.
"""

from __future__ import annotations

import atexit
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

_STDERR = 2
# How its lines are known, lest other people's are lost with them.
_ITS_OWN = re.compile(
    rb"libmpg123|^(Note: (Illegal|Trying|Hit end|Skipped|missing|Junk|Looks like)"
    rb"|(?i:warning): (Xing stream|Big change|Real|Encountered|Cannot|.*Frankenstein))|^\s*$"
)


class _Redirection:
    """Standard error goes to a file while anybody wants it to; other people's lines come back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._original = -1
        self._kept: BinaryIO | None = None

    def begin(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            try:
                self._original = os.dup(_STDERR)
                if self._kept is None:
                    self._kept = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                    atexit.register(self._forget)
                os.dup2(self._kept.fileno(), _STDERR)
            except OSError:  # there is no standard error, as in a windowed program
                self._restore()

    def end(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._original >= 0:
                os.dup2(self._original, _STDERR)
                self._pass_on()
                self._restore()

    def _restore(self) -> None:
        if self._original >= 0:
            os.close(self._original)
            self._original = -1

    def _forget(self) -> None:
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _pass_on(self) -> None:
        if self._kept is None or not self._kept.seek(0, os.SEEK_CUR):
            return
        self._kept.seek(0)
        lines = self._kept.read().splitlines(keepends=True)
        self._kept.seek(0)
        self._kept.truncate()
        if rest := b"".join(line for line in lines if not _ITS_OWN.search(line)):
            os.write(_STDERR, rest)


_redirection = _Redirection()


@contextmanager
def silenced() -> Iterator[None]:
    """While this lasts, the decoder's complaints are dropped; from any thread, also nested."""
    _redirection.begin()
    try:
        yield
    finally:
        _redirection.end()
