"""What a few labels of new speakers are worth: `emolive adapt`, measured on corpora.

For each corpus, and each draw: so many clips of each class are drawn, a head is taught with them
exactly as `emolive adapt` does, and other clips are answered by it and by the base model: all clips
of other speakers, the speakers being divided in two halves by chance; or all other clips of all
speakers, as for somebody who teaches a model their own callers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from emolive.adapt.examples import Examples, Heard, Listener
from emolive.adapt.head import base_head, fit_head
from emolive.adapt.judging import cross_validated, judge
from emolive.adapt.labelled import Labelled, Origin, Stretch
from emolive.inference.classifier import Classifier
from training.corpora.clip import Clip

_ORIGIN = Origin("folder", "0" * 32)
# Of a class: what is drawn, and what is left to test on, comes from these.
MOST_CLIPS = 150
# Among the kept results of other commands.
KEPT = "adapting.json"


class Row(BaseModel):
    """One corpus and number of labels per class; UAR of windows in %.

    `low` and `high` bound the gain of 95 of 100 draws. `better` and `worse` are shares of draws in
    which the model's own judgement said so, `gain_if_better` the mean true gain of those that it
    called better (None: none).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str
    tested_on: str
    classes: int
    speakers: int
    labels_per_class: int
    noise: float
    draws: int
    base_uar: float
    adapted_uar: float
    gain: float
    low: float
    high: float
    better: float
    worse: float
    gain_if_better: float | None


class Adapting(BaseModel):
    """What was measured on one base model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    rows: tuple[Row, ...]


def hear_corpus(
    clips: Iterable[Clip], classifier: Classifier, progress: Callable[[int, int], None]
) -> list[Heard]:
    """What the base model makes of the labelled clips of one corpus, evenly many of each class."""
    by_class: dict[str, list[Stretch]] = defaultdict(list)
    for clip in clips:
        if clip.emotion is not None:
            by_class[clip.emotion].append(
                Stretch(clip.path, clip.emotion, clip.start_s, clip.end_s, clip.speaker, _ORIGIN)
            )
    random = np.random.default_rng(0)
    chosen = [
        stretches[i]
        for stretches in by_class.values()
        for i in random.permutation(len(stretches))[:MOST_CLIPS]
    ]
    heard, _ = Listener(classifier).hear(Labelled(tuple(chosen)), progress)
    return heard


def measure_adapting(
    corpus: str,
    heard: Sequence[Heard],
    base_labels: tuple[str, ...],
    per_class: Sequence[int],
    *,
    draws: int,
    noise: float = 0.0,
    shared: bool = False,
) -> list[Row]:
    """A row for each number of labels that the corpus has enough clips for; `shared` speakers?"""
    rows = []
    speakers = sorted({one.stretch.group or "" for one in heard})
    for n in per_class:
        found = []
        for draw in range(draws):
            random = np.random.default_rng((draw, n))
            taught, tested = _divided(heard, [] if shared else speakers, n, random)
            if not taught:
                break
            found.append(_one_draw(taught, tested, base_labels, noise, random))
        if len(found) < draws:
            continue
        base, adapted, verdicts = (np.array(column) for column in zip(*found, strict=True))
        gains = 100 * (adapted - base)
        called = gains[verdicts == "better"]
        rows.append(
            Row(
                corpus=corpus,
                tested_on="the same speakers" if shared else "other speakers",
                classes=len({one.stretch.label for one in heard}),
                speakers=len(speakers),
                labels_per_class=n,
                noise=noise,
                draws=draws,
                base_uar=round(100 * float(base.mean()), 1),
                adapted_uar=round(100 * float(adapted.mean()), 1),
                gain=round(float(gains.mean()), 1),
                low=round(float(np.quantile(gains, 0.025)), 1),
                high=round(float(np.quantile(gains, 0.975)), 1),
                better=round(float((verdicts == "better").mean()), 2),
                worse=round(float((verdicts == "worse").mean()), 2),
                gain_if_better=round(float(called.mean()), 1) if len(called) else None,
            )
        )
    return rows


def _divided(
    heard: Sequence[Heard], speakers: Sequence[str], n: int, random: np.random.Generator
) -> tuple[list[Heard], list[Heard]]:
    """`n` of each class to teach with, and what to test on; nothing where there are fewer.

    The test is on the speakers of the other half, or without `speakers` on everything else.
    """
    mine = {speakers[i] for i in random.permutation(len(speakers))[: (len(speakers) + 1) // 2]}
    pool: dict[str, list[Heard]] = defaultdict(list)
    for one in heard:
        if one.stretch.group in mine or not speakers:
            pool[one.stretch.label].append(one)
    labels = {one.stretch.label for one in heard}
    tested = [one for one in heard if one.stretch.group not in mine]
    if any(len(pool[label]) < n for label in labels):
        return [], []
    taught = [
        pool[label][i] for label in sorted(labels) for i in random.permutation(len(pool[label]))[:n]
    ]
    if not speakers:
        drawn = {id(one) for one in taught}
        tested = [one for one in heard if id(one) not in drawn]
    return taught, tested


def _one_draw(
    taught: list[Heard],
    tested: list[Heard],
    base_labels: tuple[str, ...],
    noise: float,
    random: np.random.Generator,
) -> tuple[float, float, str]:
    """UAR of the base and of what was taught, 0 to 1, and the model's own judgement."""
    examples = Examples.of(taught, base_labels)
    if noise:
        examples = _with_noise(examples, noise, random)
    head = fit_head(examples)
    own = judge(cross_validated(examples))
    asked = Examples.of(tested, base_labels)
    # Classes that no test speaker has do not count.
    columns = [examples.labels.index(label) for label in asked.labels]
    base = base_head(examples)
    assert base is not None, "the base knows the corpora's classes"
    return (
        _uar(base.probabilities(asked), asked, columns),
        _uar(head.probabilities(asked), asked, columns),
        own.verdict,
    )


def _uar(probabilities: npt.NDArray[np.float64], examples: Examples, columns: list[int]) -> float:
    target = np.array(columns)[examples.target]
    hits = examples.weight * (probabilities.argmax(1) == target)
    n = len(columns)
    recalls = np.bincount(examples.target, hits, n) / np.bincount(
        examples.target, examples.weight, n
    )
    return float(recalls.mean())


def _with_noise(examples: Examples, noise: float, random: np.random.Generator) -> Examples:
    """With so large a share of the clips given another label, by chance."""
    target = examples.target.copy()
    clips = np.unique(examples.clip)
    for clip in random.permutation(clips)[: round(noise * len(clips))]:
        rows = examples.clip == clip
        others = [i for i in range(len(examples.labels)) if i != target[rows][0]]
        target[rows] = random.choice(others)
    return replace(examples, target=target)


def test_speakers(card: Path, corpus: str) -> tuple[str, ...] | None:
    """Whom a model's card names as its test speakers of a corpus; None: it was not trained on it.

    Raises:
        ValueError: the card has no such table.
    """
    text = card.read_text(encoding="utf-8")
    if "| test speakers |" not in text:
        raise ValueError(f"{card} names no test speakers")
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0] == corpus:
            return () if cells[4] == "none" else tuple(cells[4].split(", "))
    return None
