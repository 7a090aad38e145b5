"""What adapting to a source was measured to lead to, by what is expected of the source.

`python -m training baseline RECIPE MODEL --cache DIR` prints a model's entry below its tables
(docs/baseline.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolive.baseline.expected import ExpectedMix


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one model, on speech it never heard, 70 % neutral, of a source that is known for an hour.

    Pairs are false alarms (neutral turns decided to be unpleasant) per hour of neutral speech, and
    the share of angry turns that is found: `own` without adapting, `balanced` and `neutral` (after
    the expected share, which rises) with it. `threshold` is the one of the model's file then.
    """

    threshold: float
    own: tuple[float, float]
    balanced: tuple[float, float]
    neutral: tuple[tuple[float, float, float], ...]

    def consequence(self, expected: ExpectedMix) -> tuple[float, float]:
        """False alarms, and angry speech found, as shares of those without adapting."""
        alarms, found = self.balanced
        if expected.neutral is not None:
            at, *both = zip(*self.neutral, strict=True)
            alarms, found = (float(np.interp(expected.neutral, at, one)) for one in both)
        return alarms / self.own[0], found / self.own[1]

    @property
    def expected(self) -> tuple[float, ...]:
        """The expected shares of neutral that were tried."""
        return tuple(share for share, *_ in self.neutral)


# By the name in the model's file. A model that raises no false alarm by itself has no entry.
MEASURED = {
    "emolive-whisper": Measured(
        threshold=0.5928,
        own=(114.7, 0.334),
        balanced=(45.2, 0.427),
        neutral=(
            (0.3, 21.9, 0.421),
            (0.45, 18.1, 0.391),
            (0.6, 12.9, 0.36),
            (0.7, 9.0, 0.328),
            (0.8, 5.7, 0.231),
            (0.9, 4.5, 0.199),
        ),
    ),
}
