"""What a source's answers are expected to be on average, in words or as a share.

What that leads to was measured on speech that the models never heard, of which 70 % is neutral, of
a source that is known for an hour: the mean of both bundled models (docs/baseline.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from emolive.errors import EmoliveError
from emolive.labels import canonical

# By name, the expected share of neutral; None: all classes alike.
PRESETS: dict[str, float | None] = {"calls": 0.70, "talk": 0.45, "balanced": None}


@dataclass(frozen=True, slots=True)
class ExpectedMix:
    """So much of a source's speech is expected to be neutral, the other classes in equal parts.

    `neutral`: None for all classes alike, which is also meant where a model has no such class.
    """

    neutral: float | None = PRESETS["talk"]

    @classmethod
    def of(cls, text: str) -> Self:
        """What a person wrote: a name of `PRESETS`, or a share between 0 and 1.

        Raises:
            EmoliveError: it is neither.
        """
        word = text.strip().casefold()
        if word in PRESETS:
            return cls(PRESETS[word])
        try:
            share = float(word)
        except ValueError:
            share = math.nan
        if not 0.01 <= share <= 0.99:
            raise EmoliveError(
                "{text} is no expected share of neutral speech: give a number from 0.01 "
                "to 0.99, or one of {presets}.",
                text=repr(text),
                presets=", ".join(PRESETS),
            )
        return cls(share)

    def shares(self, labels: tuple[str, ...]) -> npt.NDArray[np.float64]:
        """The mix itself, float64 ``(n_classes,)``, in the order of `labels`; it sums to 1."""
        names = [canonical(label) for label in labels]
        mix = np.full(len(labels), 1 / len(labels))
        if self.neutral is not None and "neutral" in names:
            mix[:] = (1 - self.neutral) / (len(labels) - 1)
            mix[names.index("neutral")] = self.neutral
        return mix


# By the expected share of neutral: false alarms (neutral speech taken for unpleasant) and angry
# speech that is found, each as a share of what it is without a baseline.
CURVE = (
    (0.30, 0.48, 1.08),
    (0.45, 0.37, 1.07),
    (0.60, 0.27, 1.00),
    (0.70, 0.22, 0.95),
    (0.80, 0.16, 0.89),
    (0.90, 0.13, 0.83),
)
_BALANCED = (0.62, 1.10)


def consequence(expected: ExpectedMix) -> tuple[float, float]:
    """False alarms, and angry speech found, as shares of those without a baseline."""
    if expected.neutral is None:
        return _BALANCED
    at, alarms, found = zip(*CURVE, strict=True)
    return (
        float(np.interp(expected.neutral, at, alarms)),
        float(np.interp(expected.neutral, at, found)),
    )
