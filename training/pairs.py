"""Every corpus against every other with functionals: self- against cross-corpus UAR.

As in the Urdu study (arXiv 2510.26823): eGeMAPS and ComParE functionals, logistic regression and a
multilayer perceptron, classes that both corpora have. Within a corpus no speaker is on both sides.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from rich.progress import track
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from training.cache import AudioCache, CachedClip
from training.corpora import MEASURED_ONLY
from training.evaluate import labels_of
from training.functionals import FEATURE_SETS, FeatureSet, drawn, kept_functionals
from training.protocols import RAVDESS_FOLDS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Classifier = Literal["logistic regression", "MLP"]
CLASSIFIERS: tuple[Classifier, ...] = ("logistic regression", "MLP")
MOST = 400  # clips of a corpus
OTHERS = "all others"
_FOLDS = 5
_RARE = 10  # fewer clips tie a class to its corpus
_RESAMPLES = 1000


class Pair(BaseModel):
    """One training and its test; UAR with the 95 % interval of a bootstrap over test speakers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: FeatureSet
    classifier: Classifier
    trained: str
    tested: str
    classes: int
    clips: int
    speakers: int
    uar: float
    low: float
    high: float


class Pairs(BaseModel):
    """All of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A corpus: functionals ``(n, n_features)``, classes, and who speaks."""

    x: Floats
    labels: Ints
    speakers: npt.NDArray[np.str_]

    def where(self, chosen: npt.NDArray[np.bool_]) -> Heard:
        """Some of its clips."""
        return Heard(self.x[chosen], self.labels[chosen], self.speakers[chosen])

    def having(self, classes: Sequence[int] | Ints) -> Heard:
        """Its clips of these classes."""
        return self.where(np.isin(self.labels, classes))


def hear(cache: AudioCache, clips: Sequence[CachedClip], features: FeatureSet, most: int) -> Heard:
    """A corpus's functionals, from the cache where they are kept; without its rare classes."""
    some = drawn(clips, most)
    heard = Heard(
        kept_functionals(cache, some, features),
        labels_of(some),
        np.array([f"{c.corpus} {c.speaker}" for c in some]),
    )
    classes, counts = np.unique(heard.labels, return_counts=True)
    return heard.having(classes[counts >= min(_RARE, counts.max())])


def answered(kind: Classifier, source: Heard, target: Heard) -> npt.NDArray[np.bool_]:
    """Whether each clip of `target` is answered rightly by a machine fitted on `source`."""
    if kind == "MLP":
        network = MLPClassifier((128,), alpha=1.0, max_iter=60, tol=1e-3, random_state=0)
        machine = make_pipeline(StandardScaler(), network)
    else:
        regression = LogisticRegression(C=0.01, class_weight="balanced", max_iter=500)
        machine = make_pipeline(StandardScaler(), regression)
    # Threads that wait for each other make so little work slow on a busy machine.
    with warnings.catch_warnings(), threadpool_limits(1):
        # The network stops after its epochs, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(source.x, source.labels)
        right: npt.NDArray[np.bool_] = machine.predict(target.x) == target.labels
    return right


def _self_folds(heard: Heard) -> Iterator[npt.NDArray[np.bool_]]:
    """Who is tested in each fold: EmoBox's actors, otherwise a fifth of the speakers."""
    if heard.speakers[0].startswith("ravdess "):
        for actors in RAVDESS_FOLDS:
            chosen = np.isin(heard.speakers, [f"ravdess {actor}" for actor in actors])
            if chosen.any():
                yield chosen
        return
    n = min(_FOLDS, len(np.unique(heard.speakers)))
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=0)
    for _, tested in splitter.split(heard.x, heard.labels, heard.speakers):
        chosen = np.zeros(len(heard.labels), np.bool_)
        chosen[tested] = True
        yield chosen


def speaker_interval(right: npt.NDArray[np.bool_], heard: Heard) -> tuple[float, float, float]:
    """UAR of answers that were `right` or not, and its interval over resampled speakers."""
    who, rows = np.unique(heard.speakers, return_inverse=True)
    classes, columns = np.unique(heard.labels, return_inverse=True)
    total = np.zeros((len(who), len(classes)))
    found = np.zeros_like(total)
    np.add.at(total, (rows, columns), 1)
    np.add.at(found, (rows, columns), right)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(who), np.full(len(who), 1 / len(who)), size=_RESAMPLES)

    def uar(weights: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        totals, rights = weights @ total, weights @ found
        with np.errstate(invalid="ignore"):
            recalls = np.where(totals > 0, rights / np.maximum(totals, 1), np.nan)
        means: npt.NDArray[np.float64] = np.nanmean(recalls, axis=1)
        return means

    low, high = np.quantile(uar(draws), (0.025, 0.975))
    return float(uar(np.ones((1, len(who)), np.int64))[0]), float(low), float(high)


def within(heard: Heard, kind: Classifier) -> npt.NDArray[np.bool_]:
    """Whether each clip is answered rightly by a machine that never heard its speaker."""
    right = np.zeros(len(heard.labels), np.bool_)
    for tested in _self_folds(heard):
        right[tested] = answered(kind, heard.where(~tested), heard.where(tested))
    return right


def measure_pairs(
    cache: AudioCache, corpora: Sequence[str], most: int = MOST, known: Sequence[Pair] = ()
) -> Iterator[Pair]:
    """All pairs of these corpora (at most `most` clips each), and each against all others.

    One after the other: what took long is not lost when it is ended; `known` are not measured anew.
    """
    measured = {(p.features, p.classifier, p.trained, p.tested) for p in known}
    for kind in CLASSIFIERS:
        for features in FEATURE_SETS:
            heard = {
                name: hear(cache, [c for c in cache.clips if c.corpus == name], features, most)
                for name in corpora
            }
            for trained, tested in track(_wanted(corpora), description=f"{features}, {kind}"):
                if (features, kind, trained, tested) in measured:
                    continue
                others = [n for n in corpora if n not in MEASURED_ONLY and n != tested]
                names = others if trained == OTHERS else [trained]
                if not names:
                    continue
                source = _together([heard[name] for name in names], most)
                shared = np.intersect1d(source.labels, heard[tested].labels)
                if len(shared) < 2:
                    continue
                source, target = source.having(shared), heard[tested].having(shared)
                own = trained == tested
                right = within(target, kind) if own else answered(kind, source, target)
                uar, low, high = speaker_interval(right, target)
                yield Pair(
                    features=features,
                    classifier=kind,
                    trained=trained,
                    tested=tested,
                    classes=len(shared),
                    clips=len(target.labels),
                    speakers=len(np.unique(target.speakers)),
                    uar=uar,
                    low=low,
                    high=high,
                )


def _wanted(corpora: Sequence[str]) -> list[tuple[str, str]]:
    """Who is trained on and who is tested."""
    trained = [name for name in corpora if name not in MEASURED_ONLY]
    return [(one, tested) for tested in corpora for one in (*trained, OTHERS)]


def _together(some: Sequence[Heard], most: int) -> Heard:
    """Several corpora as one, of twice as many clips as one may have."""
    whole = Heard(
        *(np.concatenate([getattr(one, name) for one in some]) for name in Heard.__slots__)
    )
    chosen = np.zeros(len(whole.labels), np.bool_)
    chosen[np.random.default_rng(0).permutation(len(chosen))[: 2 * most]] = True
    return whole if len(some) == 1 else whole.where(chosen)
