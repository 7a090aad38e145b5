"""The audio of a tap, as a source of the engine."""

from __future__ import annotations

import threading
from collections import deque

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.errors import AudioDeviceError
from emolive.types import FloatArray, Role

# What may wait until the engine has opened the source.
_WAITING_S = 10.0


class TapSource:
    """Whatever is written to it, from one thread, goes to the engine.

    Buffer: ten seconds, until the engine starts it; overflow policy: the oldest goes, counted.
    """

    def __init__(
        self, name: str, rate: int, streams: tuple[str, ...], roles: tuple[Role, ...]
    ) -> None:
        """`rate` in Hz; a stream and its role for each channel."""
        self.name = name
        self._format = SourceFormat(rate, streams, roles)
        self._lock = threading.Lock()
        self._waiting: deque[FloatArray] = deque()
        self._held = 0
        self._most = round(_WAITING_S * rate)
        self._ring: SampleRing | None = None
        self._state = SourceState.CLOSED
        self._reason: str | None = None
        self._ended = False
        self._overflows = 0

    def open(self) -> SourceFormat:
        """What will come.

        Raises:
            AudioDeviceError: a call comes once.
        """
        if self._state is not SourceState.CLOSED or self._ring is not None:
            raise AudioDeviceError("The call is over.")
        return self._format

    def start(self, ring: SampleRing) -> None:
        """Write into `ring` from now on, what waited first."""
        with self._lock:
            for block in self._waiting:
                ring.write(block)
            self._waiting.clear()
            self._held = 0
            self._ring = ring
            self._state = SourceState.ENDED if self._ended else SourceState.RUNNING

    def write(self, block: FloatArray) -> None:
        """Frames of the call, float32 ``(n, channels)``."""
        with self._lock:
            if self._ring is not None:
                self._ring.write(block)
                return
            self._waiting.append(block)
            self._held += len(block)
            while self._held > self._most and len(self._waiting) > 1:
                self._held -= len(self._waiting.popleft())
                self._overflows += 1

    def count_overflows(self, overflows: int) -> None:
        """So many stretches of the call never arrived."""
        self._overflows = max(self._overflows, overflows)

    def finish(self, reason: str | None = None) -> None:
        """The call is over: what was written is still answered."""
        with self._lock:
            self._reason = reason
            self._ended = True
            if self._state is SourceState.RUNNING:
                self._state = SourceState.ENDED

    def status(self) -> SourceStatus:
        """How it is doing."""
        return SourceStatus(self._state, self._reason, self._overflows)

    def close(self) -> None:
        """The engine wants no more."""
        with self._lock:
            self._state = SourceState.CLOSED
            self._waiting.clear()
