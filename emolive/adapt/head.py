"""What is learned: a linear layer on a base model's features, as sure as the labels allow.

A regularised logistic regression (balanced classes, standardised features) is mixed with the base
model's own answer; both are linear in the features, so the mixture is one layer. How much of either
and how strict the regularisation is, cross-validation inside the labels says: from a few labels
little is learned, and the layer stays near the base. Where it is not plain that learning helps, it
is the base: wrong labels, or too few, cost the gain and nothing else.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emolive.adapt.examples import Examples
from emolive.errors import EmoliveError
from emolive.extras import way_to_get

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Inverse strength of the penalty, and the share of the base's own answer.
_PENALTIES = (0.003, 0.02, 0.1)
_SHARES = (0.0, 0.3, 0.6, 1.0)
_INNER_FOLDS = 4
# How sure it must be that what was learned loses less, and recognises more, than the base.
_SURE, _LIKELY = 0.975, 0.85
_FEWEST_UNITS = 6
_TEMPERATURES = np.exp(np.linspace(-2.5, 2.5, 51))
_MOST_STEPS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Logits are ``features @ weights.T + bias``; `weights` ``(n_classes, n_features)``.

    `held_out` is how it did on the inner folds, at its temperature (None: there were none).
    """

    weights: Floats
    bias: Floats
    temperature: float
    held_out: Trial | None = None

    def probabilities(self, examples: Examples) -> Floats:
        """Calibrated, ``(n, n_classes)``."""
        logits = examples.features.astype(np.float64) @ self.weights.T + self.bias
        return softmax(logits / self.temperature)


@dataclass(frozen=True, slots=True)
class _Recipe:
    penalty: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Negative log-likelihoods of examples at the best temperature, and their balanced mean.

    `right` tells which of them are answered rightly, `confidence` how sure it was, `weight` what
    each counts.
    """

    loss: float
    losses: Floats
    right: Floats
    confidence: Floats
    weight: Floats
    temperature: float

    @classmethod
    def of(cls, logits: Floats, examples: Examples, *, doubt: bool = False) -> Trial:
        """At the temperature that loses least.

        With `doubt` as if one more of each class had been answered wrongly (Platt 1999): where none
        was, it would be sure of everything, and so of what it never heard.
        """
        weight = balanced_weight(examples)
        rows, n_classes = np.arange(len(logits)), logits.shape[1]
        right = (logits.argmax(axis=1) == examples.target).astype(np.float64)
        wrong = doubt / (np.bincount(examples.target, minlength=n_classes)[examples.target] + 2.0)

        def at(temperature: float) -> tuple[float, Trial]:
            shares = softmax(logits / temperature)
            surprise = -np.log(np.maximum(shares, 1e-9))
            losses = surprise[rows, examples.target]
            others = (surprise.sum(axis=1) - losses) / max(1, n_classes - 1)
            loss = float((weight * losses).sum())
            trial = cls(loss, losses, right, shares.max(axis=1), weight, temperature)
            return float((weight * ((1 - wrong) * losses + wrong * others)).sum()), trial

        return min((at(float(t)) for t in _TEMPERATURES), key=lambda tried: tried[0])[1]


def check_installed() -> None:
    """Raises EmoliveError unless scikit-learn is there, with the way to get it."""
    try:
        import sklearn.linear_model  # noqa: F401
    except ImportError as error:
        raise EmoliveError(
            "Teaching a model needs an extra: {way}. Models that were taught run without it.",
            way=way_to_get("adapt"),
        ) from error


def fit_head(examples: Examples, *, seed: int = 0) -> Head:
    """Learn from examples of at least two classes.

    Of all ways of learning whose loss on the inner folds is within one standard error of the least
    (Breiman et al. 1984), the one that keeps most of the base's answer is taken; the base itself
    unless that one loses less and recognises more, beyond what chance does.
    """
    from threadpoolctl import threadpool_limits

    # Matrices this small are slower on several threads, by far where others work, too.
    with threadpool_limits(1):
        return _fitted(examples, seed)


def _fitted(examples: Examples, seed: int) -> Head:
    tried: dict[_Recipe, Trial] = {}
    answers: dict[_Recipe, Floats] = {}
    inner = list(folds(examples, _INNER_FOLDS, seed=seed + 1))
    base = base_weights(examples)
    if not inner:  # too little to choose anything by
        share = 0.0 if base is None else 1.0
        return Head(*_mixed(_regression(examples, _PENALTIES[0]), base, share), 1.0)
    for penalty in _PENALTIES:
        learned = [(_regression(examples[train], penalty), examples[test]) for train, test in inner]
        for share in _SHARES if base is not None else (0.0,):
            logits = np.concatenate([_logits(_mixed(fit, base, share), test)
                                     for fit, test in learned])  # fmt: skip
            asked = np.concatenate([test for _, test in inner])
            recipe = _Recipe(penalty, share)
            tried[recipe], answers[recipe] = Trial.of(logits, examples[asked]), logits
    best = _nearest_to_base(tried, judged := examples[asked])
    own = _Recipe(best.penalty, 1.0)
    if base is not None and not _plainly_better(tried[best], tried[own], judged):
        best = own
    weights, bias = _mixed(_regression(examples, best.penalty), base, best.share)
    held_out = Trial.of(answers[best], judged, doubt=True)
    return Head(weights, bias, held_out.temperature, held_out)


def base_head(examples: Examples) -> Head | None:
    """The base model as a head that answers with the examples' labels alone.

    None where it does not know them all.
    """
    base = base_weights(examples)
    return None if base is None else Head(base, np.zeros(len(base)), 1.0)


def base_weights(examples: Examples) -> Floats | None:
    """The layer whose logits are the base's log-probabilities, if it knows all labels."""
    if set(examples.labels) - set(examples.base_labels):
        return None
    n_features, n_base = examples.features.shape[1], len(examples.base_labels)
    weights = np.zeros((len(examples.labels), n_features))
    for row, label in enumerate(examples.labels):
        weights[row, n_features - n_base + examples.base_labels.index(label)] = 1.0
    return weights


