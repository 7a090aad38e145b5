"""How a speaker usually sounds: a running median and spread of each cue, bounded."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from emolive.explain.cues import SPECS, Cue, CueValues

CAPACITY = 200
LEAST = 8
# Makes the median absolute deviation of a normal distribution its standard deviation.
_MAD_SCALE = 1.4826


@dataclass(frozen=True, slots=True)
class CueReading:
    """One cue of a window beside what is usual for this speaker.

    `usual` is the running median and `spread` the scaled median absolute deviation, both in the
    cue's unit (semitones for the spread of pitch); `deviation` is how many spreads the value lies
    above (or below) the usual. What is not known is None.
    """

    cue: Cue
    value: float | None
    usual: float | None = None
    spread: float | None = None
    deviation: float | None = None


class RunningBaseline:
    """Cues of one stream's last `capacity` windows with speech.

    Size: `capacity` numbers per cue, ten minutes of speech in windows of 3 s. Overflow policy: the
    oldest is forgotten, so the baseline follows a speaker who changes. Robust: a few windows of
    shouting move neither median nor spread. One thread owns it.
    """

    def __init__(self, capacity: int = CAPACITY, least: int = LEAST) -> None:
        """Empty; nothing is compared before `least` windows are known."""
        self.capacity = capacity
        self.least = least
        self.windows = 0
        self._values = {cue: deque[float](maxlen=capacity) for cue in Cue}

    @property
    def ready(self) -> bool:
        """Whether there is enough to compare with."""
        return self.windows >= self.least

    def add(self, cues: CueValues) -> None:
        """Enter a window; one without any cue does not count."""
        if not cues.values:
            return
        self.windows += 1
        for cue, value in cues.values.items():
            self._values[cue].append(_scaled(cue, value))

    def compare(self, cues: CueValues) -> tuple[CueReading, ...]:
        """Every cue of a window against the baseline, in the order of `Cue`."""
        return tuple(self._reading(cue, cues.get(cue)) for cue in Cue)

    def _reading(self, cue: Cue, value: float | None) -> CueReading:
        known = self._values[cue]
        if len(known) < self.least:
            return CueReading(cue, value)
        before = np.fromiter(known, np.float64)
        median = float(np.median(before))
        mad = _MAD_SCALE * float(np.median(np.abs(before - median)))
        spread = max(mad, SPECS[cue].least_spread)
        usual = _unscaled(cue, median)
        if value is None:
            return CueReading(cue, None, usual, spread)
        return CueReading(cue, value, usual, spread, (_scaled(cue, value) - median) / spread)


def _scaled(cue: Cue, value: float) -> float:
    """Pitch is heard in ratios, so it is compared in semitones; the others as they are."""
    return 12 * math.log2(max(value, 1e-3)) if cue is Cue.PITCH else value


def _unscaled(cue: Cue, scaled: float) -> float:
    return float(2 ** (scaled / 12)) if cue is Cue.PITCH else scaled
