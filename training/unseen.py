"""What a recipe does on corpora that it never heard, from its leave-one-corpus-out answers.

People use a model on voices, rooms and languages that no corpus has, so this is what temperature
and threshold are for; speakers of known corpora are easier, and would make it too sure of itself.
Every corpus counts alike, and in it every class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score

from emolive.labels import position_of
from training.labels import LABELS
from training.metrics import softmax
from training.results import FoldResult

CONDITION = "clean"
_FEWEST = 20  # decided windows below which a share of right ones is chance
_WINDOWS_PER_HOUR = 1200  # of 3 s, one after another

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UnseenCorpus:
    """One corpus that was left out; shares from 0 to 1, None where its classes do not allow it.

    `uar` is among all eight classes, `uar_within` among those it has, `uar_centred` likewise after
    the mean log-probability is subtracted; `angry_auc` of "angry" against the rest,
    `arousal_uar` of high against low, `valence_uar` of negative, neutral, positive.
    `false_alarms` are windows of neutral or calm speech decided to be angry, per hour of it.
    """

    corpus: str
    n: int
    uar: float
    uar_within: float
    uar_centred: float
    angry_auc: float | None
    arousal_uar: float | None
    valence_uar: float | None
    false_alarms: float | None


@dataclass(frozen=True, slots=True)
class Unseen:
    """All corpora together; `coverage_80` is the share that can be decided with 80 % right."""

    temperature: float
    threshold: float
    ece: float
    coverage: float
    right: float
    coverage_80: float
    corpora: tuple[UnseenCorpus, ...]

    @property
    def mean(self) -> tuple[float, float]:
        """Mean UAR within the corpora's classes, raw and centred."""
        raw = float(np.mean([one.uar_within for one in self.corpora]))
        return raw, float(np.mean([one.uar_centred for one in self.corpora]))


def measure_unseen(results: Sequence[FoldResult], right: float) -> Unseen:
    """Fit temperature (least log-loss) and threshold (`right` of the decided windows are right).

    Raises:
        ValueError: there is no result.
    """
    if not results:
        raise ValueError("there are no leave-one-corpus-out results")
    logits = np.concatenate([one.window_logits[CONDITION] for one in results])
    labels = np.concatenate([one.labels for one in results])
    weights = np.concatenate([_weights(one.labels) for one in results])

    def loss(log_temperature: float) -> float:
        likely = softmax(logits, float(np.exp(log_temperature)))[np.arange(labels.size), labels]
        return -float(weights @ np.log(np.maximum(likely, 1e-12)))

    temperature = float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))
    probabilities = softmax(logits, temperature)
    correct = probabilities.argmax(1) == labels
    threshold, coverage, reached = _decided(probabilities.max(1), correct, weights, right)
    return Unseen(
        temperature,
        threshold,
        _ece(probabilities.max(1), correct, weights),
        coverage,
        reached,
        _decided(probabilities.max(1), correct, weights, 0.8)[1],
        tuple(_corpus(one, temperature, threshold) for one in results),
    )


def _weights(labels: Ints) -> Floats:
    """Classes alike, and the corpus 1 in all."""
    weights: Floats = 1.0 / np.bincount(labels)[labels]
    weights /= weights.sum()
    return weights


def _decided(
    confidence: Floats, correct: npt.NDArray[np.bool_], weights: Floats, right: float
) -> tuple[float, float, float]:
    """The lowest threshold above which `right` are right; coverage and the share right there."""
    order = np.argsort(-confidence, kind="stable")
    decided = np.cumsum(weights[order])
    shares = np.cumsum((weights * correct)[order]) / decided
    enough = np.flatnonzero(shares[_FEWEST:] >= right)
    if not enough.size:
        return 1.0, 0.0, 0.0
    last = int(enough[-1]) + _FEWEST
    # Rounded up: never less sure than what was measured.
    threshold = float(np.ceil(confidence[order][last] * 1e4) / 1e4)
    return threshold, float(decided[last] / decided[-1]), float(shares[last])


