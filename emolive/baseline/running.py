"""One stream's baseline while it is listened to."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Protocol

from emolive.baseline.evidence import (
    HALF_MINUTES,
    SESSION_MINUTES,
    Evidence,
    Floats,
    SessionEvidence,
    moved,
)
from emolive.baseline.expected import ExpectedMix
from emolive.types import Baseline, FloatArray

# Speech after which what the session itself brought is looked at again.
_REFRESH_S = 60.0


class StreamBaseline(Protocol):
    """What stands between a model's answers and the decision."""

    @property
    def told(self) -> Baseline:
        """What is in force, for people."""

    def adjust(self, probabilities: FloatArray, seconds: float) -> FloatArray:
        """An answer as it is meant for this source.

        `probabilities` are raw, float32 ``(n_classes,)``; `seconds` are of speech since the answer
        before.
        """


class FixedBaseline:
    """One vector for everything."""

    def __init__(self, vector: Floats, told: Baseline) -> None:
        """`vector` is added to log-probabilities, ``(n_classes,)``."""
        self.told = told
        self.vector = vector

    def adjust(self, probabilities: FloatArray, seconds: float) -> FloatArray:  # noqa: ARG002
        """An answer as it is meant for this source."""
        return moved(probabilities, self.vector)


class RunningBaseline:
    """Begins with what earlier sessions left, and takes in its own.

    What it takes in counts less, the more of the past is known, so that a call that is angry
    throughout stays angry. One thread adjusts; `session` may be asked by any.
    """

    def __init__(
        self, source: str, past: Evidence, sessions: int, expected: ExpectedMix,
        labels: tuple[str, ...],
    ) -> None:  # fmt: skip
        """`past` are `sessions` sessions of the source that is called `source`."""
        self._source = source
        self._past = past
        self._sessions = sessions
        self._expected = expected
        self._labels = labels
        self._own = SessionEvidence(len(labels))
        self._lock = threading.Lock()
        self._refresh(Evidence.none(len(labels)))

    def adjust(self, probabilities: FloatArray, seconds: float) -> FloatArray:
        """An answer as it is meant for this source."""
        with self._lock:
            self._own.add(probabilities, seconds)
        if self._own.seconds - self._refreshed_s >= _REFRESH_S:
            self._refresh(self.session())
        return moved(probabilities, self._vector)

    @property
    def heard_minutes(self) -> float:
        """Speech of this session, whether it counts or not."""
        return self._own.seconds / 60

    def session(self) -> Evidence:
        """What this session brought so far."""
        with self._lock:
            return self._own.evidence()

    def _refresh(self, own: Evidence) -> None:
        self._refreshed_s = self._own.seconds
        known = self._past.joined(own.times(1 / (1 + self._past.minutes / SESSION_MINUTES)))
        self._vector = known.vector(self._expected, self._labels)
        self.told = Baseline(
            self._source, known.minutes, self._sessions, known.strength(), self._expected.neutral
        )


def pooled_baseline(
    source: str, parts: Iterable[tuple[Evidence, int]], expected: ExpectedMix,
    labels: tuple[str, ...], half_minutes: float = HALF_MINUTES,
) -> FixedBaseline:  # fmt: skip
    """What `parts` (evidence, and of how many sessions it is) say together of `source`.

    `half_minutes` of speech give half of the full strength.
    """
    known, sessions = Evidence.none(len(labels)), 0
    for evidence, count in parts:
        known = known.joined(evidence).thinned()
        sessions += count
    told = Baseline(source, known.minutes, sessions, known.strength(half_minutes), expected.neutral)
    return FixedBaseline(known.vector(expected, labels, half_minutes), told)
