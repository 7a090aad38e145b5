"""From answers to numbers: scores, spreads over folds, and differences with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from training.calibrate import fit_temperature
from training.metrics import Scores, score, softmax
from training.results import FoldResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Level = Literal["window", "clip"]
Metric = Literal["uar", "wa", "f1"]
LEVELS: tuple[Level, ...] = ("window", "clip")
CLEAN = "clean"
TELEPHONE = "telephone"

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of one or several folds: ``(n, 8)`` probabilities and what is known of each."""

    labels: Ints
    probabilities: Floats
    names: npt.NDArray[np.str_]
    corpora: npt.NDArray[np.str_]
    speakers: npt.NDArray[np.str_]
    genders: npt.NDArray[np.str_]
    folds: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return int(self.labels.size)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Answers:
        """Some of the answers."""
        return Answers(*(getattr(self, name)[chosen] for name in self.__slots__))

    def corpus(self, name: str | None) -> Answers:
        """The answers for one corpus; all for None."""
        return self if name is None else self.where(self.corpora == name)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether each answer is right, ``(n,)``."""
        correct: npt.NDArray[np.bool_] = self.probabilities.argmax(1) == self.labels
        return correct

    @property
    def scores(self) -> Scores:
        """Scores of all of them together."""
        return score(self.probabilities, self.labels)


def temperature(result: FoldResult) -> float:
    """The temperature that fits the fold's validation part; 1 where it has none."""
    if not len(result.validation_labels):
        return 1.0
    return fit_temperature(result.validation_logits, result.validation_labels)


def answers_of(
    result: FoldResult,
    level: Level,
    condition: str = CLEAN,
    *,
    calibrated: bool = False,
    own_classes: bool = False,
) -> Answers | None:
    """One fold's answers in a listening condition; None where they were not asked for.

    Calibration is of windows: clip-level answers are means of uncalibrated probabilities. With
    `own_classes` an answer is chosen among the classes that the tested corpus has, as it is by
    models of that corpus alone; otherwise among all eight, as in the running program.
    """
    if level == "window":
        logits = result.window_logits.get(condition)
        if logits is None:
            return None
        probabilities = softmax(logits, temperature(result) if calibrated else 1.0)
    else:
        stored = result.clip_probabilities.get(condition)
        if stored is None:
            return None
        probabilities = stored.astype(np.float64)
    corpora = np.array(result.corpora)
    if own_classes:
        probabilities = probabilities * _known(result.labels, corpora, probabilities.shape[1])
        probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
    return Answers(
        labels=result.labels,
        probabilities=probabilities,
        names=np.array(result.names),
        corpora=corpora,
        speakers=np.array(
            [f"{c} {s}" for c, s in zip(result.corpora, result.speakers, strict=True)]
        ),
        genders=np.array(result.genders),
        folds=np.full(len(result.labels), result.about.get("fold", "")),
    )


def _known(labels: Ints, corpora: npt.NDArray[np.str_], n_classes: int) -> npt.NDArray[np.bool_]:
    """Per answer the classes that its corpus has among the tested clips, ``(n, n_classes)``."""
    known = np.zeros((labels.size, n_classes), dtype=bool)
    for corpus in np.unique(corpora):
        inside = corpora == corpus
        known[np.ix_(inside, np.unique(labels[inside]))] = True
    return known


def pooled(
    results: Iterable[FoldResult],
    level: Level,
    condition: str = CLEAN,
    *,
    corpus: str | None = None,
    calibrated: bool = False,
    own_classes: bool = False,
) -> Answers | None:
    """The answers of all folds together (see `answers_of`); None where there are none."""
    found = (
        answers_of(r, level, condition, calibrated=calibrated, own_classes=own_classes)
        for r in results
    )
    parts = [part.corpus(corpus) for part in found if part is not None]
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    return Answers(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Answers.__slots__)
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """A score over folds: their mean, standard deviation (None for one fold) and number."""

    mean: float
    sd: float | None
    n: int


def spread(
    results: Iterable[FoldResult],
    level: Level,
    metric: Metric,
    condition: str = CLEAN,
    *,
    corpus: str | None = None,
    own_classes: bool = False,
) -> Spread | None:
    """A score's mean and standard deviation over the folds that have such answers."""
    values = []
    for result in results:
        part = pooled([result], level, condition, corpus=corpus, own_classes=own_classes)
        if part is not None:
            values.append(getattr(part.scores, metric))
    if not values:
        return None
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(float(np.mean(values)), sd, len(values))