def _ece(confidence: Floats, correct: npt.NDArray[np.bool_], weights: Floats) -> float:
    """`expected_calibration_error` with weights, in 15 bins."""
    which = np.minimum((confidence * 15).astype(int), 14)
    total = 0.0
    for one in np.unique(which):
        here = which == one
        share = weights[here].sum() / weights.sum()
        gap = np.average(correct[here], weights=weights[here])
        gap -= np.average(confidence[here], weights=weights[here])
        total += share * abs(gap)
    return float(total)


def _uar(answers: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]) -> float:
    return float(np.mean([(answers[labels == k] == k).mean() for k in np.unique(labels)]))


def _corpus(result: FoldResult, temperature: float, threshold: float) -> UnseenCorpus:
    probabilities = softmax(result.window_logits[CONDITION], temperature)
    labels = result.labels
    present = np.unique(labels)
    elsewhere = np.full(len(LABELS), -np.inf)
    elsewhere[present] = 0.0
    logs = np.log(np.maximum(probabilities, 1e-12))
    angry, calm = LABELS.index("angry"), [LABELS.index(k) for k in ("neutral", "calm")]
    quiet = np.isin(labels, calm)
    auc = alarms = None
    if angry in present:
        auc = float(roc_auc_score(labels == angry, probabilities[:, angry]))
    if quiet.any():
        alarmed = (probabilities.argmax(1) == angry) & (probabilities.max(1) >= threshold)
        alarms = float(alarmed[quiet].mean()) * _WINDOWS_PER_HOUR
    places = [place for label in LABELS if (place := position_of(label))]
    arousal = np.array([place.arousal > 0 for place in places])
    # Only "neutral" lies between.
    valence = np.digitize([place.valence for place in places], (-0.1, 0.1))
    return UnseenCorpus(
        str(result.about["fold"]).removeprefix("without-"),
        int(labels.size),
        _uar(probabilities.argmax(1), labels),
        _uar((logs + elsewhere).argmax(1), labels),
        _uar((logs - logs.mean(0) + elsewhere).argmax(1), labels),
        auc,
        _grouped(probabilities, labels, arousal, 2),
        _grouped(probabilities, labels, valence, 3),
        alarms,
    )


def _grouped(probabilities: Floats, labels: Ints, groups: npt.NDArray[Any], n: int) -> float | None:
    """UAR of groups of classes, which a window's probabilities add up to; None if one is absent."""
    sums = np.stack([probabilities[:, groups == k].sum(1) for k in range(n)], axis=1)
    of = groups.astype(np.int64)[labels]
    return _uar(sums.argmax(1), of) if len(np.unique(of)) == n else None


def write_unseen(unseen: Unseen) -> str:
    """As Markdown, for the model card."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f}"

    rows = "\n".join(
        f"| {one.corpus} | {one.n} | {percent(one.uar)} | {percent(one.uar_within)} "
        f"| {percent(one.uar_centred)} | "
        + ("–" if one.angry_auc is None else f"{one.angry_auc:.2f}")
        + f" | {percent(one.arousal_uar)} | {percent(one.valence_uar)} | "
        + ("–" if one.false_alarms is None else f"{one.false_alarms:.0f}")
        + " |"
        for one in unseen.corpora
    )
    raw, centred = unseen.mean
    head = "| left out | n | UAR % | own classes | bias removed | angry AUC | arousal UAR % "
    head += "| valence UAR % | false alarms |\n" + "| --- " * 9 + "|"
    decided, right, strict = map(percent, (unseen.coverage, unseen.right, unseen.coverage_80))
    return f"""The same recipe, each corpus left out of training in turn (one window per clip,
clean). This is what to expect of voices, rooms and languages that it does not know, and what
temperature and threshold are fitted on. UAR among all eight classes; among the corpus's own; and
the same with the answer's bias removed (the mean log-probability over the corpus subtracted, as
source profiles do):

{head}
{rows}

- Mean over corpora, among their own classes: {percent(raw)} %, with the bias removed
  {percent(centred)} %.
- "False alarms": windows of neutral or calm speech decided to be angry, per hour of such speech.
- Arousal: high against low; valence: negative, neutral, positive; both add the classes up.
- Calibration on these corpora (ECE, 15 bins, corpora and classes alike): {unseen.ece:.3f}.
- At the threshold {decided} % of these windows are decided, {right} % of them correctly; 80 % right
  would leave {strict} % decided."""
