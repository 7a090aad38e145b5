"""Whether what was learned is worth using: beside the base model, on labels not learned from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emolive.adapt.examples import Examples
from emolive.adapt.head import (
    Floats,
    Ints,
    Trial,
    balanced_weight,
    base_head,
    fit_head,
    folds,
    is_grouped,
)
from emolive.inference.adapted_file import ClassScore, Judgement, Verdict

FEWEST = 3  # of a class: fewer cannot be divided into what is learned from and what is judged
ENOUGH = 10  # of a class: from here on most gains show
_FOLDS = 5
_RESAMPLES = 2_000
_MOST_MORE = 1_000
_BINS = 15


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Probabilities ``(n, n_classes)`` of every example, from folds that did not have it."""

    examples: Examples
    adapted: Floats
    base: Floats | None


def cross_validated(examples: Examples, *, share: float = 1.0) -> Answers:
    """Learn as often as there are folds, everything that is chosen being chosen inside them.

    `share` of the stretches that could be learned from are.
    """
    adapted = np.full((len(examples), len(examples.labels)), 1 / len(examples.labels))
    for train, test in folds(examples, _FOLDS, seed=0):
        rows = train if share == 1.0 else _some(examples, train, share)
        adapted[test] = fit_head(examples[rows]).probabilities(examples[test])
    base = base_head(examples)
    return Answers(examples, adapted, None if base is None else base.probabilities(examples))


def gain_of_twice(examples: Examples, judged: Judgement) -> float | None:
    """What twice as many labels would gain, going by what half of them gain; None: too few.

    A learning curve flattens: to go on as from half to all is the most that is to be expected.
    """
    if min(stretches_of(examples).values()) < 2 * FEWEST:
        return None
    half = cross_validated(examples, share=0.5)
    right = half.adapted.argmax(1) == examples.target
    uar = float((balanced_weight(examples) * right).sum())
    return judged.gain + max(0.0, judged.uar - uar)


def _some(examples: Examples, rows: Ints, share: float) -> Ints:
    """The rows of a share of each class's stretches, at least two of them."""
    random = np.random.default_rng(0)
    kept: set[int] = set()
    for target in np.unique(examples.target[rows]):
        clips = np.unique(examples.clip[rows][examples.target[rows] == target])
        kept.update(random.permutation(clips)[: max(2, round(share * len(clips)))].tolist())
    return rows[np.isin(examples.clip[rows], list(kept))]


def judge(answers: Answers) -> Judgement:
    """Scores with their intervals.

    A bootstrap over stretches, and one over speakers (or sessions) where they are known: the wider
    interval counts. Better (worse) is what is better (worse) in 97.5 of 100 resamples of both.
    """
    examples = answers.examples
    labels = examples.labels
    new = _Recalls.of(examples, answers.adapted)
    old = None if answers.base is None else _Recalls.of(examples, answers.base)
    guessed = 1 / len(labels)
    differences = [new.by_stretch - (guessed if old is None else old.by_stretch)]
    if new.by_speaker is not None:
        base: Floats | float | None = guessed if old is None else old.by_speaker
        assert base is not None
        differences.append(new.by_speaker - base)
    uar = float(new.recalls.mean())
    base_uar = guessed if old is None else float(old.recalls.mean())
    low, high = _interval([_mean(one) for one in differences])
    counts = stretches_of(examples)
    classes = []
    for i, label in enumerate(labels):
        class_low, class_high = _interval([one[:, i] for one in differences])
        classes.append(
            ClassScore(
                label=label,
                labels=counts[label],
                base=None if old is None else _share(old.recalls[i]),
                adapted=_share(new.recalls[i]),
                low=class_low,
                high=class_high,
            )
        )
    verdict: Verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    gain = uar - base_uar
    return Judgement(
        verdict=verdict,
        uar=_share(uar),
        base_uar=_share(base_uar),
        guessing=old is None,
        gain=gain,
        low=low,
        high=high,
        ece=calibration_error(answers.adapted, examples),
        base_ece=None if answers.base is None else calibration_error(answers.base, examples),
        grouped=examples.known and is_grouped(examples),
        groups=len(np.unique(examples.group)) if examples.known else 0,
        classes=tuple(classes),
        more=more_labels(counts, gain, (high - low) / 2, verdict),
    )


def stretches_of(examples: Examples) -> dict[str, int]:
    """How many labelled stretches each class has."""
    return {
        label: len(np.unique(examples.clip[examples.target == i]))
        for i, label in enumerate(examples.labels)
    }


