"""Answers and scores of a model on a set of clips, clean and disturbed.

A model is a function from normalised log-mel ``(n, n_mels, n_frames)`` to logits ``(n, 8)``: an
exported file's (`logits_of`), or a network that is still being studied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from emolive.inference.classifier import Classifier
from training.augmentation import add_noise, telephone
from training.cache import AudioCache, CachedClip
from training.dataset import clip_windows, cut_window, window_features
from training.labels import INDEX, LABELS
from training.metrics import Scores, score, softmax
from training.recipe import Recipe

FloatArray = npt.NDArray[np.float32]
Disturb = Callable[[FloatArray, int], FloatArray]
Predict = Callable[[FloatArray], npt.NDArray[np.floating]]
_BATCH = 16
_PROGRESS = Console(stderr=True)  # standard output is for tables, which go into cards


def logits_of(classifier: Classifier) -> Predict:
    """An exported file's model as a function."""
    return lambda windows: classifier.predict(windows).logits


def labels_of(clips: tuple[CachedClip, ...]) -> npt.NDArray[np.int64]:
    """Class indices, ``(n,)``."""
    return np.array([INDEX[c.emotion] for c in clips if c.emotion is not None], np.int64)


def votes_of(clips: tuple[CachedClip, ...]) -> FloatArray | None:
    """Listeners' votes as shares, ``(n, n_classes)``, NaN for clips without; None: none has any."""
    if not any(clip.votes for clip in clips):
        return None
    unknown = (np.nan,) * len(LABELS)
    return np.array([clip.votes or unknown for clip in clips], np.float32)


def conditions(noise: tuple[CachedClip, ...], cache: AudioCache, rate: int) -> dict[str, Disturb]:
    """The listening conditions of every report; the i-th clip always gets the same noise."""

    def noisy(snr_db: float) -> Disturb:
        def disturb(audio: FloatArray, i: int) -> FloatArray:
            return add_noise(audio, cache.samples(noise[i % len(noise)]), snr_db)

        return disturb

    table: dict[str, Disturb] = {
        "clean": lambda audio, _: audio,
        "telephone": lambda audio, _: telephone(audio, rate),
    }
    if noise:
        table |= {f"noise {snr} dB": noisy(snr) for snr in (20, 10, 0)}
    return table


def window_logits(
    predict: Predict,
    cache: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
    disturb: Disturb = lambda audio, _: audio,
    description: str = "Windows",
) -> FloatArray:
    """Logits of the centre window of each clip, ``(n, n_classes)``."""
    rows: list[FloatArray] = []
    for start in track(range(0, len(clips), _BATCH), description=description, console=_PROGRESS):
        batch = [
            window_features(
                cut_window(disturb(cache.samples(clip), i), recipe.window_samples, 0.5), recipe
            )
            for i, clip in enumerate(clips[start : start + _BATCH], start)
        ]
        rows.append(predict(np.stack(batch)))
    return np.concatenate(rows)


def clip_probabilities(
    predict: Predict,
    cache: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
    temperature: float,
    disturb: Disturb = lambda audio, _: audio,
    description: str = "Clips",
) -> npt.NDArray[np.float64]:
    """Mean probabilities over all windows of each clip at a 0.5 s hop, ``(n, n_classes)``."""
    rows = []
    for i, clip in enumerate(track(clips, description=description, console=_PROGRESS)):
        logits = predict(clip_windows(disturb(cache.samples(clip), i), recipe))
        rows.append(softmax(logits, temperature).mean(axis=0))
    return np.stack(rows)


@dataclass(frozen=True, slots=True)
class Selective:
    """What abstention does: answers below `threshold` are withheld."""

    threshold: float
    coverage: float
    accuracy: float


def selective(
    probabilities: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], threshold: float
) -> Selective:
    """Coverage, and accuracy of what is still answered, at a threshold."""
    answered = probabilities.max(1) >= threshold
    correct = probabilities.argmax(1) == labels
    accuracy = float(correct[answered].mean()) if answered.any() else 0.0
    return Selective(threshold, float(answered.mean()), accuracy)


def by_group(
    probabilities: npt.NDArray[np.float64],
    clips: tuple[CachedClip, ...],
    key: Callable[[CachedClip], str],
) -> dict[str, Scores]:
    """Scores per corpus, gender or speaker."""
    labels, groups = labels_of(clips), np.array([key(c) for c in clips])
    return {
        str(name): score(probabilities[groups == name], labels[groups == name])
        for name in dict.fromkeys(groups)
    }
