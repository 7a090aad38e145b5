"""What a recipe, or a finished file, does on corpora that it never heard.

Of a recipe, the leave-one-corpus-out answers tell; of a file, corpora that it was not trained on.
People use a model on voices, rooms and languages that no corpus has, so this is what temperature
and threshold are for; speakers of known corpora are easier, and would make it too sure of itself.
Every corpus counts alike, and in it every class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score

from emolive.inference.classifier import Classifier
from emolive.labels import position_of
from training.cache import AudioCache, CachedClip
from training.evaluate import labels_of, logits_of, window_logits
from training.labels import LABELS
from training.metrics import softmax
from training.recipe import Recipe
from training.results import FoldResult, find_results

CONDITION = "clean"
_FEWEST = 20  # decided windows below which a share of right ones is chance
_SUREST = (0.05, 0.1, 0.2)
_NEVER = 1.0  # the threshold where none makes enough of the decided windows right
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
    `coverage` is the share that is decided at the threshold, classes alike, `right` the share of
    right ones among those.
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
    coverage: float
    right: float | None


@dataclass(frozen=True, slots=True)
class Unseen:
    """All corpora together; `coverage_80` is the share that can be decided with 80 % right.

    `surest` are the shares of right ones in the 5, 10 and 20 % (`_SUREST`) with most confidence.
    `source` tells whose answers they are, and how corpora were left out. `nested` is coverage and
    the share of right ones where temperature and threshold of each corpus are fitted on the others
    (None: not fitted here, or nothing decided).
    """

    temperature: float
    threshold: float
    ece: float
    coverage: float
    right: float
    coverage_80: float
    corpora: tuple[UnseenCorpus, ...]
    surest: tuple[float, ...] = ()
    source: str = ""
    nested: tuple[float, float] | None = None

    @property
    def mean(self) -> tuple[float, float]:
        """Mean UAR within the corpora's classes, raw and centred."""
        raw = float(np.mean([one.uar_within for one in self.corpora]))
        return raw, float(np.mean([one.uar_centred for one in self.corpora]))


class Answers(NamedTuple):
    """Of one corpus: logits of clean windows ``(n, 8)``, and their classes ``(n,)``."""

    corpus: str
    logits: npt.NDArray[np.floating]
    labels: Ints


def left_out_answers(runs: Path, recipe: str, stand_in: str = "") -> list[FoldResult]:
    """A recipe's answers on corpora left out, as `every_corpus` takes them; none: an empty list.

    `stand_in` is another recipe, which answers for what this one was not trained without.
    """
    found = find_results(runs)
    return every_corpus(
        *(
            found.get((name, protocol), [])
            for protocol in ("cross-corpus", "corpus-groups")
            for name in filter(None, (recipe, stand_in))
        )
    )


def every_corpus(*ways: Sequence[FoldResult]) -> list[FoldResult]:
    """Of each way of leaving corpora out what was measured in no way before it."""
    answers: list[FoldResult] = []
    for way in ways:
        measured = {corpus for one in answers for corpus in one.corpora}
        answers += [one for one in way if one.labels.size and measured.isdisjoint(one.corpora)]
    return answers


def _how(results: Sequence[FoldResult]) -> str:
    """Whose results these are, and how the corpora were left out, in words."""
    recipes: dict[str, list[str]] = {}
    for one in results:
        recipes.setdefault(str(one.about.get("recipe", "")), []).extend(sorted(set(one.corpora)))
    names = [f"`{name}`" for name in recipes]
    if len(names) > 1:
        told = zip(names, recipes.values(), strict=True)
        names = [f"{name} ({', '.join(corpora)})" for name, corpora in told]
    groups = [sorted(set(one.corpora)) for one in results]
    together = [", ".join(group) for group in groups if len(group) > 1]
    if len(together) == len(groups):
        ways = ["corpora left out in groups"]
    else:
        ways = ["each corpus left out of training in turn", *map("{} at once".format, together)]
    return f"Recipe {' and '.join(names)}, {'; '.join(ways)}"


def measure_unseen(results: Sequence[FoldResult], right: float) -> Unseen:
    """Fit temperature (least log-loss) and threshold.

    The threshold is the lowest at which at least `right` of the decided windows are right, and
    also are so of each corpus by what the others would allow, on average (`Unseen.nested`). Where
    there is none it is 1: nothing is decided.

    Raises:
        ValueError: there is no result.
    """
    if not results:
        raise ValueError("there are no leave-one-corpus-out results")
    answers = [
        Answers(corpus, one.window_logits[CONDITION][mine], one.labels[mine])
        for one in results
        for corpus in sorted(set(one.corpora))
        for mine in [np.array(one.corpora) == corpus]
    ]
    temperature = _temperature(answers)
    threshold, nested = _honest_threshold(answers, temperature, right)
    found = measure_answers(answers, temperature, threshold)
    return replace(found, source=_how(results), nested=nested)


