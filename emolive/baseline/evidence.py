"""What is known of a model's answers to one source: a bounded, weighted sample of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolive.baseline.expected import ExpectedMix
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

    `logs` are log-probabilities, ``(n, n_classes)``, at least one row; `weights` of the rows,
    ``(n,)``, not all 0; `mix` the expected shares, ``(n_classes,)``, all above 0.
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


# Rows of a profile: the mean of a class is known to about 1.5 points.
CAPACITY = 1024
# One session counts as so much at most: its minutes say the same again and again.
SESSION_MINUTES = 10.0
# What was heard fades by this time constant, in minutes of later speech.
FORGET_MINUTES = 600.0
# Half of the full strength is reached with so many minutes.
HALF_MINUTES = 10.0
MOST_STRENGTH = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A sample of answers and how many minutes of speech each stands for.

    ``logs`` are natural logarithms of raw probabilities, float32 ``(n, n_classes)``, in no order;
    ``weights`` minutes, float64 ``(n,)``.
    """

    logs: FloatArray
    weights: Floats

    @classmethod
    def none(cls, n_classes: int) -> Evidence:
        """Nothing yet."""
        return cls(np.empty((0, n_classes), np.float32), np.empty(0))

    @property
    def minutes(self) -> float:
        """Of speech, as far as it counts and was not forgotten."""
        return float(self.weights.sum())

    def strength(self, half_minutes: float = HALF_MINUTES) -> float:
        """How much of the vector is used: from 0 without evidence to `MOST_STRENGTH`."""
        return MOST_STRENGTH * self.minutes / (self.minutes + half_minutes)

    def joined(self, other: Evidence) -> Evidence:
        """Both together."""
        return Evidence(
            np.concatenate([self.logs, other.logs]),
            np.concatenate([self.weights, other.weights]),
        )

    def times(self, factor: float) -> Evidence:
        """The same, counting less or more."""
        return Evidence(self.logs, factor * self.weights)

    def after(self, session: Evidence) -> Evidence:
        """This past with another session behind it: faded a little, and not beyond `CAPACITY`."""
        return self.times(math.exp(-session.minutes / FORGET_MINUTES)).joined(session).thinned()

    def thinned(self) -> Evidence:
        """At most `CAPACITY` rows, drawn in proportion to their weights, evenly spread."""
        if len(self.logs) <= CAPACITY:
            return self
        ends = np.cumsum(self.weights)
        step = ends[-1] / CAPACITY
        drawn = np.searchsorted(ends, (np.arange(CAPACITY) + 0.5) * step)
        return Evidence(self.logs[drawn], np.full(CAPACITY, step))

    def vector(
        self,
        expected: ExpectedMix,
        labels: tuple[str, ...],
        half_minutes: float = HALF_MINUTES,
    ) -> Floats:
        """What is added to log-probabilities, float64 ``(n_classes,)``: zeros without evidence."""
        if self.minutes <= 0:
            return np.zeros(len(labels))
        full = mix_vector(self.logs, self.weights, expected.shares(labels))
        return self.strength(half_minutes) * full


class SessionEvidence:
    """A session's own answers while it goes on. One thread owns it.

    Size: half of `CAPACITY` rows. Overflow policy: each answer of the session is as likely as any
    other to be among them.
    """

    def __init__(self, n_classes: int) -> None:
        self._logs = np.empty((CAPACITY // 2, n_classes), np.float32)
        self._seen = 0
        self.seconds = 0.0
        self._random = np.random.default_rng(0)

    def add(self, probabilities: FloatArray, seconds: float) -> None:
        """Enter a raw answer ``(n_classes,)`` that speaks for so many seconds of speech.

        One that holds what is no number says nothing.
        """
        if not np.isfinite(probabilities).all():
            return
        self.seconds += seconds
        self._seen += 1
        place = self._seen - 1
        if self._seen > len(self._logs):
            place = int(self._random.integers(self._seen))
        if place < len(self._logs):
            self._logs[place] = log_probabilities(probabilities)

    def evidence(self) -> Evidence:
        """As far as it counts."""
        rows = self._logs[: self._seen].copy()
        minutes = min(self.seconds / 60, SESSION_MINUTES)
        return Evidence(rows, np.full(len(rows), minutes / max(1, len(rows))))
