"""What adapting answers to their source brings, on speech that a model was never trained on.

Turns (clips) of a corpus are drawn so that a given share is neutral and the other classes are
alike. What is known of the source is drawn in the same way from one half of the corpus, and what is
measured from the other; speakers are in both, as they are on somebody's own line. A turn's answer
is the mean over its windows. A false alarm is a neutral turn that is decided to be angry, or
unpleasant at all; hours are hours of neutral speech.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from emolive.archive.baselines import FILES_HALF_MINUTES
from emolive.baseline import PRESETS, Evidence, ExpectedMix, Measured
from emolive.baseline.evidence import MOST_STRENGTH, log_probabilities, moved
from emolive.inference.decision import DecisionConfig, calibrated
from emolive.inference.metadata import ModelMetadata
from emolive.labels import is_negative
from emolive.types import FloatArray
from training.answers import Answers
from training.corpora import MEASURED_ONLY
from training.labels import INDEX, LABELS
from training.metrics import score

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIXES = (0.45, 0.70, 0.90)
_TEST_TURNS = 1_000
_SEEDS = range(5)
_KNOWN = (10, 30, 120)
_STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
_CURVE = (0.3, 0.45, 0.6, 0.7, 0.8, 0.9)
_LEAST_NEUTRAL = 15
_UNPLEASANT = [index for index, label in enumerate(LABELS) if is_negative(label)]
_NEUTRAL, _ANGRY = INDEX["neutral"], INDEX["angry"]


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Probabilities ``(n, n_classes)``, classes ``(n,)`` and minutes ``(n,)`` of one corpus."""

    probabilities: FloatArray
    labels: Ints
    minutes: Floats

    def __getitem__(self, some: npt.NDArray[np.intp]) -> Turns:
        return Turns(self.probabilities[some], self.labels[some], self.minutes[some])

    def mixed(self, rng: np.random.Generator, neutral: float, n: int) -> Turns:
        """`n` of them, drawn so that this share is neutral and the other classes are alike."""
        classes = [label for label in np.unique(self.labels) if label != _NEUTRAL]
        wanted = {_NEUTRAL: neutral} | {label: (1 - neutral) / len(classes) for label in classes}
        drawn = [
            rng.choice(np.flatnonzero(self.labels == label), max(1, round(share * n)))
            for label, share in wanted.items()
        ]
        return self[np.concatenate(drawn)]

    def first_minutes(self, rng: np.random.Generator, minutes: float) -> Turns:
        """As many of them, in any order, as last so long."""
        order = rng.permutation(len(self.labels))
        return self[order[: int(np.searchsorted(np.cumsum(self.minutes[order]), minutes)) + 1]]

    @property
    def evidence(self) -> Evidence:
        """What they say of their source."""
        return Evidence(log_probabilities(self.probabilities), self.minutes)

    def adapted(self, vector: Floats) -> Turns:
        """With this vector added to the log-probabilities."""
        return Turns(moved(self.probabilities, vector), self.labels, self.minutes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of decided turns; the last three are shares, and counts per hour of neutral speech."""

    uar: float
    ece: float
    angry_alarms: float
    unpleasant_alarms: float
    angry_found: float
    decided: float

    @classmethod
    def of(cls, turns: Turns, threshold: float) -> Self:
        """Of these turns, where answers below the threshold are uncertain."""
        found = score(turns.probabilities.astype(np.float64), turns.labels)
        leading = turns.probabilities.argmax(axis=1)
        decided = turns.probabilities.max(axis=1) >= threshold
        neutral, angry = turns.labels == _NEUTRAL, turns.labels == _ANGRY
        hours = turns.minutes[neutral].sum() / 60
        return cls(
            found.uar,
            found.ece,
            float((decided & neutral & (leading == _ANGRY)).sum() / hours),
            float((decided & neutral & np.isin(leading, _UNPLEASANT)).sum() / hours),
            float((decided & angry & (leading == _ANGRY)).sum() / angry.sum()),
            float(decided.mean()),
        )

    @classmethod
    def mean(cls, outcomes: Sequence[Outcome]) -> Self:
        """The mean of each number."""
        names = cls.__dataclass_fields__
        return cls(*(float(np.mean([getattr(one, name) for one in outcomes])) for name in names))


def turns_by_corpus(answers: Answers, temperature: float) -> dict[str, Turns]:
    """All turns, by corpus."""
    windows = calibrated(answers.logits, temperature)
    means = np.stack(
        [windows[a:b].mean(axis=0) for a, b in zip(answers.first, answers.first[1:], strict=False)]
    )
    labels = np.array([INDEX[clip.emotion] for clip in answers.clips if clip.emotion is not None])
    minutes = np.array([clip.length / 16_000 / 60 for clip in answers.clips])
    corpora = np.array([clip.corpus for clip in answers.clips])
    whole = Turns(means, labels, minutes)
    return {str(name): whole[np.flatnonzero(corpora == name)] for name in dict.fromkeys(corpora)}


def with_neutral(corpora: Mapping[str, Turns]) -> dict[str, Turns]:
    """Those in which enough neutral and some angry speech is."""
    return {
        name: turns
        for name, turns in corpora.items()
        if (turns.labels == _NEUTRAL).sum() >= _LEAST_NEUTRAL and (turns.labels == _ANGRY).any()
    }


def ways(past: Turns, test: Turns, rng: np.random.Generator) -> Iterator[tuple[str, Turns]]:
    """The test turns as they are, and adapted in each way."""
    yield "the model's own", test

    def known(minutes: float, expected: ExpectedMix) -> Turns:
        heard = past.first_minutes(rng, minutes).evidence
        return test.adapted(heard.vector(expected, LABELS))

    for minutes in _KNOWN:
        yield f"{minutes} min known, talk", known(minutes, ExpectedMix(PRESETS["talk"]))
    for name in ("calls", "balanced"):
        yield f"{_KNOWN[-1]} min known, {name}", known(_KNOWN[-1], ExpectedMix(PRESETS[name]))
    together = test.evidence.vector(ExpectedMix(), LABELS, FILES_HALF_MINUTES)
    yield "files together, talk", test.adapted(together)


def halves(turns: Turns, rng: np.random.Generator) -> tuple[Turns, Turns]:
    """Each class in two equal parts."""
    first: list[int] = []
    second: list[int] = []
    for label in np.unique(turns.labels):
        own = rng.permutation(np.flatnonzero(turns.labels == label))
        first += own[: len(own) // 2].tolist()
        second += own[len(own) // 2 :].tolist()
    return turns[np.array(first)], turns[np.array(second)]


def measured(
    corpora: Mapping[str, Turns], neutral: float, threshold: float
) -> dict[str, dict[str, Outcome]]:
    """By the way of adapting and corpus, at this share of neutral speech."""
    found: dict[str, dict[str, list[Outcome]]] = {}
    for name, turns in corpora.items():
        for seed in _SEEDS:
            rng = np.random.default_rng(seed)
            before, after = halves(turns, rng)
            past = before.mixed(rng, neutral, 6_000)
            test = after.mixed(rng, neutral, _TEST_TURNS)
            for way, adapted in ways(past, test, rng):
                outcome = Outcome.of(adapted, threshold)
                found.setdefault(way, {}).setdefault(name, []).append(outcome)
    return {
        way: {name: Outcome.mean(all_) for name, all_ in by_corpus.items()}
        for way, by_corpus in found.items()
    }


def curve(corpora: Mapping[str, Turns], threshold: float) -> dict[ExpectedMix | None, Outcome]:
    """What each expected mix leads to, where 70 % is neutral and an hour is known; None: none."""
    rows: dict[ExpectedMix | None, Outcome] = {}
    for expected in (None, ExpectedMix(None), *map(ExpectedMix, _CURVE)):
        outcomes = []
        for turns in corpora.values():
            for seed in _SEEDS:
                rng = np.random.default_rng(seed)
                before, after = halves(turns, rng)
                past = before.mixed(rng, 0.7, 3_000).first_minutes(rng, 60)
                test = after.mixed(rng, 0.7, _TEST_TURNS)
                if expected is not None:
                    test = test.adapted(past.evidence.vector(expected, LABELS))
                outcomes.append(Outcome.of(test, threshold))
        rows[expected] = Outcome.mean(outcomes)
    return rows


def strengths(
    corpora: Mapping[str, Turns], threshold: float
) -> Iterator[tuple[float | None, list[Outcome]]]:
    """What the most that is taken of the vector leads to, at each of `MIXES`; None: nothing.

    Two hours are known, and the usual mix is expected.
    """
    for most in (None, *_STRENGTHS):
        found = []
        for neutral in MIXES:
            outcomes = []
            for turns in corpora.values():
                for seed in _SEEDS:
                    rng = np.random.default_rng(seed)
                    before, after = halves(turns, rng)
                    past = before.mixed(rng, neutral, 6_000).first_minutes(rng, _KNOWN[-1])
                    test = after.mixed(rng, neutral, _TEST_TURNS)
                    if most is not None:
                        vector = past.evidence.vector(ExpectedMix(), LABELS)
                        test = test.adapted(vector * most / MOST_STRENGTH)
                    outcomes.append(Outcome.of(test, threshold))
            found.append(Outcome.mean(outcomes))
        yield most, found


def told(curve: Mapping[ExpectedMix | None, Outcome], threshold: float) -> Measured | None:
    """The curve as the program tells it; None: without adapting, there is nothing to compare."""

    def both(expected: ExpectedMix | None) -> tuple[float, float]:
        one = curve[expected]
        return round(one.unpleasant_alarms, 1), round(one.angry_found, 3)

    own = both(None)
    if not all(own):
        return None
    neutral = tuple((share, *both(ExpectedMix(share))) for share in _CURVE)
    return Measured(round(threshold, 4), own, both(ExpectedMix(None)), neutral)


def _mix_name(expected: ExpectedMix | None) -> str:
    if expected is None:
        return "the model's own"
    return "balanced" if expected.neutral is None else f"{expected.neutral:.0%}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def kept_when_angry(
    turns: Turns, neutral: float, expected: float, threshold: float
) -> float | None:
    """Of the angry turns that are decided to be angry, the share that still are, two hours known.

    An angry call after ordinary ones of which so much was neutral. None: none is decided.
    """
    rng = np.random.default_rng(0)
    past = turns.mixed(rng, neutral, 6_000).first_minutes(rng, 120)
    angry = turns[np.flatnonzero(turns.labels == _ANGRY)]
    after = angry.adapted(past.evidence.vector(ExpectedMix(expected), LABELS)).probabilities
    decided = angry.probabilities.max(axis=1) >= threshold
    decided &= angry.probabilities.argmax(axis=1) == _ANGRY
    # What is shown is given up only this much below the threshold.
    still = after.max(axis=1) >= threshold - DecisionConfig().threshold_band
    still &= after.argmax(axis=1) == _ANGRY
    return float(still[decided].mean()) if decided.any() else None


def other_gains(answers: Answers, temperature: float) -> dict[str, dict[str, float]]:
    """UAR by what else needs no label and by corpus; all clips of a corpus are its source."""
    corpora = np.array([clip.corpus for clip in answers.clips])
    speakers = np.array([f"{clip.corpus} {clip.speaker}" for clip in answers.clips])
    labels = np.array([INDEX[clip.emotion] for clip in answers.clips if clip.emotion is not None])
    pooled = np.concatenate(
        [one.probabilities for one in turns_by_corpus(answers, temperature).values()]
    )
    order = np.concatenate([np.flatnonzero(corpora == name) for name in dict.fromkeys(corpora)])
    turn = np.empty_like(pooled)
    turn[order] = pooled
    ways_: dict[str, FloatArray] = {
        "one window": calibrated(answers.centre, temperature),
        "mean over the turn": turn,
    }
    if answers.same_bands is not None:
        ways_["window, the speaker's bands moved"] = calibrated(answers.same_bands, temperature)
    if answers.embeddings is not None:
        for name, groups in (("source", corpora), ("speaker", speakers)):
            logits = _centred(answers, groups)
            ways_[f"window, embedding centred per {name}"] = calibrated(logits, temperature)
    adapted = np.empty_like(turn)
    for name in dict.fromkeys(corpora):
        own = np.flatnonzero(corpora == name)
        minutes = np.full(len(own), 1.0)
        vector = Evidence(log_probabilities(turn[own]), minutes).vector(ExpectedMix(None), LABELS)
        adapted[own] = moved(turn[own], vector)
    ways_["turn, baseline (balanced)"] = adapted
    return {
        way: {
            str(name): score(found[corpora == name].astype(np.float64), labels[corpora == name]).uar
            for name in dict.fromkeys(corpora)
        }
        for way, found in ways_.items()
    }


def _centred(answers: Answers, groups: npt.NDArray[np.str_]) -> FloatArray:
    """Logits of embeddings whose mean over each group is that of training speech.

    The last layer, which is linear, is found from embeddings and logits by least squares.
    """
    assert answers.embeddings is not None
    assert answers.usual_embedding is not None
    embeddings = answers.embeddings.astype(np.float64)
    inputs = np.column_stack([embeddings, np.ones(len(embeddings))])
    layer = np.linalg.lstsq(inputs, answers.centre.astype(np.float64), rcond=None)[0]
    moved_ = embeddings.copy()
    for group in np.unique(groups):
        own = groups == group
        moved_[own] += answers.usual_embedding - embeddings[own].mean(axis=0)
    logits: FloatArray = (np.column_stack([moved_, inputs[:, -1]]) @ layer).astype(np.float32)
    return logits


def write_tables(answers: Answers, metadata: ModelMetadata) -> str:
    """Everything as Markdown."""
    turns = turns_by_corpus(answers, metadata.temperature)
    mixed, threshold = with_neutral(turns), metadata.abstention_threshold
    apart = {name: mixed.pop(name) for name in sorted(MEASURED_ONLY & set(mixed))}
    parts = [
        f"### {metadata.name}",
        f"Turns of {', '.join(f'{name} ({len(one.labels)})' for name, one in turns.items())}; "
        f"those with neutral and angry speech in the first tables: {', '.join(mixed)}.",
        _mixes(mixed, threshold),
    ]
    parts.append("What is expected, where 70 % is neutral and an hour is known:")
    mixes = curve(mixed, threshold)
    parts.append(
        _table(
            ("expected neutral", "UAR %", "ECE", "unpleasant alarms / h", "angry found"),
            [
                (_mix_name(expected), f"{100 * one.uar:.1f}", f"{one.ece:.3f}",
                 f"{one.unpleasant_alarms:.0f}", f"{one.angry_found:.0%}")
                for expected, one in mixes.items()
            ],
        )
    )  # fmt: skip
    parts.append("How much of the vector is used at most (two hours known, talk):")
    numbers = ("UAR %", "unpleasant alarms / h", "angry found")
    parts.append(
        _table(
            ("at most", *(f"{number}, {neutral:.0%}" for neutral in MIXES for number in numbers)),
            [
                (
                    "nothing" if most is None else f"{most:.1f}",
                    *(
                        cell
                        for one in found
                        for cell in (
                            f"{100 * one.uar:.1f}",
                            f"{one.unpleasant_alarms:.0f}",
                            f"{one.angry_found:.0%}",
                        )
                    ),
                )
                for most, found in strengths(mixed, threshold)
            ],
        )
    )
    measured_ = told(mixes, threshold)
    entry = "no entry" if measured_ is None else f"{metadata.name!r}: {measured_}"
    parts.append(f"For `MEASURED` of `emolive/baseline/measured.py`: `{entry}`")
    if apart:
        parts.append(f"The same of {', '.join(apart)}, which is for measuring only:")
        parts.append(_mixes(apart, threshold))
    parts.append("Angry calls after ordinary ones: angry turns whose label stays.")
    mixed |= apart
    shares = [(neutral, expected) for neutral in (0.45, 0.7, 0.9) for expected in (0.45, 0.7)]
    parts.append(
        _table(
            ("ordinary calls neutral, expected", *mixed),
            [
                (f"{neutral:.0%}, {expected:.0%}",
                 *(_share(kept_when_angry(one, neutral, expected, threshold))
                   for one in mixed.values()))
                for neutral, expected in shares
            ],
        )
    )  # fmt: skip
    parts.append("Other ways without labels, each corpus as it is (UAR %):")
    gains = other_gains(answers, metadata.temperature)
    parts.append(
        _table(
            ("answer", *turns, "mean"),
            [
                (way, *(f"{100 * uar:.1f}" for uar in found.values()),
                 f"{100 * np.mean(list(found.values())):.1f}")
                for way, found in gains.items()
            ],
        )
    )  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _mixes(corpora: Mapping[str, Turns], threshold: float) -> str:
    """What each way leads to, at each share of neutral speech."""
    rows = []
    for neutral in MIXES:
        for way, by_corpus in measured(corpora, neutral, threshold).items():
            one = Outcome.mean(list(by_corpus.values()))
            rows.append(
                (
                    f"{neutral:.0%}", way, *(f"{100 * o.uar:.0f}" for o in by_corpus.values()),
                    f"**{100 * one.uar:.1f}**", f"{one.ece:.3f}", f"{one.angry_alarms:.0f}",
                    f"{one.unpleasant_alarms:.0f}", f"{one.angry_found:.0%}",
                )
            )  # fmt: skip
    return _table(
        ("neutral", "answers", *(f"UAR {n}" for n in corpora), "mean UAR %", "ECE",
         "angry alarms / h", "unpleasant alarms / h", "angry found"),
        rows,
    )  # fmt: skip


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
