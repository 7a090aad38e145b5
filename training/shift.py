"""Fit how far a window is from training speech, on embeddings of the file that is shipped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.progress import track

from emolive.inference.classifier import Classifier
from emolive.inference.shift import ShiftMeter, ShiftReference
from training.cache import AudioCache, CachedClip
from training.dataset import cut_window, window_features
from training.recipe import Recipe

_MOST_WINDOWS = 3000
_COMPONENTS = 32
_QUANTILES = 101
_BATCH = 16

FloatArray = npt.NDArray[np.float32]


def embeddings(
    classifier: Classifier,
    cache: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
    description: str,
) -> FloatArray:
    """Of the centre window of up to 3,000 of the clips, drawn once, ``(n, embedding_size)``."""
    chosen = clips
    if len(clips) > _MOST_WINDOWS:
        drawn = np.random.default_rng(recipe.seed).choice(len(clips), _MOST_WINDOWS, replace=False)
        chosen = tuple(clips[i] for i in sorted(drawn))
    rows: list[FloatArray] = []
    for start in track(range(0, len(chosen), _BATCH), description=description):
        cuts = [
            cut_window(cache.samples(clip), recipe.window_samples, 0.5)
            for clip in chosen[start : start + _BATCH]
        ]
        output = classifier.predict(np.stack([window_features(cut, recipe) for cut in cuts]))
        assert output.embedding is not None
        rows.append(output.embedding)
    return np.concatenate(rows)


def fit_shift(training: FloatArray, unseen: FloatArray) -> ShiftReference:
    """The reference of training speech, and the distances of speech from corpora kept out of it.

    Args:
        training: embeddings ``(n, embedding_size)``; each is divided by its length.
        unseen: embeddings ``(m, embedding_size)``.
    """
    unit = training.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    mean = unit.mean(0)
    # Rounded for the file first: everything else is of what the file says.
    mean = np.round(mean, 5)
    _, _, rows = np.linalg.svd(unit - mean, full_matrices=False)
    components = rows[: min(_COMPONENTS, len(rows))].round(5)
    x = unit - mean
    z = x @ components.T
    rest = np.square(x).sum(1) - np.square(z).sum(1)
    left = max(1, unit.shape[1] - len(components))
    reference = ShiftReference(
        mean=tuple(mean.tolist()),
        components=tuple(tuple(row) for row in components.tolist()),
        variances=tuple(np.maximum(z.var(0), 1e-9).tolist()),
        residual_variance=max(float(rest.mean()) / left, 1e-9),
        unit_length=True,
        distances=(0.0, 1.0),
    )
    distances = ShiftMeter(reference).distances(unseen)
    at = np.quantile(distances, np.linspace(0, 1, _QUANTILES)).round(5)
    return reference.model_copy(update={"distances": tuple(at.tolist())})
