"""Classifiers that several workers share, so that batches grow across them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, cast

from emolive.errors import EmoliveError, ModelError
from emolive.features import Windows
from emolive.inference.batching import BatchingClassifier
from emolive.inference.loading import load_classifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.providers import Requested
from emolive.types import ModelOutput

_log = logging.getLogger(__name__)

MAX_BATCH = 64
# Longer than this no answer is worth anything live.
_ANSWER_WITHIN_S = 5.0


class Replica:
    """The actor: one model; windows of whoever calls meanwhile are classified together."""

    def __init__(self, model: Path | None, provider: str) -> None:
        """Load the model.

        Raises:
            EmoliveError: it cannot be used.
        """
        self._classifier = load_classifier(model, cast(Requested, provider))
        self._batches = BatchingClassifier(self._classifier, MAX_BATCH)
        self._busy_s = 0.0
        self._lock = threading.Lock()
        self._asked_at = time.monotonic()

    def about(self) -> tuple[ModelMetadata, str, str | None]:
        """The model, its processor, and what is to be said about that."""
        return (
            self._classifier.metadata, self._classifier.provider, self._classifier.provider_note
        )  # fmt: skip

    def predict(self, windows: Windows) -> ModelOutput:
        """Classify windows, float32 ``(batch, *window_shape)``."""
        begin = time.monotonic()
        output = self._batches.predict(windows)
        with self._lock:
            self._busy_s += time.monotonic() - begin
        return output

    def load(self) -> float:
        """How many requests were in work on average since the last time."""
        now = time.monotonic()
        with self._lock:
            busy, self._busy_s = self._busy_s, 0.0
            elapsed, self._asked_at = now - self._asked_at, now
        return busy / elapsed if elapsed > 0 else 0.0


class Replicas:
    """The handles that a worker may use, which may change at any time."""

    def __init__(self, handles: Sequence[Any]) -> None:
        self._handles = tuple(handles)
        self._turn = count()

    def __bool__(self) -> bool:
        return bool(self._handles)

    def use(self, handles: Sequence[Any]) -> None:
        """Use these from now on."""
        self._handles = tuple(handles)

    def in_turn(self) -> tuple[Any, ...]:
        """All of them, each call beginning with another."""
        handles = self._handles
        if not handles:
            return ()
        first = next(self._turn) % len(handles)
        return handles[first:] + handles[:first]


class RemoteClassifier:
    """A `Classifier` whose work is done by replicas; one that is lost is passed over."""

    def __init__(self, replicas: Replicas) -> None:
        """Ask them what they run.

        Raises:
            EmoliveError: none of them answers.
        """
        import ray

        self._ray = ray
        self._replicas = replicas
        for handle in replicas.in_turn():
            try:
                about = ray.get(handle.about.remote())
            except ray.exceptions.RayError:
                continue
            self.metadata: ModelMetadata = about[0]
            # Not its own, so that one of its own can take over.
            self.provider: str = f"{about[1]}, in the cluster"
            self.provider_note: str | None = about[2]
            return
        raise EmoliveError("No classifier of the cluster answers: look whether its machines run.")

    def predict(self, windows: Windows) -> ModelOutput:
        """Classify windows, float32 ``(batch, *metadata.window_shape)``.

        Raises:
            ModelError: no replica is left.
        """
        exceptions = self._ray.exceptions
        for handle in self._replicas.in_turn():
            try:
                output: ModelOutput = self._ray.get(
                    handle.predict.remote(windows), timeout=_ANSWER_WITHIN_S
                )
            except exceptions.RayTaskError as error:
                raise ModelError(str(error.cause)) from error
            except (exceptions.RayError, exceptions.GetTimeoutError):
                _log.warning("A classifier of the cluster does not answer")
                continue
            return output
        raise ModelError("No classifier of the cluster answers.")

    def close(self) -> None:
        """They are not this one's to close."""


def wanted(replicas: int, loads: Sequence[float], least: int, most: int) -> int:
    """How many replicas there should be for these loads (requests in work, of each).

    One more as soon as requests have to wait for one another, one fewer when half would do.
    """
    busy = sum(loads)
    if busy > 0.7 * replicas:
        return min(most, replicas + 1)
    if replicas > least and busy < 0.3 * (replicas - 1):
        return replicas - 1
    return max(least, min(most, replicas))
