from __future__ import annotations

import math

import numpy as np
import pytest

from emolive.baseline import Evidence, ExpectedMix
from emolive.baseline.evidence import (
    CAPACITY,
    FORGET_MINUTES,
    HALF_MINUTES,
    MOST_STRENGTH,
    SESSION_MINUTES,
    SessionEvidence,
    log_probabilities,
)
from tests.baseline.answers import ANGRY, NEUTRAL, answers, usual_mix
from tests.models import LABELS


def session(rows: np.ndarray, seconds: float) -> Evidence:
    heard = SessionEvidence(len(LABELS))
    for row in rows:
        heard.add(row, seconds / len(rows))
    return heard.evidence()


def test_nothing_heard_changes_nothing() -> None:
    nothing = Evidence.none(8)
    assert (nothing.minutes, nothing.strength()) == (0, 0)
    assert nothing.vector(ExpectedMix(), LABELS).tolist() == [0.0] * 8


def test_strength_grows_with_minutes_and_is_capped() -> None:
    minutes = [0.5, 2, HALF_MINUTES, 60, 1e6]
    found = [Evidence(np.zeros((1, 8), np.float32), np.array([m])).strength() for m in minutes]
    assert found == sorted(found)
    assert found[2] == pytest.approx(MOST_STRENGTH / 2)
    assert found[-1] <= MOST_STRENGTH


def test_a_long_session_counts_no_more_than_its_share() -> None:
    rows = answers(usual_mix(), 5_000)
    found = session(rows, 8 * 3600)
    assert found.minutes == pytest.approx(SESSION_MINUTES)
    assert len(found.logs) == CAPACITY // 2
    # What is kept is spread over the whole session.
    means = np.exp(found.logs).mean(axis=0)
    assert means == pytest.approx(rows.mean(axis=0), abs=0.05)


def test_the_past_is_forgotten_slowly_and_stays_bounded() -> None:
    known = Evidence.none(8)
    for number in range(120):
        known = known.after(session(answers(usual_mix(), 200, seed=number), 600))
        assert len(known.logs) <= CAPACITY
    steady = 10 / (1 - math.exp(-10 / FORGET_MINUTES))
    assert known.minutes < steady
    # Twenty hours of another mix later, most of what is known is of that.
    before = np.exp(known.logs.astype(float)).T @ known.weights / known.minutes
    for number in range(120):
        known = known.after(session(answers({ANGRY: 1.0}, 200, seed=number), 600))
    after = np.exp(known.logs.astype(float)).T @ known.weights / known.minutes
    assert after[ANGRY] > 0.5 > before[ANGRY]
    assert after[NEUTRAL] > 0.1  # not all is forgotten


def test_what_is_no_number_says_nothing() -> None:
    heard = SessionEvidence(2)
    for row in ([np.nan, np.nan], [0.3, 0.7], [np.inf, 0.0]):
        heard.add(np.array(row, np.float32), 1.0)
    assert np.exp(heard.evidence().logs) == pytest.approx(np.array([[0.3, 0.7]]))
    assert heard.seconds == 1


def test_thinning_keeps_the_mean_and_the_minutes() -> None:
    rows = np.concatenate([answers({NEUTRAL: 1.0}, 3_000), answers({ANGRY: 1.0}, 3_000)])
    weights = np.repeat([3.0, 1.0], 3_000)
    whole = Evidence(log_probabilities(rows), weights)
    few = whole.thinned()
    assert len(few.logs) == CAPACITY
    assert few.minutes == pytest.approx(whole.minutes)
    mean = np.exp(few.logs).T @ few.weights / few.minutes
    assert mean == pytest.approx(rows.T @ weights / weights.sum(), abs=0.01)
