"""Occlusion finds the patch that an answer depends on, in time, and says how much of it it saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolive.explain.occlusion import FrameOcclusion
from emolive.explain.saliency import PATCH, decisive, occlude
from emolive.inference.classifier import OnnxClassifier
from emolive.types import FloatArray, ModelOutput
from tests.models import tiny_metadata, tiny_model

BANDS, FRAMES = slice(40, 56), slice(120, 140)
SHAPE = (128, 298)


class PatchClassifier:
    """Two classes; the answer is the mean of one known patch."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign
        self.copies = 0

    def predict(self, windows: FloatArray) -> ModelOutput:
        self.copies += len(windows)
        inside = windows[:, BANDS, FRAMES].mean(axis=(1, 2))
        logits = np.stack([self.sign * 3 * inside, np.zeros_like(inside)], axis=1)
        return ModelOutput(logits.astype(np.float32))


def window(seed: int = 0) -> npt.NDArray[np.float32]:
    """Noise with one loud patch."""
    values = np.random.default_rng(seed).normal(-0.5, 0.3, SHAPE)
    values[BANDS, FRAMES] += 1.5
    return values.astype(np.float32)


def heard() -> FrameOcclusion:
    return FrameOcclusion(window())


def ticking(step: float) -> Callable[[], float]:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += step
        return now

    return clock


def test_the_decisive_patch_is_found() -> None:
    found = occlude(PatchClassifier(), heard(), 0, 1.0, budget_s=60)
    assert found is not None
    assert found.passes == 4
    inside = np.zeros(SHAPE, np.bool_)
    inside[BANDS, FRAMES] = True
    near = np.zeros(SHAPE, np.bool_)
    near[20:80, 90:170] = True
    assert found.worth[inside].mean() > 5 * np.abs(found.worth[~inside]).mean()
    assert inside[np.unravel_index(found.worth.argmax(), SHAPE)]
    assert not decisive(found.worth)[~near].any()
    assert BANDS.start <= np.mean(found.bands) < BANDS.stop
    assert FRAMES.start - PATCH[1] < np.mean(found.frames) < FRAMES.stop + PATCH[1]
    assert found.least < found.probability


def test_what_speaks_against_a_class_has_a_negative_worth() -> None:
    found = occlude(PatchClassifier(-1.0), heard(), 0, 1.0, budget_s=60)
    assert found is not None
    assert found.worth[BANDS, FRAMES].mean() < -0.1
    assert found.least == pytest.approx(found.probability)


def test_an_answer_that_hears_nothing_has_no_decisive_part() -> None:
    class Deaf:
        def predict(self, windows: FloatArray) -> ModelOutput:
            return ModelOutput(np.zeros((len(windows), 2), np.float32))

    found = occlude(Deaf(), heard(), 0, 1.0, budget_s=60)
    assert found is not None
    assert np.abs(found.worth).max() == 0.0
    assert not decisive(found.worth).any()


def test_time_is_kept_and_the_first_pass_always_done() -> None:
    asked = PatchClassifier()
    found = occlude(asked, heard(), 0, 1.0, budget_s=0.0, clock=ticking(1.0))
    assert found is not None
    assert found.passes == 1
    assert asked.copies == 1 + 8 * 15
    assert found.worth[BANDS, FRAMES].mean() > 0


def test_what_an_unfinished_pass_found_is_left_out() -> None:
    once = occlude(PatchClassifier(), heard(), 0, 1.0, budget_s=0.0, clock=ticking(1.0))
    late = occlude(PatchClassifier(), heard(), 0, 1.0, budget_s=3.5, clock=ticking(1.0))
    assert once is not None
    assert late is not None
    assert late.passes == 1
    np.testing.assert_array_equal(once.worth, late.worth)


def test_it_can_be_cancelled() -> None:
    asked = PatchClassifier()
    assert occlude(asked, heard(), 0, 1.0, cancelled=lambda: asked.copies > 20) is None
    assert asked.copies < 40


def test_the_window_itself_stays_as_it_is() -> None:
    values = window()
    before = values.copy()
    occlude(PatchClassifier(), FrameOcclusion(values), 0, 1.0, budget_s=60)
    np.testing.assert_array_equal(values, before)


def test_a_real_graph_is_asked_in_the_band_it_listens_to(tmp_path: Path) -> None:
    weights = np.zeros((128, 8), np.float32)
    weights[64:80, 4] = 2.0
    tiny_model(tmp_path / "band.onnx", weights=weights)
    classifier = OnnxClassifier(tmp_path / "band.onnx", "cpu")
    values = np.random.default_rng(1).normal(0, 1, SHAPE).astype(np.float32)
    found = occlude(classifier, FrameOcclusion(values), 4, tiny_metadata().temperature, budget_s=60)
    classifier.close()
    assert found is not None
    bands = found.worth.mean(axis=1)
    assert 64 <= int(bands.argmax()) < 80
    assert bands[64:80].min() > 4 * np.abs(bands[:48]).max()
