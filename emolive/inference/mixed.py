"""Two emotions at once: a decided one, and the one that comes close to it.

Where the recipe of `accurate` named a pair on speech of a corpus it was not trained on, listeners
gave the second emotion about twice the share of votes that they gave to each of the others, and
their first choice was in the pair twice as often as it was the first emotion alone
(docs/related-systems.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from emolive.i18n import tr
from emolive.labels import emotion_name
from emolive.types import FloatArray

# How probable the second of a pair is at least, as a share of the first.
CLOSE = 0.5


def second_emotion(
    probabilities: FloatArray | None, label: str | None, labels: Sequence[str]
) -> str | None:
    """The emotion that a window's answer holds beside the decided `label`.

    Args:
        probabilities: of this window, ``(n_classes,)``; None in silence.
        label: the decided emotion; None (uncertain, silence) has no second one.
        labels: in the order of `probabilities`.

    Returns:
        The most probable other emotion, where it and the decided one are the window's two most
        probable and the less probable has at least `CLOSE` of the other's share.
    """
    if probabilities is None or label is None or label not in labels:
        return None
    first = labels.index(label)
    ranked = probabilities.argsort()[::-1][:2].tolist()
    if first not in ranked:
        return None
    most, less = (float(probabilities[i]) for i in ranked)
    second = ranked[1] if ranked[0] == first else ranked[0]
    return labels[second] if less >= CLOSE * most else None


def pair_name(label: str, second: str | None) -> str:
    """An emotion for people, or two as one: "sad + fearful"."""
    if second is None:
        return emotion_name(label)
    return tr("{first} + {second}", first=emotion_name(label), second=emotion_name(second))
