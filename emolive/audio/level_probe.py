"""Listens to an input without a run, so that a person sees whether it hears anything."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np

from emolive.audio.microphone import Microphone
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceState
from emolive.errors import EmoliveError

_RING_S = 1.0
_WINDOW_S = 0.1
_ZEROS_S = 1.5


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """``level_dbfs`` of the last moment (-inf: none yet), or ``problem``, one sentence.

    ``zeros`` tells that only digital silence has been coming, as without permission.
    """

    level_dbfs: float = -math.inf
    problem: str | None = None
    zeros: bool = False


class LevelProbe:
    """Holds one input open, from `start` to `close`; opened on a thread of its own.

    Size: the last second of audio. `status` may be asked from any thread, and never waits.
    """

    def __init__(self, device: str | int | None, channels: int = 1) -> None:
        """Prepare; nothing is opened before `start`."""
        self._source = Microphone(device, channels=channels)
        self._channels = channels
        self._ring: SampleRing | None = None
        self._rate = 0
        self._problem: str | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="emolive probe", daemon=True)

    def start(self) -> None:
        """Open the input; returns at once."""
        self._thread.start()

    def status(self) -> ProbeStatus:
        """What is heard right now."""
        if self._problem is not None:
            return ProbeStatus(problem=self._problem)
        ring = self._ring
        if ring is None or not ring.written:
            return ProbeStatus()
        heard = ring.read(max(0, ring.written - round(_WINDOW_S * self._rate))).samples
        power = float(np.mean(np.square(heard, dtype=np.float64))) if heard.size else 0.0
        level = 10 * math.log10(power) if power > 0 else -120.0
        return ProbeStatus(level, zeros=self._only_zeros(ring))

    def close(self, timeout: float = 1.0) -> bool:
        """Let the input go; whether that was done within `timeout` seconds."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _only_zeros(self, ring: SampleRing) -> bool:
        needed = round(min(_ZEROS_S, 0.9 * _RING_S) * self._rate)
        return ring.written > needed and not ring.read(ring.written - needed).samples.any()

    def _hold(self) -> None:
        try:
            found = self._source.open()
            self._rate = found.sampling_rate
            ring = SampleRing(round(_RING_S * found.sampling_rate), self._channels)
            self._source.start(ring)
            self._ring = ring
            while not self._closed.wait(0.2):
                status = self._source.status()
                if status.state is not SourceState.RUNNING:
                    self._problem = status.message or f"{self._source.name} stopped."
                    break
        except EmoliveError as error:
            self._problem = str(error)
        finally:
            self._source.close()
