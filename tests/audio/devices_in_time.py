"""Devices with clocks of their own, in simulated time: what they hear is a function of real time.

They deliver blocks late and in bursts, like real ones, lose blocks, pause and go away when told.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.errors import AudioDeviceError
from emolive.types import FloatArray

Times = npt.NDArray[np.float64]
Sound = Callable[[Times], FloatArray]


def clicks(every_s: float, width_s: float = 0.0008) -> Sound:
    """A narrow bell at every multiple of `every_s`, as a function of time."""

    def at(times: Times) -> FloatArray:
        nearest = np.round(times[[0, -1]] / every_s) * every_s
        if nearest[0] == nearest[1] and np.abs(times[[0, -1]] - nearest).min() > 10 * width_s:
            inside = times[0] < nearest[0] < times[-1]
            if not inside:
                return np.zeros(len(times), np.float32)
        off = (times + every_s / 2) % every_s - every_s / 2
        bells: FloatArray = np.exp(-0.5 * (off / width_s) ** 2).astype(np.float32)
        return bells

    return at


class Clock:
    """Seconds, since some time ago; they pass when told."""

    def __init__(self) -> None:
        self.now = 5_000.0
        self.origin = self.now

    def __call__(self) -> float:
        return self.now


class DeviceInTime:
    """An input device whose crystal is `ppm` off, hearing `sound` (of seconds since the origin)."""

    def __init__(
        self,
        clock: Clock,
        sound: Sound,
        *,
        rate: int = 8_000,
        ppm: float = 0.0,
        name: str = "device",
        block_s: float = 0.02,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.nominal = rate
        self.true_rate = rate * (1 + ppm * 1e-6)
        self.block = round(rate * block_s)
        self.refuses = False
        self.loopback = False
        self.opened = 0
        self._clock = clock
        self._sound = sound
        self._random = random.Random(seed)
        self._ring: SampleRing | None = None
        self._status = SourceStatus(SourceState.CLOSED)
        self._paused_until = -np.inf
        self._stalled_until = -np.inf

    def open(self) -> SourceFormat:
        if self.refuses:
            raise AudioDeviceError(f"{self.name} is not connected: plug it in.")
        self.opened += 1
        self._status = SourceStatus(SourceState.CLOSED)
        return SourceFormat(self.nominal, ("mono",), loopbacks=("mono",) if self.loopback else ())

    def start(self, ring: SampleRing) -> None:
        self._ring = ring
        # A device takes a moment to start.
        self._started = self._clock() + 0.05 + 0.1 * self._random.random()
        self._counted = 0
        self._status = SourceStatus(SourceState.RUNNING)

    def status(self) -> SourceStatus:
        return self._status

    def close(self) -> None:
        self._ring = None
        self._status = SourceStatus(SourceState.CLOSED)

    def lose(self) -> None:
        """Be unplugged."""
        self._status = SourceStatus(
            SourceState.LOST, f"{self.name} stopped: check that it is plugged in."
        )
        self._ring = None

    def drop(self, seconds: float) -> None:
        """Lose what is heard in the next `seconds`, as a driver that overflows does."""
        self._counted += round(seconds * self.true_rate)
        self._dropped_to = self._started + self._counted / self.true_rate

    def stall(self, seconds: float) -> None:
        """Deliver nothing for a while, and then all of it at once."""
        self._stalled_until = self._clock() + seconds

    def pause(self, seconds: float) -> None:
        """Hear nothing and deliver nothing, as a loopback does when nothing is played."""
        self._paused_until = self._clock() + seconds

    def deliver(self) -> None:
        """Write the blocks that have come by now."""
        now = self._clock()
        if self._ring is None or now < self._stalled_until:
            return
        if now < self._paused_until:
            self._counted = max(0, int((now - self._started) * self.true_rate))
            return
        # Now and then a block comes late.
        late = 0.03 if self._random.random() < 0.02 else 0.0
        end = int((now - late - self._started) * self.true_rate)
        blocks = (end - self._counted) // self.block
        if blocks <= 0:
            return
        frames = self._counted + np.arange(blocks * self.block)
        times = self._started - self._clock.origin + frames / self.true_rate
        self._counted += blocks * self.block
        self._ring.write(self._sound(times)[:, None])
