"""One vector that moves the mean of a model's answers to where it is expected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emolive.types import FloatArray

Floats = npt.NDArray[np.float64]

LEAST_LOG = -16.0  # of a probability: float16 keeps it, and no vector lifts it to an answer
MOST = 3.0  # no class is moved further against the mean of all, in natural logarithms
_STEPS = 50
_CLOSE = 1e-3


def log_probabilities(probabilities: FloatArray) -> FloatArray:
    """Natural logarithms, not below `LEAST_LOG`, float32 of the same shape."""
    return np.log(np.maximum(probabilities, np.float32(np.exp(LEAST_LOG)))).astype(np.float32)


def mix_vector(logs: FloatArray, weights: Floats, mix: Floats) -> Floats:
    """The vector b for which the weighted mean of ``softmax(logs + b)`` is `mix`.

    Found by fixed-point steps, each of which scales every class by how much of it is missing. Its
    own mean is 0, and no element is beyond `MOST`.

    Args:
        logs: log-probabilities, ``(n, n_classes)``, at least one row.
        weights: of the rows, ``(n,)``, not all 0.
        mix: the expected shares, ``(n_classes,)``, all above 0.
    """
    rows = logs.astype(np.float64)
    rows = np.exp(rows - rows.max(axis=1, keepdims=True))
    shares = weights / weights.sum()
    scale = np.ones(rows.shape[1])
    for _ in range(_STEPS):
        mean = (shares / (rows @ scale)) @ rows * scale
        scale *= mix / np.maximum(mean, 1e-12)
        scale /= np.exp(np.log(scale).mean())
        if np.abs(mean - mix).max() < _CLOSE:
            break
    return np.clip(np.log(scale), -MOST, MOST)


def moved(probabilities: FloatArray, vector: Floats) -> FloatArray:
    """``softmax(log(probabilities) + vector)`` over the last axis, float32."""
    if not vector.any():
        return probabilities
    scaled = probabilities.astype(np.float64) * np.exp(vector)
    result: FloatArray = (scaled / scaled.sum(axis=-1, keepdims=True)).astype(np.float32)
    return result
