"""An output under a test's control: it takes blocks when told to, on a clock of its own."""

from __future__ import annotations

import numpy as np

from emolive.audio.output import Pull
from emolive.errors import AudioDeviceError
from emolive.session.player import Player
from emolive.types import FloatArray
from tests.waiting import until


class FakeOutput:
    """Plays `block` samples at a time, heard `latency_s` later; remembers what and when."""

    name = "fake output"

    def __init__(self, rate: int = 16_000, block: int = 320, latency_s: float = 0.0) -> None:
        self.rate = rate
        self.block = block
        self.latency_s = latency_s
        self.time = 1000.0
        self.played: list[FloatArray] = []
        self.opened = 0
        self.refuses: str | None = None
        self.trouble: str | None = None
        self._pull: Pull | None = None

    @property
    def is_open(self) -> bool:
        return self._pull is not None

    @property
    def heard(self) -> FloatArray:
        """All that was played since the test began or `forget`."""
        return np.concatenate([np.empty(0, np.float32), *self.played])

    def forget(self) -> None:
        self.played.clear()

    def open(self, pull: Pull) -> None:
        if self.refuses:
            raise AudioDeviceError(self.refuses)
        self.opened += 1
        self._pull = pull

    def now(self) -> float:
        return self.time

    def problem(self) -> str | None:
        return self.trouble

    def close(self) -> None:
        self._pull = None

    def take(self) -> None:
        """Play one block, whatever is there, and let it take its time."""
        assert self._pull is not None
        block = np.full(self.block, np.nan, np.float32)
        self._pull(block, self.time + self.latency_s)
        assert np.isfinite(block).all()
        self.played.append(block)
        self.time += self.block / self.rate

    def run(self, player: Player, seconds: float) -> None:
        """Play that long, waiting for the decoder whenever it is behind."""
        for _ in range(round(seconds * self.rate / self.block)):
            until(
                lambda: self.is_open and (player._run.ready >= self.block or player._run.complete)
            )
            self.take()