def too_few(counts: Mapping[str, int]) -> dict[str, int]:
    """How many labels each class lacks before anything can be learned and judged."""
    return {label: FEWEST - n for label, n in counts.items() if n < FEWEST}


def more_labels(
    counts: Mapping[str, int], gain: float, half: float, verdict: Verdict
) -> dict[str, int]:
    """How many more of which class would probably settle it; none where it is settled.

    At least `ENOUGH` of each. Beyond that an interval shrinks with the square root of the number of
    labels, so that the gain that was seen would stand out of it.
    """
    wanted = ENOUGH
    if verdict != "better" and gain > 0:
        total = sum(counts.values()) * min(100.0, (1.1 * half / gain) ** 2)
        wanted = max(ENOUGH, math.ceil(total / len(counts)))
    if verdict == "better":
        wanted = 0
    return {label: min(_MOST_MORE, wanted - n) for label, n in counts.items() if wanted > n}


def calibration_error(probabilities: Floats, examples: Examples) -> float:
    """ECE (Guo et al. 2017) with equally wide bins, classes having the same say."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == examples.target
    weight = balanced_weight(examples)
    which = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [abs((weight * (right - confidence))[which == b].sum()) for b in range(_BINS)]
    return _share(float(sum(gaps)))


def abstention_threshold(held_out: Trial | None, right: float, coverage: float) -> float:
    """The least confidence of an answer: above it, `right` of the answers are right.

    Or so low that `coverage` of the answers reach it, whichever is lower: who teaches a model wants
    to see what it learned. By the head's own inner folds: those of another head have another
    temperature.
    """
    if held_out is None:
        return 0.0  # too few labels to tell
    order = np.argsort(-held_out.confidence, kind="stable")
    confidence, weight = held_out.confidence[order], held_out.weight[order]
    hits = (weight * held_out.right[order]).cumsum()
    enough = np.flatnonzero(hits >= right * weight.cumsum())
    covering = float(np.quantile(confidence, 1 - coverage))
    return min(covering, float(confidence[enough[-1]])) if len(enough) else covering


@dataclass(frozen=True, slots=True, eq=False)
class _Recalls:
    """Of each class, and of each class in every resample, ``(n_resamples, n_classes)``.

    One set of resamples draws stretches of each class, another speakers (None: they are not known,
    or only one).
    """

    recalls: Floats
    by_stretch: Floats
    by_speaker: Floats | None

    @classmethod
    def of(cls, examples: Examples, probabilities: Floats) -> _Recalls:
        hits = examples.weight * (probabilities.argmax(1) == examples.target)
        n = len(examples.labels)
        sums = np.bincount(examples.target, examples.weight, n)
        # The same draws for every set of answers, so that differences are of the same stretches.
        random = np.random.default_rng(0)
        by_stretch = np.zeros((_RESAMPLES, n))
        for target in range(n):
            rows = examples.target == target
            clips, number = np.unique(examples.clip[rows], return_inverse=True)
            drawn = _drawn(random, len(clips))
            by_stretch[:, target] = (drawn @ np.bincount(number, hits[rows])) / drawn.sum(axis=1)
        by_speaker = None
        if is_grouped(examples):
            groups, number = np.unique(examples.group, return_inverse=True)
            right, all_ = np.zeros((2, len(groups), n))
            np.add.at(right, (number, examples.target), hits)
            np.add.at(all_, (number, examples.target), examples.weight)
            drawn = _drawn(random, len(groups))
            with np.errstate(invalid="ignore"):
                by_speaker = (drawn @ right) / (drawn @ all_)
        return cls(np.bincount(examples.target, hits, n) / sums, by_stretch, by_speaker)


def _drawn(random: np.random.Generator, n: int) -> Ints:
    """How often each of `n` is drawn in each resample."""
    return random.multinomial(n, np.full(n, 1 / n), _RESAMPLES)


def _mean(differences: Floats) -> Floats:
    """Over the classes that a resample has."""
    there = np.isfinite(differences)
    sums: Floats = np.where(there, differences, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return sums


def _interval(resampled: list[Floats]) -> tuple[float, float]:
    """The widest of the middle 95 of 100."""
    bounds = [
        np.quantile(finite, (0.025, 0.975))
        for values in resampled
        if len(finite := values[np.isfinite(values)])
    ]
    return float(min(low for low, _ in bounds)), float(max(high for _, high in bounds))


def _share(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
