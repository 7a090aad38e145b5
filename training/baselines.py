"""Support vector machines on fixed features: what networks have to beat.

`svm-mfcc` is DeepEmoNet's baseline (40 MFCC, averaged over time), `svm-egemaps` takes the 88
eGeMAPSv02 functionals (Eyben et al. 2016) of openSMILE. Both see the same windows as the networks,
except that the padding of short clips is not part of the averages.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import track
from scipy.fft import dct
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emolive.features import log_mel
from training.cache import AudioCache, CachedClip
from training.calibrate import fit_temperature
from training.evaluate import Disturb, conditions, labels_of
from training.functionals import Extract, centre, extractor
from training.labels import LABELS
from training.metrics import softmax
from training.protocols import Fold
from training.recipe import ModelKind, Recipe
from training.results import FoldResult
from training.splits import noise_clips
from training.study import CLIP_CONDITIONS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_N_MFCC = 40
_COSTS = (1.0, 10.0, 100.0)
_HOP_S = 0.5
# Where a class was not trained on: as good as impossible, and finite.
_NEVER = -30.0


def mean_mfcc(recipe: Recipe) -> Extract:
    """40 MFCC of the networks' own log-mel frames, averaged over time."""

    def extract(audio: Floats) -> Floats:
        frames = log_mel(audio, recipe.front_end)
        mfcc: Floats = dct(frames, axis=0, norm="ortho")[:_N_MFCC].mean(axis=1).astype(np.float32)
        return mfcc

    return extract


def egemaps(recipe: Recipe) -> Extract:
    """The 88 eGeMAPSv02 functionals.

    Raises:
        EmoliveError: openSMILE is not installed.
    """
    return extractor("eGeMAPSv02", recipe.front_end.sampling_rate)


_EXTRACTORS: dict[ModelKind, Callable[[Recipe], Extract]] = {
    "svm-mfcc": mean_mfcc,
    "svm-egemaps": egemaps,
}