def folds(examples: Examples, n: int, *, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows to learn from and rows to judge by, each row judged once.

    No group is on both sides where every class has at least two groups; otherwise no stretch.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if np.bincount(examples.target).max() < 2:
        return
    units = examples.group if is_grouped(examples) else examples.clip
    fewest = min(
        len(np.unique(units[examples.target == target])) for target in np.unique(examples.target)
    )
    n = max(2, min(n, fewest))
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # of a class that one fold lacks, which is allowed for
        warnings.simplefilter("ignore", UserWarning)
        divided = list(splitter.split(examples.features, examples.target, units))
    for train, test in divided:
        if len(np.unique(examples.target[train])) > 1 and len(test):
            yield train, test


def is_grouped(examples: Examples) -> bool:
    """Whether every class has at least two groups, so that groups can be kept apart."""
    return all(
        len(np.unique(examples.group[examples.target == target])) > 1
        for target in np.unique(examples.target)
    )


def softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Floats = exponents / exponents.sum(axis=-1, keepdims=True)
    return probabilities


def balanced_weight(examples: Examples) -> Floats:
    """Weights that give each class the same say, and each stretch of a class."""
    sums = np.bincount(examples.target, examples.weight, len(examples.labels))
    weight = examples.weight / sums[examples.target]
    balanced: Floats = weight / weight.sum()
    return balanced


def _nearest_to_base(tried: dict[_Recipe, Trial], judged: Examples) -> _Recipe:
    best = min(tried.values(), key=lambda trial: trial.loss)

    def as_good(trial: Trial) -> bool:
        worse, error, _ = _mean_and_error(trial.losses - best.losses, judged)
        return worse <= error + 1e-12

    good = [recipe for recipe, trial in tried.items() if as_good(trial)]
    share = max(recipe.share for recipe in good)
    return min(
        (recipe for recipe in good if recipe.share == share), key=lambda recipe: tried[recipe].loss
    )


def _plainly_better(learned: Trial, base: Trial, judged: Examples) -> bool:
    """Whether what was learned loses less than the base, and recognises more.

    Both in so many units (speakers, or stretches) that it is hardly chance.
    """
    from scipy.stats import t

    less, loss_error, units = _mean_and_error(base.losses - learned.losses, judged)
    more, error, _ = _mean_and_error(learned.right - base.right, judged)
    sure, likely = (float(t.ppf(share, max(1, units - 1))) for share in (_SURE, _LIKELY))
    return less > sure * loss_error and more > likely * error


def _mean_and_error(values: Floats, judged: Examples) -> tuple[float, float, int]:
    """The balanced mean, its standard error over independent units, and how many there are.

    Units are groups where these are kept apart, and there are not just a few; otherwise stretches.
    """
    weight = balanced_weight(judged)
    mean = float((weight * values).sum())
    groups = is_grouped(judged) and len(np.unique(judged.group)) >= _FEWEST_UNITS
    _, unit = np.unique(judged.group if groups else judged.clip, return_inverse=True)
    deviations = np.bincount(unit, weight * (values - mean))
    return mean, float(np.sqrt((deviations**2).sum())), len(deviations)


def _regression(examples: Examples, penalty: float) -> tuple[Floats, Floats]:
    """A logistic regression's layer, for features that are not standardised."""
    from sklearn.linear_model import LogisticRegression

    x = examples.features.astype(np.float64)
    weight = balanced_weight(examples) * len(examples)
    mean = np.average(x, axis=0, weights=weight)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    spread[spread < 1e-6] = 1.0
    model: Any = LogisticRegression(C=penalty, max_iter=_MOST_STEPS)
    model.fit((x - mean) / spread, examples.target, weight)
    learned, bias = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if len(model.classes_) == 2:  # one row stands for both
        learned, bias = np.stack((-learned[0], learned[0])) / 2, np.array([-bias[0], bias[0]]) / 2
    n = len(examples.labels)
    # A fold may lack a class, which is then as good as excluded.
    weights, offsets = np.zeros((n, x.shape[1])), np.full(n, float(bias.min()) - 10.0)
    weights[model.classes_] = learned / spread
    offsets[model.classes_] = bias - (learned / spread) @ mean
    return weights, offsets


def _mixed(
    learned: tuple[Floats, Floats], base: Floats | None, share: float
) -> tuple[Floats, Floats]:
    weights, bias = learned
    if base is None:
        return weights, bias
    return (1 - share) * weights + share * base, (1 - share) * bias


def _logits(layer: tuple[Floats, Floats], examples: Examples) -> Floats:
    weights, bias = layer
    logits: Floats = examples.features.astype(np.float64) @ weights.T + bias
    return logits
