"""What it takes to teach a model, and what the result costs per window, measured."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from emolive.adapt.examples import Examples
from emolive.adapt.head import fit_head
from emolive.adapt.judging import cross_validated, judge
from emolive.bench.stages import Timing
from emolive.i18n import mark
from emolive.inference.adapted import features_of, n_features
from emolive.inference.classifier import Classifier
from emolive.types import ModelOutput

_SPEAKERS = 20


@dataclass(frozen=True, slots=True)
class TeachingTiming:
    """`learning_s` learns from `labels` labels, `judging_s` cross-validates and judges.

    `window` is the base model's time for a window, `layer` what an adapted model adds to it.
    """

    labels: int
    classes: int
    features: int
    learning_s: float
    judging_s: float
    window: Timing
    layer: Timing

    @property
    def added(self) -> float:
        """What an adapted model adds, as a share of the base model's time."""
        return self.layer.median_ms / self.window.median_ms


def time_teaching(
    classifier: Classifier, labels: int = 1_000, *, repeats: int = 100
) -> TeachingTiming:
    """Teach with `labels` made-up labels of this model's size; half of each class is told apart."""
    examples = _made_up(classifier, labels)
    begin = time.perf_counter()
    head = fit_head(examples)
    learned = time.perf_counter()
    judge(cross_validated(examples))
    judged = time.perf_counter()
    metadata = classifier.metadata
    window = np.random.default_rng(0).normal(size=(1, *metadata.window_shape)).astype(np.float32)
    weights, bias = head.weights.T.astype(np.float32), head.bias.astype(np.float32)
    base: list[float] = []
    layer: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        output: ModelOutput = classifier.predict(window)
        answered = time.perf_counter()
        _ = features_of(output, metadata.temperature) @ weights + bias
        layer.append(1e3 * (time.perf_counter() - answered))
        base.append(1e3 * (answered - start))
    return TeachingTiming(
        labels,
        len(examples.labels),
        examples.features.shape[1],
        learned - begin,
        judged - learned,
        Timing.of(mark("a window through the base model"), base),
        Timing.of(mark("what a taught model adds"), layer),
    )


def _made_up(classifier: Classifier, n: int) -> Examples:
    metadata = classifier.metadata
    random = np.random.default_rng(0)
    size, classes = n_features(metadata), len(metadata.labels)
    target = np.arange(n) % classes
    features = random.normal(size=(n, size)) + 0.2 * random.normal(size=(classes, size))[target]
    logs = features[:, -classes:]
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    return Examples(
        metadata.labels,
        metadata.labels,
        features.astype(np.float32),
        target,
        random.integers(0, _SPEAKERS, n),
        np.arange(n),
        np.ones(n),
        known=True,
    )