class FeatureStore:
    """Features by the digest of the audio that they describe, kept in one file between folds."""

    def __init__(self, extract: Extract, path: Path) -> None:
        self._extract, self._path = extract, path
        self._known: dict[str, Floats] = {}
        if path.is_file():
            with np.load(path) as saved:
                self._known = dict(zip(saved["keys"].tolist(), saved["values"], strict=True))

    def of(self, audio: Floats) -> Floats:
        """The features of a window of any length, ``(n_features,)``."""
        key = hashlib.sha1(np.ascontiguousarray(audio).tobytes()).hexdigest()
        if key not in self._known:
            # openSMILE gives NaN where a functional is undefined, as in digital silence.
            self._known[key] = np.nan_to_num(self._extract(audio))
        return self._known[key]

    def save(self) -> None:
        """Write everything known so far."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}.npz")
        keys, values = np.array(list(self._known)), np.stack(list(self._known.values()))
        np.savez(partial, keys=keys, values=values)
        partial.replace(self._path)


def windows(audio: Floats, n: int, hop: int) -> list[Floats]:
    """The same windows as `training.dataset.clip_windows`, without padding."""
    return [audio[s : s + n] for s in range(0, max(1, audio.size - n + 1), hop)]


class Svm:
    """Standardisation, one RBF machine per class, and a temperature that makes probabilities.

    Cost and temperature come from cross-validation inside the training part: by speaker, unless the
    protocol itself shares speakers.
    """

    def __init__(self, x: Floats, labels: Ints, groups: npt.NDArray[np.str_] | None, seed: int):
        """Fit on features ``(n, n_features)``; `groups`, ``(n,)``: the speakers to keep apart."""
        folds = list(_inner_folds(x, labels, groups, seed))
        machine = make_pipeline(StandardScaler(), OneVsRestClassifier(SVC()))
        grid = {"onevsrestclassifier__estimator__C": list(_COSTS)}
        search = GridSearchCV(machine, grid, scoring="balanced_accuracy", cv=folds, refit=False)
        machine.set_params(**search.fit(x, labels).best_params_)
        scores = cross_val_predict(machine, x, labels, cv=folds, method="decision_function")
        self.classes, positions = np.unique(labels, return_inverse=True)
        self.temperature = fit_temperature(scores, positions)
        self._machine: Pipeline = machine.fit(x, labels)

    @property
    def parameters(self) -> int:
        """Numbers that the fitted machine keeps: support vectors and their coefficients."""
        machines: list[SVC] = self._machine["onevsrestclassifier"].estimators_
        return sum(m.support_vectors_.size + m.dual_coef_.size + 1 for m in machines)

    def logits(self, x: Floats) -> Floats:
        """Logits whose softmax is calibrated on the training part, ``(n, 8)``."""
        scores = self._machine.decision_function(x) / self.temperature
        logits = np.full((len(x), len(LABELS)), _NEVER, np.float32)
        logits[:, self.classes] = scores - scores.max(axis=1, keepdims=True)
        return logits


def _inner_folds(
    x: Floats, labels: Ints, groups: npt.NDArray[np.str_] | None, seed: int
) -> Iterable[tuple[Ints, Ints]]:
    if groups is not None and (n := min(4, len(np.unique(groups)))) > 1:
        splitter = StratifiedGroupKFold(n, shuffle=True, random_state=seed)
    else:
        splitter, groups = StratifiedKFold(4, shuffle=True, random_state=seed), None
    folds: Iterable[tuple[Ints, Ints]] = splitter.split(x, labels, groups)
    return folds


def _speakers(clips: tuple[CachedClip, ...]) -> npt.NDArray[np.str_]:
    return np.array([f"{c.corpus} {c.speaker}" for c in clips])


def answer_fold(cache: AudioCache, recipe: Recipe, fold: Fold, folder: Path) -> FoldResult:
    """Fit the recipe's machine on a fold, and let it answer the test clips in every condition.

    Features are kept beside the protocols' folders of the recipe.
    """
    started = time.perf_counter()
    store = FeatureStore(
        _EXTRACTORS[recipe.model](recipe), folder.parent.parent / "features" / "features.npz"
    )
    n, hop = recipe.window_samples, round(_HOP_S * recipe.front_end.sampling_rate)
    split = fold.split

    def centres(clips: tuple[CachedClip, ...], disturb: Disturb, what: str) -> Floats:
        return np.stack(
            [
                store.of(centre(disturb(cache.samples(c), i), n))
                for i, c in enumerate(track(clips, description=what))
            ]
        )

    def pooled(disturb: Disturb, what: str) -> Floats:
        rows = []
        for i, clip in enumerate(track(split.test, description=what)):
            cuts = windows(disturb(cache.samples(clip), i), n, hop)
            rows.append(softmax(machine.logits(np.stack([store.of(c) for c in cuts]))).mean(axis=0))
        return np.stack(rows).astype(np.float32)

    disturbances = conditions(noise_clips(cache.clips), cache, recipe.front_end.sampling_rate)
    clean = disturbances["clean"]
    x = centres(split.train, clean, "Training")
    speakers, tested = _speakers(split.train), _speakers(split.test)
    shared = bool(set(speakers) & set(tested))
    machine = Svm(x, labels_of(split.train), None if shared else speakers, recipe.seed)
    seconds = time.perf_counter() - started
    window_logits = {
        name: machine.logits(centres(split.test, disturb, name))
        for name, disturb in disturbances.items()
    }
    clip_probabilities = {
        name: pooled(disturbances[name], f"{name}, clips") for name in CLIP_CONDITIONS
    }
    validation = machine.logits(centres(split.validation, clean, "Validation"))
    store.save()
    about: dict[str, Any] = {
        "parameters": machine.parameters,
        "flops": None,
        "seconds": round(seconds, 1),
        "device": "cpu",
        "history": [],
    }
    return FoldResult(
        about,
        names=tuple(c.name for c in split.test),
        labels=labels_of(split.test),
        corpora=tuple(c.corpus for c in split.test),
        speakers=tuple(c.speaker for c in split.test),
        genders=tuple(c.gender for c in split.test),
        window_logits=window_logits,
        clip_probabilities=clip_probabilities,
        validation_logits=validation,
        validation_labels=labels_of(split.validation),
    )
