"""Where emotions lie between unpleasant and pleasant, calm and aroused: derived, not measured.

The model knows classes, not dimensions. What is shown on the valence–arousal plane is the mean of
published positions of the classes' names, weighted with their probabilities.

Positions are the mean pleasure and arousal ratings that Russell and Mehrabian report for emotion
words, on scales from -1 to 1: J. A. Russell, A. Mehrabian (1977), "Evidence for a three-factor
theory of emotions", Journal of Research in Personality 11, 273-294. The word for "calm" there is
"relaxed"; "neutral" is the origin, where neither dimension says anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emolive.types import FloatArray

SOURCE = "Russell & Mehrabian (1977), J. Research in Personality 11:273–294"


@dataclass(frozen=True, slots=True)
class Position:
    """A point of the plane: valence and arousal, -1 to 1 each."""

    valence: float
    arousal: float


POSITIONS = {
    "neutral": Position(0.00, 0.00),
    "calm": Position(0.68, -0.46),  # "relaxed"
    "happy": Position(0.81, 0.51),
    "sad": Position(-0.63, -0.27),
    "angry": Position(-0.51, 0.59),
    "fearful": Position(-0.64, 0.60),
    "disgust": Position(-0.60, 0.35),
    "surprised": Position(0.40, 0.67),
    "bored": Position(-0.65, -0.62),
    "excited": Position(0.62, 0.75),
}
# The same emotions under the names that other models use.
_ALIASES = {
    "anger": "angry",
    "boredom": "bored",
    "disgusted": "disgust",
    "excitement": "excited",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "relaxed": "calm",
    "sadness": "sad",
    "surprise": "surprised",
}


def position_of(label: str) -> Position | None:
    """Where a class lies, or None when no published position is known for its name."""
    name = label.casefold()
    return POSITIONS.get(_ALIASES.get(name, name))


def is_negative(label: str) -> bool:
    """Whether an emotion is an unpleasant one, by its published place on the valence axis."""
    place = position_of(label)
    return place is not None and place.valence < 0


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
