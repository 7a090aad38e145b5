"""Deletion and insertion on a model that listens to one place, and stretches of sound."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from emolive.acoustics import SPECTROGRAM
from emolive.explain.occlusion import occlusion
from emolive.explain.saliency import occlude, salient_stretch
from emolive.features import LogMelSpec
from training.faithfulness import (
    EXPECTED,
    _areas,
    _orders,
    _Window,
    cells,
    without_first,
)
from training.labels import LABELS

RATE, N = 16_000, 48_000


class _Ear:
    """Hears only bands 32-48 of frames 100-120: the louder, the surer it is of the first class."""

    metadata = SimpleNamespace(temperature=1.0)

    def predict(self, windows: np.ndarray) -> SimpleNamespace:
        heard = windows[:, 32:48, 100:120].mean(axis=(1, 2))
        return SimpleNamespace(logits=np.stack([4 * heard, np.zeros_like(heard)], axis=1))


@pytest.fixture
def sound() -> np.ndarray:
    """Noise, louder in the middle."""
    rng = np.random.default_rng(0)
    loud = 0.02 + 0.2 * np.exp(-(((np.arange(N) - 17_600) / 3_000) ** 2))
    return (rng.normal(0, 1, N) * loud).astype(np.float32)


def test_saliency_finds_what_a_model_listens_to(sound: np.ndarray) -> None:
    parts, ear = occlusion(sound, LogMelSpec()), _Ear()
    found = occlude(ear, parts, 0, 1.0, budget_s=0.0)
    assert found is not None
    at = _Window(sound, parts, 0, found.probability, found)
    orders = _orders(at, np.random.default_rng(0))
    assert orders["salient"][0] == (slice(32, 48), slice(100, 120))
    areas = {name: _areas(ear, at, order) for name, order in orders.items()}  # type: ignore[arg-type]
    # It falls at once when the one place is taken first, and is back at once when it is put first.
    assert areas["salient"][0] < areas["random"][0]
    assert areas["salient"][1] > areas["random"][1]
    begin, end = salient_stretch(found.worth, N)
    # Half of what it rests on, and not much more.
    assert begin <= 110 * SPECTROGRAM.hop_length <= end
    assert (end - begin) / RATE < 0.8


@pytest.mark.parametrize("front_end", [LogMelSpec(), LogMelSpec(n_mels=64)])
def test_patches_taken_out_one_after_the_other(sound: np.ndarray, front_end: LogMelSpec) -> None:
    """Of frames, and of sound: none, one, and all of them."""
    parts = occlusion(sound, front_end)
    order = cells(parts.shape)
    none, one, everything = without_first(parts, sound, order, (0, 1, len(order)))
    np.testing.assert_allclose(none, parts.whole(), atol=1e-4)
    np.testing.assert_allclose(one, parts.without(*order[0]), atol=1e-3)
    assert everything.std() < none.std() + 1e-6
    assert sum((b.stop - b.start) * (f.stop - f.start) for b, f in order) == np.prod(parts.shape)


def test_expectations_are_of_known_classes() -> None:
    assert set(EXPECTED) < set(LABELS)
    # The two that every review tells apart.
    assert all(EXPECTED["angry"][cue] == -EXPECTED["sad"][cue] for cue in EXPECTED["sad"])


def test_a_stretch_without_anything_salient_is_the_whole_window() -> None:
    assert salient_stretch(np.full((128, 298), -1.0, np.float32), N) == (0, N)
