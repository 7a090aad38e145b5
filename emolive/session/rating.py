"""Rating valence and arousal while a session plays: what is held at each moment, take by take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from emolive.session.records import Dimension, Trace
from emolive.types import FloatArray

STEP_S = 0.04
# A longer way between two moments is a jump: what lies between was not rated.
_JUMP_S = 0.5


class RatingPen:
    """One annotator's ratings of one session; what is rated anew replaces what was there.

    Size: four bytes per dimension and `STEP_S` of the session, twice while a take can be taken
    back.
    """

    def __init__(self, rate: int, duration_samples: int, before: Iterable[Trace] = ()) -> None:
        """Go on from the annotator's own traces; those on another grid are put onto this one."""
        self.step = max(1, round(STEP_S * rate))
        self._n = max(1, math.ceil(duration_samples / self.step))
        self._values = {dimension: np.full(self._n, np.nan, np.float32) for dimension in Dimension}
        for trace in before:
            at = np.minimum(
                (np.arange(self._n) + 0.5) * self.step / trace.step_samples,
                2**31,
            ).astype(np.int64)
            held = at < trace.values.size
            self._values[trace.dimension][held] = trace.values[at[held]]
        self._last: int | None = None
        self._taken: dict[Dimension, FloatArray] | None = None

    @property
    def can_take_back(self) -> bool:
        """Whether there is a last take to take back."""
        return self._taken is not None

    def begin(self) -> None:
        """Begin a take."""
        self._taken = {dimension: values.copy() for dimension, values in self._values.items()}
        self._last = None

    def hold(self, at_sample: int, point: Mapping[Dimension, float]) -> None:
        """At that moment it is felt so, and has been since the moment before, if that is near."""
        cell = min(self._n - 1, max(0, at_sample // self.step))
        first = cell
        if self._last is not None and 0 <= cell - self._last <= _JUMP_S / STEP_S:
            first = min(cell, self._last + 1)
        for dimension, value in point.items():
            self._values[dimension][first : cell + 1] = np.float32(min(1.0, max(-1.0, value)))
        self._last = cell

    def take_back(self) -> None:
        """Be as before the last take."""
        if self._taken is not None:
            self._values, self._taken, self._last = self._taken, None, None

    def traces(self, annotator: str) -> tuple[Trace, ...]:
        """What is rated, one trace for each dimension."""
        return tuple(
            Trace(annotator, dimension, self.step, values.copy())
            for dimension, values in self._values.items()
        )
