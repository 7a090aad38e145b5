"""The evaluation protocols: which clips train, tune and test, fold by fold.

- **paper**: random 80/20 of RAVDESS + SAVEE, stratified by class, 5 seeds; speakers are shared
  (DeepEmoNet, arXiv 2509.00025, does not say that they are separated).
- **speaker-independent**: EmoBox's six RAVDESS folds of four actors; SAVEE's four speakers left
  out one at a time, each together with one of the first four RAVDESS folds, since a model that
  was trained on neither is a valid answer to both.
- **cross-corpus**: one corpus of the recipe is not trained on at all, and is the test, in the
  classes that the training corpora have (of a large one, 600 clips drawn once); every corpus in
  turn.

The first two test RAVDESS and SAVEE only; other corpora of a recipe are trained on whole. Nothing
is fitted on test clips: the validation part is for temperature and threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from training.cache import CachedClip
from training.recipe import Recipe
from training.splits import Split, usable_clips

Protocol = Literal["paper", "speaker-independent", "cross-corpus", "cremad"]
PROTOCOLS: tuple[Protocol, ...] = ("paper", "speaker-independent", "cross-corpus", "cremad")

RAVDESS_FOLDS = (
    ("01", "11", "20", "21"),
    ("04", "10", "12", "14"),
    ("08", "09", "19", "23"),
    ("03", "05", "07", "24"),
    ("02", "15", "16", "18"),
    ("06", "13", "17", "22"),
)
SAVEE_SPEAKERS = ("DC", "JE", "JK", "KL")
PAPER_SEEDS = 5
CREMAD_FOLDS = 5
TESTED = ("ravdess", "savee")
MOST_TESTED = 600  # clips of a corpus that was left out


@dataclass(frozen=True, slots=True)
class Fold:
    """One training and its test."""

    name: str
    split: Split


def folds(protocol: Protocol, clips: tuple[CachedClip, ...], recipe: Recipe) -> tuple[Fold, ...]:
    """All folds of a protocol for the recipe's corpora.

    Raises:
        ValueError: neither RAVDESS nor SAVEE is among the clips.
    """
    tested = tuple(c for c in clips if c.corpus in TESTED and c.emotion is not None)
    if not tested:
        raise ValueError("the protocols test on RAVDESS and SAVEE: neither was prepared")
    usable = usable_clips(clips, recipe)
    others = tuple(c for c in usable if c.corpus not in TESTED)
    trained = tuple(c for c in usable if c.corpus in TESTED)
    if protocol == "paper":
        return tuple(_paper(trained, others))
    if protocol == "speaker-independent":
        return tuple(_speaker_independent(trained, others))
    if protocol == "cremad":
        return tuple(_cremad(usable))
    return tuple(_cross_corpus(usable, tested, recipe))


def _paper(tested: tuple[CachedClip, ...], others: tuple[CachedClip, ...]) -> Iterator[Fold]:
    labels = [c.emotion for c in tested]
    for seed in range(PAPER_SEEDS):
        train, test = next(
            StratifiedShuffleSplit(1, test_size=0.2, random_state=seed).split(labels, labels)
        )
        # A tenth of the training clips only tunes.
        kept, tuning = next(
            StratifiedShuffleSplit(1, test_size=0.1, random_state=seed).split(
                train, [labels[i] for i in train]
            )
        )
        parts = (train[kept], train[tuning], test)
        training, validation, testing = (tuple(tested[i] for i in part) for part in parts)
        yield Fold(f"seed-{seed}", Split(training + others, validation, testing))


def _speaker_independent(
    tested: tuple[CachedClip, ...], others: tuple[CachedClip, ...]
) -> Iterator[Fold]:
    for i, actors in enumerate(RAVDESS_FOLDS):
        held_out = {("ravdess", a) for a in actors}
        held_out |= {("savee", s) for s in SAVEE_SPEAKERS[i : i + 1]}
        # The next man and the next woman tune; RAVDESS gives men odd numbers.
        following = [a for fold in (*RAVDESS_FOLDS[i + 1 :], *RAVDESS_FOLDS[:i]) for a in fold]
        tuners = {
            ("ravdess", next(a for a in following if int(a) % 2 == parity)) for parity in (0, 1)
        }
        who = [(c.corpus, c.speaker) for c in tested]
        yield Fold(
            f"fold-{i + 1}",
            Split(
                tuple(
                    c
                    for c, w in zip(tested, who, strict=True)
                    if w not in held_out and w not in tuners
                )
                + others,
                tuple(c for c, w in zip(tested, who, strict=True) if w in tuners),
                tuple(c for c, w in zip(tested, who, strict=True) if w in held_out),
            ),
        )


def _cremad(usable: tuple[CachedClip, ...]) -> Iterator[Fold]:
    """CREMA-D's speakers in fifths: one is tested, a tenth of the others tunes."""
    speakers = sorted({c.speaker for c in usable if c.corpus == "cremad"})
    np.random.default_rng(0).shuffle(speakers)
    for i in range(CREMAD_FOLDS if len(speakers) > CREMAD_FOLDS else 0):
        tested = set(speakers[i::CREMAD_FOLDS])
        tuners = set([s for s in speakers if s not in tested][:: 2 * CREMAD_FOLDS])

        def part(clip: CachedClip, tested: set[str] = tested, tuners: set[str] = tuners) -> str:
            if clip.corpus != "cremad":
                return "train"
            held_out = "tune" if clip.speaker in tuners else "train"
            return "test" if clip.speaker in tested else held_out

        parts = {clip: part(clip) for clip in usable}
        names = ("train", "tune", "test")
        yield Fold(
            f"fold-{i + 1}",
            Split(*(tuple(c for c, where in parts.items() if where == name) for name in names)),
        )


def _cross_corpus(
    usable: tuple[CachedClip, ...], tested: tuple[CachedClip, ...], recipe: Recipe
) -> Iterator[Fold]:
    # RAVDESS and SAVEE are tested even by a recipe that trains on neither.
    targets = dict.fromkeys((*TESTED, *recipe.corpora))
    candidates = dict.fromkeys((*usable, *tested))
    for target in targets:
        rest = tuple(c for c in usable if c.corpus != target)
        known = {c.emotion for c in rest}
        test = tuple(c for c in candidates if c.corpus == target and c.emotion in known)
        if not rest or not test:
            continue
        rng = np.random.default_rng(0)
        if len(test) > MOST_TESTED:
            chosen = np.random.default_rng(1).choice(len(test), MOST_TESTED, replace=False)
            test = tuple(test[i] for i in sorted(chosen))
        tuning = set(rng.choice(len(rest), len(rest) // 10, replace=False).tolist())
        yield Fold(
            f"without-{target}",
            Split(
                tuple(c for i, c in enumerate(rest) if i not in tuning),
                tuple(c for i, c in enumerate(rest) if i in tuning),
                test,
            ),
        )