def _temperature(answers: Sequence[Answers]) -> float:
    logits, labels, weights = _pooled(answers)

    def loss(log_temperature: float) -> float:
        likely = softmax(logits, float(np.exp(log_temperature)))[np.arange(labels.size), labels]
        return -float(weights @ np.log(np.maximum(likely, 1e-12)))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def _honest_threshold(
    answers: Sequence[Answers], temperature: float, right: float
) -> tuple[float, tuple[float, float] | None]:
    """The threshold, and coverage and the share of right ones where it comes from other corpora.

    What is right of the windows that chose a threshold flatters it a little, so more is asked of
    them than of the corpora that had no say.
    """
    if len(answers) < 2:
        return _threshold(answers, temperature, right), None
    folds = []
    for tested in answers:
        others = [one for one in answers if one is not tested]
        folds.append((tested, others, _temperature(others)))
    for asked in np.arange(right, 1.0, 0.01):
        shares = []
        for tested, others, warmth in folds:
            one = measure_answers([tested], warmth, _threshold(others, warmth, asked))
            shares.append((one.coverage, one.coverage * one.right))
        decided, correct = np.mean(shares, axis=0)
        if decided and correct / decided >= right:
            threshold = _threshold(answers, temperature, asked)
            return threshold, (float(decided), float(correct / decided))
    return _NEVER, None


def _threshold(answers: Sequence[Answers], temperature: float, right: float) -> float:
    """The lowest with `right` of the decided windows right, `_NEVER` if there is none."""
    logits, labels, weights = _pooled(answers)
    probabilities = softmax(logits, temperature)
    correct = probabilities.argmax(1) == labels
    return _decided(probabilities.max(1), correct, weights, right)[0]


def answers_of_file(
    classifier: Classifier, cache: AudioCache, recipe: Recipe, clips: tuple[CachedClip, ...]
) -> list[Answers]:
    """What a file answers on the corpora of `clips` that it was not trained on, clean."""
    known, answers = set(classifier.metadata.corpora), []
    for corpus in sorted({c.corpus for c in clips if c.emotion is not None} - known):
        own = tuple(c for c in clips if c.corpus == corpus and c.emotion is not None)
        logits = window_logits(logits_of(classifier), cache, own, recipe, description=corpus)
        answers.append(Answers(corpus, logits, labels_of(own)))
    return answers


def measure_answers(answers: Sequence[Answers], temperature: float, threshold: float) -> Unseen:
    """All scores of answers at a given temperature and threshold."""
    logits, labels, weights = _pooled(answers)
    probabilities = softmax(logits, temperature)
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    coverage, right = _above(confidence, correct, weights, threshold)
    return Unseen(
        temperature,
        threshold,
        _ece(confidence, correct, weights),
        coverage,
        right or 0.0,
        _decided(confidence, correct, weights, 0.8)[1],
        tuple(_corpus(one, temperature, threshold) for one in answers),
        _surest(confidence, correct, weights),
    )


def _pooled(answers: Sequence[Answers]) -> tuple[npt.NDArray[np.floating], Ints, Floats]:
    """Logits, classes and weights of all corpora together."""
    return (
        np.concatenate([one.logits for one in answers]),
        np.concatenate([one.labels for one in answers]),
        np.concatenate([_weights(one.labels) for one in answers]),
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
    for last in reversed(np.flatnonzero(shares[_FEWEST:] >= right) + _FEWEST):
        # Rounded up, never less sure than what was measured; where that leaves out a right one,
        # the next higher one is asked.
        threshold = float(np.ceil(confidence[order][last] * 1e4) / 1e4)
        coverage, share = _above(confidence, correct, weights, threshold)
        if share is not None and share >= right:
            return threshold, coverage, share
    return _NEVER, 0.0, 0.0


def _surest(
    confidence: Floats, correct: npt.NDArray[np.bool_], weights: Floats
) -> tuple[float, ...]:
    """The share of right ones in the windows of most confidence that are `_SUREST` of all."""
    order = np.argsort(-confidence, kind="stable")
    covered = np.cumsum(weights[order])
    right = np.cumsum((weights * correct)[order]) / covered
    last = np.searchsorted(covered / covered[-1], _SUREST)
    return tuple(right[np.minimum(last, right.size - 1)].tolist())


def _above(
    confidence: Floats, correct: npt.NDArray[np.bool_], weights: Floats, threshold: float
) -> tuple[float, float | None]:
    """What is decided at a threshold: coverage, and the share right there, None if nothing is."""
    decided = confidence >= threshold
    covered = float(weights[decided].sum() / weights.sum())
    return covered, float(
        np.average(correct[decided], weights=weights[decided])
    ) if covered else None


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


def _corpus(answers: Answers, temperature: float, threshold: float) -> UnseenCorpus:
    probabilities, labels = softmax(answers.logits, temperature), answers.labels
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
        answers.corpus,
        int(labels.size),
        _uar(probabilities.argmax(1), labels),
        _uar((logs + elsewhere).argmax(1), labels),
        _uar((logs - logs.mean(0) + elsewhere).argmax(1), labels),
        auc,
        _grouped(probabilities, labels, arousal, 2),
        _grouped(probabilities, labels, valence, 3),
        alarms,
        *_above(
            probabilities.max(1), probabilities.argmax(1) == labels, _weights(labels), threshold
        ),
    )


