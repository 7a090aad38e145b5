"""One model file, everything that its card states: measured here, on speakers it never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolive.inference.classifier import Classifier
from training.cache import AudioCache, CachedClip
from training.evaluate import (
    Disturb,
    Selective,
    by_group,
    clip_probabilities,
    conditions,
    labels_of,
    logits_of,
    selective,
    window_logits,
)
from training.metrics import Scores, confusion, score, softmax
from training.recipe import Recipe
from training.splits import noise_clips

# A decided label should not depend on how loud the microphone is set.
LEVELS_DB = (-20.0, 20.0)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Scores on the test speakers.

    `windows` has one entry per listening condition and corpus (the clip's centre window), `clips`
    one per corpus (all windows of a clip pooled, clean), `genders` and `speakers` one per gender
    and speaker (clean windows). `accuracy_at_60` is of the 60 % most confident clean windows.
    `ece_uncalibrated` is with temperature 1. `level_agreement` is the share of windows whose label
    stays the same at -20 and +20 dB.
    """

    windows: dict[str, dict[str, Scores]]
    clips: dict[str, Scores]
    genders: dict[str, Scores]
    speakers: dict[str, Scores]
    ece_uncalibrated: float
    ece: float
    selective: Selective
    accuracy_at_60: float
    level_agreement: float
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)


def _louder(gain_db: float) -> Disturb:
    gain = np.float32(10 ** (gain_db / 20))
    return lambda audio, _: audio * gain


def measure(
    classifier: Classifier, cache: AudioCache, clips: tuple[CachedClip, ...], recipe: Recipe
) -> Measurement:
    """Measure a loaded model on `clips` (the test speakers)."""
    metadata, predict = classifier.metadata, logits_of(classifier)
    labels = labels_of(clips)
    rate = recipe.front_end.sampling_rate
    windows: dict[str, dict[str, Scores]] = {}
    clean: npt.NDArray[np.float32] | None = None
    for name, disturb in conditions(noise_clips(cache.clips), cache, rate).items():
        logits = window_logits(predict, cache, clips, recipe, disturb, name)
        clean = logits if clean is None else clean
        probabilities = softmax(logits, metadata.temperature)
        windows[name] = by_group(probabilities, clips, lambda c: c.corpus)
    assert clean is not None
    calibrated = softmax(clean, metadata.temperature)
    pooled = clip_probabilities(predict, cache, clips, recipe, metadata.temperature)
    same = [
        window_logits(
            predict,
            cache,
            clips,
            recipe,
            _louder(level),
            f"{level:+.0f} dB",
        ).argmax(1)
        == clean.argmax(1)
        for level in LEVELS_DB
    ]
    return Measurement(
        windows=windows,
        clips=by_group(pooled, clips, lambda c: c.corpus),
        genders=by_group(calibrated, clips, lambda c: c.gender),
        speakers=by_group(calibrated, clips, lambda c: f"{c.corpus} {c.speaker}"),
        ece_uncalibrated=score(softmax(clean), labels).ece,
        ece=score(calibrated, labels).ece,
        selective=selective(calibrated, labels, metadata.abstention_threshold),
        accuracy_at_60=selective(
            calibrated, labels, float(np.quantile(calibrated.max(1), 0.4))
        ).accuracy,
        level_agreement=float(np.mean(same)),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion(calibrated, labels)),
    )
