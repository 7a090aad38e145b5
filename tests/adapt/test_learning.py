"""What is learned from labels, and how it is judged, on data whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emolive.adapt.examples import Examples
from emolive.adapt.head import base_head, fit_head, folds
from emolive.adapt.judging import (
    abstention_threshold,
    cross_validated,
    gain_of_twice,
    judge,
    more_labels,
    too_few,
)
from tests.adapt.taught import clouds


def recall(examples: Examples, probabilities: np.ndarray) -> float:
    right = probabilities.argmax(1) == examples.target
    return float(np.mean([right[examples.target == i].mean() for i in range(3)]))


def noisy(examples: Examples, share: float, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    target = examples.target.copy()
    rows = random.permutation(len(target))[: round(share * len(target))]
    target[rows] = (target[rows] + random.integers(1, 3, len(rows))) % 3
    return replace(examples, target=target)


def test_what_the_embedding_tells_is_learned_and_shown_to_be_better() -> None:
    examples = clouds(30, distance=0.7)
    judged = judge(cross_validated(examples))
    assert judged.verdict == "better"
    assert 0 < judged.low < judged.gain < judged.high
    assert judged.grouped
    assert not judged.more
    # What it promises it keeps on new ones.
    new = clouds(400, distance=0.7, seed=5)
    head, base = fit_head(examples), base_head(examples)
    assert base is not None
    gain = recall(new, head.probabilities(new)) - recall(new, base.probabilities(new))
    assert judged.low < gain < judged.high


@pytest.mark.parametrize("per_class", [3, 10, 40])
def test_where_there_is_nothing_to_learn_it_is_not_called_better(per_class: int) -> None:
    for seed in range(3):
        examples = clouds(per_class, distance=0.0, base_right=0.7, seed=seed)
        judged = judge(cross_validated(examples))
        assert judged.verdict != "better"
        assert sum(judged.more.values()) > 0 or per_class >= 10


@pytest.mark.parametrize("distance", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("per_class", [5, 20])
def test_a_fifth_of_wrong_labels_leaves_it_no_worse_than_the_base(
    distance: float, per_class: int
) -> None:
    new = clouds(400, distance=distance, base_right=0.6, seed=50)
    gains = []
    for seed in range(6):
        examples = noisy(clouds(per_class, distance=distance, base_right=0.6, seed=seed), 0.2, seed)
        base = base_head(examples)
        assert base is not None
        found = fit_head(examples).probabilities(new)
        gains.append(recall(new, found) - recall(new, base.probabilities(new)))
    assert np.mean(gains) >= -0.005  # on 1,200 new ones


def test_it_is_calibrated() -> None:
    judged = judge(cross_validated(clouds(60, distance=0.5)))
    assert judged.ece < 0.12


def test_labels_that_are_told_apart_without_a_mistake_make_it_sure_within_reason() -> None:
    head = fit_head(clouds(12, distance=6.0))
    assert head.held_out is not None
    assert head.held_out.right.all()
    assert abstention_threshold(head.held_out, right=0.8, coverage=0.4) < 0.95
    assert 0.8 < head.held_out.confidence.mean() < 0.99  # of 36 answers none was wrong


@pytest.mark.parametrize(("distance", "at_least"), [(0.9, 0.85), (0.5, 0.45), (0.0, 0.25)])
def test_what_it_learned_well_is_decided(distance: float, at_least: float) -> None:
    """A cautious base must not make a model that knows its voices say "uncertain"."""
    head, new = fit_head(clouds(40, distance=distance)), clouds(300, distance=distance, seed=7)
    threshold = abstention_threshold(head.held_out, right=0.8, coverage=0.4)
    answers = head.probabilities(new)
    decided = answers.max(1) >= threshold
    assert decided.mean() >= at_least
    right = (answers.argmax(1) == new.target)[decided]
    assert right.mean() > 0.7 or decided.mean() < 0.6


def test_no_speaker_is_on_both_sides_of_a_fold() -> None:
    examples = clouds(20, distance=0.5)
    judged = np.zeros(len(examples))
    for train, test in folds(examples, 5, seed=0):
        assert not set(examples.group[train]) & set(examples.group[test])
        judged[test] += 1
    assert (judged == 1).all()


def test_a_class_of_one_speaker_alone_is_judged_by_stretches_and_that_is_said() -> None:
    examples = clouds(20, distance=0.5)
    examples = replace(examples, group=np.where(examples.target == 0, 0, examples.group + 1))
    judged = judge(cross_validated(examples))
    assert not judged.grouped
    for train, test in folds(examples, 5, seed=0):
        assert not set(examples.clip[train]) & set(examples.clip[test])


def test_labels_that_the_base_does_not_know_are_compared_with_guessing() -> None:
    examples = replace(clouds(20, distance=0.7), labels=("a", "confident", "hesitant"))
    judged = judge(cross_validated(examples))
    assert judged.guessing
    assert judged.base_uar == pytest.approx(1 / 3)
    assert judged.verdict == "better"
    assert all(one.base is None for one in judged.classes)


@pytest.mark.parametrize("per_class", [1, 2, 3])
def test_the_fewest_labels_stay_near_the_base(per_class: int) -> None:
    new = clouds(200, distance=0.3, seed=9)
    gains = []
    for seed in range(8):
        examples = clouds(per_class, distance=0.3, groups=2, seed=seed)
        head, base = fit_head(examples), base_head(examples)
        assert base is not None
        gains.append(recall(new, head.probabilities(new)) - recall(new, base.probabilities(new)))
    assert np.mean(gains) > -0.1  # so few cannot tell more
    one_speaker = replace(examples, group=np.zeros_like(examples.group))
    assert np.isfinite(fit_head(one_speaker).weights).all()


def test_what_more_labels_would_gain_goes_by_what_half_of_them_gain() -> None:
    growing = clouds(12, distance=0.7)
    judged = judge(cross_validated(growing))
    twice = gain_of_twice(growing, judged)
    assert twice is not None
    assert judged.gain <= twice < 1
    known = clouds(12, distance=0.0, base_right=0.9)
    judged = judge(cross_validated(known))
    assert gain_of_twice(known, judged) == pytest.approx(judged.gain, abs=0.02)
    assert gain_of_twice(clouds(5, distance=0.7), judged) is None


def test_two_classes() -> None:
    examples = clouds(20, distance=0.7, classes=2)
    head = fit_head(examples)
    probabilities = head.probabilities(examples)
    assert probabilities.shape == (40, 2)
    assert (probabilities.argmax(1) == examples.target).mean() > 0.8


def test_windows_of_one_stretch_count_as_one() -> None:
    """A long stretch must not outvote many short ones."""
    examples = clouds(20, distance=0.5)
    rows = np.concatenate((np.arange(len(examples)), np.zeros(30, np.int64)))
    repeated = examples[rows]
    weight = np.where(rows == 0, 1 / 31, 1.0)
    probabilities = fit_head(replace(repeated, weight=weight)).probabilities(examples)
    assert np.abs(probabilities - fit_head(examples).probabilities(examples)).max() < 0.25


def test_how_many_more_labels_are_needed() -> None:
    assert too_few({"a": 1, "b": 3}) == {"a": 2}
    assert more_labels({"a": 4, "b": 12}, 0.0, 0.1, "not shown") == {"a": 6}
    # Twice as wide as the gain: four times as many.
    more = more_labels({"a": 10, "b": 10}, 0.05, 0.1, "not shown")
    assert 35 <= more["a"] <= 45
    assert more_labels({"a": 4, "b": 12}, 0.2, 0.1, "better") == {}
