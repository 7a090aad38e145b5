"""Differences, spreads, calibration and the choice of the best row, on made-up answers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.report.made_up import N, independent
from training.report.numbers import (
    accuracy_at,
    compare,
    pooled,
    reliability,
    risk_coverage,
    spread,
    temperature,
)
from training.report.rows import ReportRow, Rows


def test_the_best_row_is_a_model_with_enough_folds() -> None:
    def row(recipe: str, skill: float, n_folds: int, base: str | None = None) -> ReportRow:
        results = {"speaker-independent": tuple(independent(skill, 31, n_folds, title=recipe))}
        return ReportRow(recipe, recipe, "models", base, {}, results, {}, None)

    lucky, ablation = row("lucky", 0.95, 2), row("ablation", 0.95, 6, "six")
    three, six = row("three", 0.8, 3), row("six", 0.6, 6)
    found = Rows((lucky, ablation, six, three)).best("speaker-independent")
    assert found is three
    assert Rows((lucky, ablation)).best("speaker-independent") is lucky


def test_a_difference_and_its_interval_by_brute_force() -> None:
    ours = independent(0.8, 21, 3, title="a")
    base = independent(0.6, 22, 3, title="b")
    found = compare(ours, base, "window")
    assert found is not None
    one, two = (pooled(x, "window", own_classes=True) for x in (ours, base))
    assert one is not None
    assert two is not None
    speakers = sorted(set(one.speakers.tolist()))
    assert (found.n, found.folds, found.units) == (len(speakers), 3, "speakers")
    rng = np.random.default_rng(5)
    values = []
    for _ in range(400):
        drawn = rng.choice(speakers, len(speakers))
        rows = np.concatenate([np.flatnonzero(one.speakers == s) for s in drawn])
        per = []
        for answers in (one, two):
            said, labels = answers.probabilities.argmax(1)[rows], answers.labels[rows]
            per.append(np.mean([np.mean(said[labels == c] == c) for c in range(N)]))
        values.append(per[0] - per[1])
    low, high = np.quantile(values, (0.025, 0.975))
    assert found.value == pytest.approx(one.scores.uar - two.scores.uar)
    assert found.low == pytest.approx(low, abs=0.012)
    assert found.high == pytest.approx(high, abs=0.012)
    assert found.decided
    assert found.folds_better == 3
    same = compare(ours, ours, "window")
    assert same is not None
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not same.decided


def test_only_common_folds_are_compared() -> None:
    ours, base = independent(0.7, 1, 2, title="a"), independent(0.7, 2, 6, title="b")
    found = compare(ours, base, "window", corpus="savee")
    assert found is not None
    assert (found.folds, found.n) == (2, 2)
    assert compare(ours, base[3:], "window") is None
    clips = compare(ours, base, "window", by="clip")
    assert clips is not None
    assert (clips.units, clips.n) == ("clips", 2 * (4 * N + N - 1) * 4)


def test_spread_of_one_fold_has_no_deviation() -> None:
    found = spread(independent(0.7, 1, 1, title="a"), "window", "wa")
    assert found is not None
    assert (found.sd, found.n) == (None, 1)
    assert spread([], "window", "wa") is None


def test_confidence_orders_answers() -> None:
    answers = pooled(independent(0.7, 1, title="a"), "window")
    assert answers is not None
    top = answers.probabilities.max(1)
    order = sorted(range(len(answers)), key=lambda i: -top[i])
    kept = order[: round(0.6 * len(answers))]
    assert accuracy_at(answers, 0.6) == pytest.approx(np.mean(answers.correct[kept]))
    coverage, accuracy = risk_coverage(answers)
    assert coverage[-1] == 1
    assert accuracy[-1] == pytest.approx(answers.scores.wa)
    assert accuracy[len(kept) - 1] == pytest.approx(accuracy_at(answers, 0.6))
    bins = reliability(answers)
    assert sum(n for *_, n in bins) == len(answers)
    assert sum(n * a for _, a, n in bins) / len(answers) == pytest.approx(answers.scores.wa)


def test_calibration_uses_the_validation_part_alone() -> None:
    results = independent(0.6, 1, title="a", boost=9.0)
    before, after = (pooled(results, "window", calibrated=c) for c in (False, True))
    assert before is not None
    assert after is not None
    assert all(temperature(r) > 1.5 for r in results)
    assert after.scores.ece < before.scores.ece - 0.1
    np.testing.assert_array_equal(before.correct, after.correct)
