"""Where emotions lie between unpleasant and pleasant, calm and aroused: derived, not measured.

The model knows classes, not dimensions. What is shown on the valence–arousal plane is the mean of
published positions of the classes' names, weighted with their probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emolive.labels import position_of
from emolive.types import FloatArray


@dataclass(frozen=True, slots=True)
class Derived:
    """An expected position; `known` is the probability of the classes it is made of, 0 to 1."""

    valence: float
    arousal: float
    known: float


class Circumplex:
    """Positions of a model's classes, and of its answers between them."""

    def __init__(self, labels: Sequence[str]) -> None:
        """For these classes, in the order of the probabilities."""
        self.labels = tuple(labels)
        self.positions = tuple(position_of(label) for label in labels)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The classes without a published position; they are left out."""
        pairs = zip(self.labels, self.positions, strict=True)
        return tuple(label for label, position in pairs if position is None)

    def expected(self, probabilities: FloatArray) -> Derived | None:
        """The mean position under `probabilities`, ``(n_classes,)``.

        Probabilities of classes without a position are shared out to the others; None when hardly
        anything (under a tenth) is left.
        """
        known = valence = arousal = 0.0
        for position, share in zip(self.positions, probabilities.tolist(), strict=True):
            if position is not None:
                known += share
                valence += share * position.valence
                arousal += share * position.arousal
        if known < 0.1:
            return None
        return Derived(valence / known, arousal / known, min(1.0, known))
