from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from emolive.errors import ModelError
from emolive.inference.batching import BatchingClassifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import FloatArray, ModelOutput
from tests.models import tiny_metadata

SHAPE = (128, 298)


class Slow:
    """Answers each window with its first value, once it is let go."""

    provider = "CPU"
    provider_note = None

    def __init__(self) -> None:
        self.metadata: ModelMetadata = tiny_metadata()
        self.go = threading.Event()
        self.entered = threading.Event()
        self.batches: list[int] = []

    def predict(self, windows: FloatArray) -> ModelOutput:
        self.batches.append(len(windows))
        self.entered.set()
        assert self.go.wait(60)
        if np.isnan(windows).any():
            raise ModelError("The model stopped working: start again.")
        return ModelOutput(np.repeat(windows[:, 0, :1], 8, axis=1), windows[:, 0, :2])

    def close(self) -> None:
        raise AssertionError("the model belongs to somebody else")


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def batching(slow: Slow) -> Iterator[BatchingClassifier]:
    classifier = BatchingClassifier(slow, max_batch=10)
    yield classifier
    slow.go.set()
    classifier.close()


def windows(*values: float) -> FloatArray:
    return np.stack([np.full(SHAPE, value, np.float32) for value in values])


def waiting(classifier: BatchingClassifier, count: int) -> None:
    with classifier._changed:
        assert classifier._changed.wait_for(lambda: len(classifier._requests) >= count, 30)


def test_what_comes_in_meanwhile_is_answered_together(
    slow: Slow, batching: BatchingClassifier
) -> None:
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batching.predict, windows(1))
        assert slow.entered.wait(60)
        rest = []
        for number, values in enumerate(((2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12))):
            rest.append(pool.submit(batching.predict, windows(*values)))
            waiting(batching, number + 1)
        slow.go.set()
        answers = [future.result().logits[:, 0].tolist() for future in (first, *rest)]
    assert answers == [[1], [2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
    # The last request did not fit whole into the ten of the second batch.
    assert slow.batches == [1, 7, 4]


def test_a_request_that_is_larger_than_a_batch_is_answered_alone(
    slow: Slow, batching: BatchingClassifier
) -> None:
    slow.go.set()
    assert batching.predict(windows(*range(12))).logits[:, 3].tolist() == list(range(12))
    assert slow.batches == [12]


def test_everyone_in_a_batch_is_told_of_a_failure_and_it_goes_on(
    slow: Slow, batching: BatchingClassifier
) -> None:
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batching.predict, windows(1))
        assert slow.entered.wait(60)
        bad = pool.submit(batching.predict, windows(np.nan))
        waiting(batching, 1)
        good = pool.submit(batching.predict, windows(2))
        waiting(batching, 2)
        slow.go.set()
        assert first.result().logits[0, 0] == 1
        for future in (bad, good):
            with pytest.raises(ModelError):
                future.result()
    assert batching.predict(windows(3)).logits[0, 0] == 3


def test_closed_it_refuses_and_leaves_the_model_alone(slow: Slow) -> None:
    classifier = BatchingClassifier(slow, max_batch=4)
    classifier.close()
    with pytest.raises(RuntimeError, match="closed"):
        classifier.predict(windows(1))


def test_it_speaks_for_its_model(slow: Slow, batching: BatchingClassifier) -> None:
    assert batching.metadata is slow.metadata
    assert (batching.provider, batching.provider_note) == ("CPU", None)


def test_a_batch_needs_room(slow: Slow) -> None:
    with pytest.raises(ValueError, match="max_batch"):
        BatchingClassifier(slow, max_batch=0)
