"""Scores by the field's names: UAR (macro recall), WA (accuracy), macro F1, ECE, NLL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score, recall_score

_BINS = 15

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one set of answers; classes absent from the references do not count in UAR and F1."""

    n: int
    uar: float
    wa: float
    f1: float
    ece: float


def softmax(logits: npt.NDArray[np.floating], temperature: float = 1.0) -> Floats:
    """Probabilities of ``(n, n_classes)`` logits at a temperature."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    probabilities: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def expected_calibration_error(probabilities: Floats, labels: Ints) -> float:
    """ECE (Guo et al. 2017): equal-width bins of the top probability, weighted by size."""
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    correct = predicted == labels
    which = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(correct[which == b].mean() - confidence[which == b].mean()) * (which == b).mean()
        for b in range(_BINS)
        if (which == b).any()
    ]
    return float(sum(gaps))


def negative_log_likelihood(probabilities: Floats, labels: Ints) -> float:
    """Mean -log p of the right class."""
    return float(-np.log(np.maximum(probabilities[np.arange(labels.size), labels], 1e-12)).mean())


def score(probabilities: Floats, labels: Ints) -> Scores:
    """Scores of ``(n, n_classes)`` probabilities against ``(n,)`` class indices."""
    predicted = probabilities.argmax(1)
    present = np.unique(labels)
    common = {"labels": present, "average": "macro", "zero_division": 0.0}
    return Scores(
        n=int(labels.size),
        uar=float(recall_score(labels, predicted, **common)),
        wa=float((predicted == labels).mean()),
        f1=float(f1_score(labels, predicted, **common)),
        ece=expected_calibration_error(probabilities, labels),
    )


def confusion(probabilities: Floats, labels: Ints) -> Ints:
    """Counts, rows the reference, columns the answer, ``(n_classes, n_classes)``."""
    n_classes = probabilities.shape[1]
    counts: Ints = confusion_matrix(labels, probabilities.argmax(1), labels=np.arange(n_classes))
    return counts
