"""The reference of training speech, on embeddings made for it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from emolive.inference.shift import ShiftMeter, ShiftReference
from training.shift import fit_shift


def _speech(n: int, seed: int) -> np.ndarray:
    """Embeddings in a few directions around a middle, as ReLU layers give them."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(5, 64))
    values = 4 + rng.normal(size=(n, 5)) @ directions + 0.1 * rng.normal(size=(n, 64))
    return np.maximum(values, 0).astype(np.float32)


def test_speech_as_trained_on_is_near_and_anything_else_is_far() -> None:
    reference = fit_shift(_speech(500, 1), 1.3 * _speech(300, 2))
    # What the file says is what is asked.
    meter = ShiftMeter(ShiftReference.model_validate_json(reference.model_dump_json()))
    same = meter.distances(_speech(200, 3))
    other = meter.distances(np.abs(np.random.default_rng(4).normal(size=(200, 64)).astype("f4")))
    assert np.median(other) > 3 * np.median(same)
    # Half of speech that was kept out lies below the middle of its distances.
    assert np.median(meter.shifts(1.3 * _speech(400, 5))) == pytest.approx(0.5, abs=0.1)
    assert (meter.shifts(np.abs(np.random.default_rng(6).normal(size=(9, 64)))) == 1.0).all()


def test_the_level_of_an_embedding_does_not_matter() -> None:
    reference = fit_shift(_speech(300, 1), _speech(300, 2))
    meter, some = ShiftMeter(reference), _speech(10, 7)
    np.testing.assert_allclose(meter.distances(some), meter.distances(5 * some), rtol=1e-6)