@dataclass(frozen=True, slots=True)
class Difference:
    """UAR of one row minus another's on the same clips, as shares, with a 95 % interval.

    `units` are what was resampled: `n` of them.
    """

    value: float
    low: float
    high: float
    units: str
    n: int
    folds: int
    folds_better: int

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def shared_folds(
    results: Sequence[FoldResult], base: Sequence[FoldResult]
) -> list[tuple[FoldResult, FoldResult]]:
    """The folds that both rows have, tested on the same clips."""
    theirs = {r.about.get("fold"): r for r in base}
    pairs = [(r, theirs[r.about.get("fold")]) for r in results if r.about.get("fold") in theirs]
    return [(one, two) for one, two in pairs if one.names == two.names]


def compare(
    results: Sequence[FoldResult],
    base: Sequence[FoldResult],
    level: Level,
    condition: str = CLEAN,
    *,
    corpus: str | None = None,
    by: Literal["speaker", "clip"] = "speaker",
) -> Difference | None:
    """The difference of pooled UAR on the folds that both have, by paired bootstrap.

    Answers are chosen among the classes that each tested corpus has.

    Whole speakers are drawn with replacement (all their clips at once, for both rows alike), or
    clips where speakers are shared between training and test; 2,000 times. What another training
    seed would change is not in the interval.

    Returns:
        None where the rows have no fold in common.
    """
    shared = shared_folds(results, base)
    one, two = (
        pooled([pair[i] for pair in shared], level, condition, corpus=corpus, own_classes=True)
        for i in (0, 1)
    )
    if one is None or two is None:
        return None
    units = one.speakers if by == "speaker" else one.names
    found, which = np.unique(units, return_inverse=True)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), size=_RESAMPLES)
    differences = _uar(one, which, len(found), draws) - _uar(two, which, len(found), draws)
    low, high = np.quantile(differences, (0.025, 0.975))
    better = 0
    for fold in np.unique(one.folds):
        inside = one.folds == fold
        better += one.where(inside).scores.uar > two.where(inside).scores.uar
    return Difference(
        value=one.scores.uar - two.scores.uar,
        low=float(low),
        high=float(high),
        units="speakers" if by == "speaker" else "clips",
        n=len(found),
        folds=len(np.unique(one.folds)),
        folds_better=int(better),
    )


def mean_interval(values: Floats, units: npt.NDArray[np.str_]) -> tuple[float, float, float]:
    """The mean of `values`, ``(n,)``, and its 95 % interval over resampled whole `units`."""
    found, which = np.unique(units, return_inverse=True)
    sums, counts = np.bincount(which, values), np.bincount(which)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), size=_RESAMPLES)
    low, high = np.quantile((draws @ sums) / (draws @ counts), (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def uar_interval(*parts: Answers) -> tuple[float, float]:
    """The 95 % interval of the parts' mean UAR, the speakers of each resampled; see `compare`."""
    rng, drawn = np.random.default_rng(0), []
    for answers in parts:
        found, which = np.unique(answers.speakers, return_inverse=True)
        draws = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), size=_RESAMPLES)
        drawn.append(_uar(answers, which, len(found), draws))
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    return float(low), float(high)


def _uar(answers: Answers, unit: Ints, n_units: int, draws: Ints) -> Floats:
    """UAR under each draw of units, ``(n_draws,)``; classes that a draw lacks do not count."""
    n_classes = answers.probabilities.shape[1]
    cells = unit * n_classes + answers.labels
    total = np.bincount(cells, minlength=n_units * n_classes)
    right = np.bincount(cells, weights=answers.correct, minlength=n_units * n_classes)
    totals = draws @ total.reshape(n_units, n_classes)
    rights = draws @ right.reshape(n_units, n_classes)
    with np.errstate(invalid="ignore"):
        recalls = np.where(totals > 0, rights / np.maximum(totals, 1), np.nan)
        uars: Floats = np.nanmean(recalls, axis=1)
    return uars


def accuracy_at(answers: Answers, coverage: float) -> float:
    """Accuracy of the share `coverage` of the answers with the highest top probability."""
    kept = max(1, round(coverage * len(answers)))
    order = np.argsort(-answers.probabilities.max(1), kind="stable")
    return float(answers.correct[order[:kept]].mean())


def risk_coverage(answers: Answers) -> tuple[Floats, Floats]:
    """Coverage, and accuracy of the most confident answers up to it, ``(n,)`` each."""
    order = np.argsort(-answers.probabilities.max(1), kind="stable")
    n = np.arange(1, len(answers) + 1)
    return n / len(answers), np.cumsum(answers.correct[order]) / n


def reliability(answers: Answers, bins: int = 10) -> list[tuple[float, float, int]]:
    """Per occupied bin of the top probability: its mean, the accuracy, and how many answers."""
    confidence = answers.probabilities.max(1)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (
            float(confidence[which == b].mean()),
            float(answers.correct[which == b].mean()),
            int((which == b).sum()),
        )
        for b in range(bins)
        if (which == b).any()
    ]