def _grouped(probabilities: Floats, labels: Ints, groups: npt.NDArray[Any], n: int) -> float | None:
    """UAR of groups of classes, which a window's probabilities add up to; None if one is absent."""
    sums = np.stack([probabilities[:, groups == k].sum(1) for k in range(n)], axis=1)
    of = groups.astype(np.int64)[labels]
    return _uar(sums.argmax(1), of) if len(np.unique(of)) == n else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _table(unseen: Unseen, first: str) -> str:
    """A row for each corpus, as Markdown; `first` names the first column."""
    rows = "\n".join(
        f"| {one.corpus} | {one.n} | {_percent(one.uar)} | {_percent(one.uar_within)} "
        f"| {_percent(one.uar_centred)} | "
        + ("–" if one.angry_auc is None else f"{one.angry_auc:.2f}")
        + f" | {_percent(one.arousal_uar)} | {_percent(one.valence_uar)} | "
        + ("–" if one.false_alarms is None else f"{one.false_alarms:.0f}")
        + f" | {_percent(one.coverage)} | {_percent(one.right)} |"
        for one in unseen.corpora
    )
    head = f"| {first} | n | UAR % | own classes | bias removed | angry AUC | arousal UAR % "
    head += "| valence UAR % | false alarms | decided % | right % |\n" + "| --- " * 11 + "|"
    return f"{head}\n{rows}"


def write_unseen(unseen: Unseen) -> str:
    """Of a recipe, as Markdown, for the model card."""
    raw, centred = unseen.mean
    decided, right, strict = map(_percent, (unseen.coverage, unseen.right, unseen.coverage_80))
    surest = ", ".join(map(_percent, unseen.surest))
    if unseen.threshold == _NEVER:
        last = """No threshold makes enough of the decided windows right, so by itself it decides
  nothing; a threshold of one's own, or teaching it, does."""
    else:
        last = f"""At the threshold {decided} % of these windows are decided, {right} % of them
  correctly; 80 % right would leave {strict} % decided."""
    if unseen.nested:
        decided, right = map(_percent, unseen.nested)
        last += f"""
- Of each corpus, by temperature and threshold that the others allow: {decided} % decided,
  {right} % of them correctly. That is what the threshold was raised for."""
    return f"""{unseen.source} (one window per clip, clean).
This is what to expect of voices, rooms and languages that it does not know, and what
temperature and threshold are fitted on. UAR among all eight classes; among the corpus's own; and
the same with the answer's bias removed (the mean log-probability over the corpus subtracted):

{_table(unseen, "left out")}

- Mean over corpora, among their own classes: {_percent(raw)} %, with the bias removed
  {_percent(centred)} %.
- "False alarms": windows of neutral or calm speech decided to be angry, per hour of such speech.
- Arousal: high against low; valence: negative, neutral, positive; both add the classes up.
- Calibration on these corpora (ECE, 15 bins, corpora and classes alike): {unseen.ece:.3f}.
- Of the 5, 10 and 20 % of the windows that it is surest of, {surest} % are right.
- {last}"""


def write_file(unseen: Unseen) -> str:
    """Of a file, as Markdown."""
    decided, right, strict = map(_percent, (unseen.coverage, unseen.right, unseen.coverage_80))
    last = f"{decided} % are decided, {right} % of them correctly"
    last = last if unseen.coverage else "nothing is decided"
    return f"""This very file on corpora of which it heard nothing, at its own temperature and
threshold, which were not fitted on them (one window per clip, clean; columns: UAR among all eight
classes, among the corpus's own, with the answer's bias removed; false alarms: windows of neutral or
calm speech decided to be angry, per hour of such speech; decided at the threshold, classes alike,
and right among those):

{_table(unseen, "corpus")}

Corpora alike, {last}; 80 % right would leave {strict} % decided. ECE {unseen.ece:.3f}."""
