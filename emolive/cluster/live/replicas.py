"""Classifiers that several workers share, so that batches grow across them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from types import ModuleType
from typing import Any, cast

from emolive.cluster.parcels import ModelParcel, unpacked
from emolive.cluster.ray_runtime import MODELS, own_folder
from emolive.errors import EmoliveError, ModelError
from emolive.features import Windows
from emolive.i18n import tr
from emolive.inference.batching import BatchingClassifier
from emolive.inference.loading import load_classifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.providers import Requested
from emolive.types import ModelOutput

_log = logging.getLogger(__name__)

MAX_BATCH = 64
# Longer than this no answer is worth anything live.
_ANSWER_WITHIN_S = 5.0
_START_WITHIN_S = 180.0
_LOAD_WITHIN_S = 30.0
_SCALE_EVERY_S = 3.0


class Replica:
    """The actor: one model; windows of whoever calls meanwhile are classified together."""

    def __init__(self, model: ModelParcel, provider: str) -> None:
        """Load the model.

        Raises:
            EmoliveError: it cannot be used.
        """
        with ExitStack() as files:
            path = unpacked(model, files.enter_context(own_folder(MODELS)))
            self._classifier = load_classifier(path, cast(Requested, provider))
            self._files = files.pop_all()
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

    def leave(self) -> None:
        """It is about to be ended: leave nothing behind."""
        self._files.close()


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
            self.provider: str = tr("{provider}, in the cluster", provider=about[1])
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
                _log.warning("A classifier of the cluster does not answer", exc_info=True)
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


class ReplicaSet:
    """The replicas of a fleet: as many as the load wants, `least` to `most` (0: none)."""

    def __init__(
        self,
        ray: ModuleType,
        model: Any,
        provider: str,
        least: int,
        most: int,
    ) -> None:
        """`model`: Ray's reference to the parcel. Nothing runs before `start`."""
        self._ray = ray
        self._model = model
        self._provider = provider
        self._least, self._most = least, most
        self.handles: list[Any] = []
        cpus = ray.cluster_resources().get("CPU", 1.0)
        # As many whole cores as there are, and where they are too few, parts of them.
        self._cpus = 1.0
        if most and cpus < most + 1:
            self._cpus = int(50 * cpus / most) / 100

    @property
    def cores(self) -> float:
        """Cores that the most of them take."""
        return self._most * self._cpus

    def start(self) -> None:
        """Start the least."""
        self.handles += [self._new() for _ in range(self._least)]

    def scale(
        self, ending: threading.Event, idle: Callable[[], bool], use: Callable[[list[Any]], None]
    ) -> None:
        """Until it ends: start and end some with the load, unless `idle`; `use` tells of them."""
        ray = self._ray
        while self._most and not ending.wait(_SCALE_EVERY_S):
            if idle():
                continue
            try:
                loads: Sequence[float] = ray.get(
                    [handle.load.remote() for handle in self.handles], timeout=_LOAD_WITHIN_S
                )
            except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError):
                continue  # Ray starts it again
            number = wanted(len(self.handles), loads, self._least, self._most)
            if number > len(self.handles):
                new = self._new()
                # Workers are told of it once it answers: the cluster may have no room for it.
                if not ray.wait([new.about.remote()], timeout=_START_WITHIN_S)[0]:
                    ray.kill(new)
                    continue
                self.handles.append(new)
                use(list(self.handles))
            elif number < len(self.handles):
                left = self.handles.pop()
                use(list(self.handles))
                if not ending.wait(_SCALE_EVERY_S):
                    self._end(left)

    def close(self) -> None:
        """End all of them."""
        for handle in self.handles:
            self._end(handle)

    def _new(self) -> Any:
        gpu = self._ray.cluster_resources().get("GPU", 0) > 0 and self._provider != "cpu"
        actor = self._ray.remote(Replica).options(
            num_cpus=self._cpus,
            num_gpus=1 if gpu else 0,
            max_concurrency=64,
            max_restarts=-1,
        )
        return actor.remote(self._model, self._provider if gpu else "cpu")

    def _end(self, handle: Any) -> None:
        self._ray.wait([handle.leave.remote()], timeout=_ANSWER_WITHIN_S)
        self._ray.kill(handle)
