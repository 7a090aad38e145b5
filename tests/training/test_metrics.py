"""Scores against values worked out by hand, and calibration on logits of known temperature."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from training.calibrate import fit_temperature, fit_threshold
from training.evaluate import selective
from training.metrics import expected_calibration_error, score, softmax


def one_hot(answers: list[int], n_classes: int = 3) -> np.ndarray:
    return np.eye(n_classes)[answers]


def test_uar_is_the_mean_recall_of_the_classes_present() -> None:
    labels = np.array([0, 0, 0, 1])
    scores = score(one_hot([0, 0, 1, 1]), labels)
    assert scores.uar == pytest.approx((2 / 3 + 1) / 2)
    assert scores.wa == pytest.approx(3 / 4)
    assert scores.f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert scores.n == 4


def test_ece_of_sure_and_half_right_answers_is_a_half() -> None:
    labels = np.array([0, 1, 0, 1])
    assert expected_calibration_error(one_hot([0, 0, 0, 0]), labels) == pytest.approx(0.5)
    assert expected_calibration_error(one_hot([0, 1, 0, 1]), labels) == pytest.approx(0.0)


def test_the_temperature_that_made_the_logits_overconfident_is_found() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (4_000, 5))
    labels = np.array([rng.choice(5, p=row) for row in softmax(honest)])
    assert fit_temperature(honest * 2.5, labels) == pytest.approx(2.5, rel=0.1)


def test_the_threshold_lets_the_asked_share_through() -> None:
    rng = np.random.default_rng(0)
    probabilities = softmax(rng.normal(0, 2, (1_000, 4)))
    threshold = fit_threshold(probabilities, 0.8)
    labels = probabilities.argmax(1)
    chosen = selective(probabilities, labels, threshold)
    assert chosen.coverage == pytest.approx(0.8, abs=0.01)
    assert chosen.accuracy == 1.0
