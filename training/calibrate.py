"""Temperature and abstention threshold, fitted on speakers that were not trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from training.metrics import negative_log_likelihood, softmax


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> float:
    """The temperature with the smallest negative log-likelihood (Guo et al. 2017)."""

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(softmax(logits, float(np.exp(log_temperature))), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def fit_threshold(probabilities: npt.NDArray[np.float64], coverage: float) -> float:
    """The confidence that lets `coverage` of these windows through."""
    return float(np.quantile(probabilities.max(1), 1.0 - coverage))
