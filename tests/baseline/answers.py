"""Answers of a model as it might be on a new source: drawn with a bias of its own."""

from __future__ import annotations

import numpy as np

from emolive.types import FloatArray
from tests.models import LABELS

NEUTRAL, ANGRY = LABELS.index("neutral"), LABELS.index("angry")


def answers(
    mix: dict[int, float], n: int, seed: int = 0, bias: dict[int, float] | None = None
) -> FloatArray:
    """`n` probabilities, ``(n, 8)``: speech of this mix of classes, heard by a biased model."""
    rng = np.random.default_rng(seed)
    shares = np.array([mix.get(i, 0.0) for i in range(len(LABELS))])
    classes = rng.choice(len(LABELS), n, p=shares / shares.sum())
    logits = rng.normal(0.0, 1.0, (n, len(LABELS)))
    logits[np.arange(n), classes] += 3.0
    for index, value in (bias or {}).items():
        logits[:, index] += value
    exponents = np.exp(logits)
    found: FloatArray = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def usual_mix(neutral: float = 0.7) -> dict[int, float]:
    """So much neutral speech, the rest of everything."""
    rest = (1 - neutral) / (len(LABELS) - 1)
    return {i: neutral if i == NEUTRAL else rest for i in range(len(LABELS))}
