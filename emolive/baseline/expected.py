"""What a source's answers are expected to be on average, in words or as a share."""

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
