"""One model for several threads: their windows classified together, or each in its turn."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from emolive.features import CutWindows, Windows
from emolive.inference.classifier import Classifier, WrappedClassifier
from emolive.types import ModelOutput

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Request:
    windows: Windows
    output: Future[ModelOutput] = field(default_factory=Future)


class BatchingClassifier(WrappedClassifier):
    """A classifier that any number of threads may call at once.

    A thread of its own runs the model on whatever requests have come in while it was busy, up to
    `max_batch` windows together (a request is never divided). So batches grow with the load, and
    nobody waits for a batch to fill. At most one request per calling thread waits. `close` ends the
    thread and leaves the model to its owner.
    """

    def __init__(self, classifier: Classifier, max_batch: int) -> None:
        """Share `classifier`, which nobody else may use meanwhile."""
        if max_batch < 1:
            raise ValueError(f"max_batch must be positive, not {max_batch}")
        super().__init__(classifier)
        self._max_batch = max_batch
        self._requests: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="emolive batches", daemon=True)
        self._thread.start()

    def predict(self, windows: Windows) -> ModelOutput:
        """See `Classifier.predict`.

        Raises:
            ModelError: the model failed; everyone whose windows were in the batch is told.
            RuntimeError: closed.
        """
        request = _Request(windows)
        with self._changed:
            if self._closed:
                raise RuntimeError("the classifier is closed")
            self._requests.append(request)
            self._changed.notify()
        return request.output.result()

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        while batch := self._take():
            try:
                output = self._classifier.predict(_joined([r.windows for r in batch]))
            except Exception as error:
                _log.exception("A batch of windows was not answered")
                for request in batch:
                    request.output.set_exception(error)
                continue
            begin = 0
            for request in batch:
                end = begin + len(request.windows)
                request.output.set_result(output[begin:end])
                begin = end

    def _take(self) -> list[_Request]:
        """The next requests, waiting for some; none once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._requests or self._closed)
            taken: list[_Request] = []
            room = self._max_batch
            while self._requests and (not taken or len(self._requests[0].windows) <= room):
                taken.append(self._requests.popleft())
                room -= len(taken[-1].windows)
            return taken


def _joined(parts: Sequence[Windows]) -> Windows:
    """One batch; windows stay with their sound where all have one."""
    cut = [part for part in parts if isinstance(part, CutWindows)]
    if len(cut) == len(parts):
        return CutWindows.joined(cut)
    return np.concatenate([np.asarray(part) for part in parts])


class OneAtATime(WrappedClassifier):
    """Passes on to a classifier; `predict` waits while another thread is in it."""

    def __init__(self, classifier: Classifier) -> None:
        """Guard `classifier`, which stays its owner's to close."""
        super().__init__(classifier)
        self._lock = threading.Lock()

    def predict(self, windows: Windows) -> ModelOutput:
        """See `Classifier.predict`."""
        with self._lock:
            return self._classifier.predict(windows)

    def close(self) -> None:
        """Leave the model to its owner."""
