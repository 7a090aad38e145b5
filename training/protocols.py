"""The evaluation protocols: which clips train, tune and test, fold by fold.

- **paper**: random 80/20 of RAVDESS + SAVEE, stratified by class, 5 seeds; speakers are shared
  (DeepEmoNet, arXiv 2509.00025, does not say that they are separated).
- **speaker-independent**: EmoBox's six RAVDESS folds of four actors; SAVEE's four speakers left
  out one at a time, each together with one of the first four RAVDESS folds, since a model that
  was trained on neither is a valid answer to both.
- **cross-corpus**: one corpus of the recipe is not trained on at all, and is the test, in the
  classes that the training corpora have (of a large one, 600 clips drawn once); every corpus in
  turn.
- **corpus-groups**: the same with two or three corpora left out at once, so that few trainings
  leave out all: less is known than of any one alone, so what is told of them is no praise.

The first two test RAVDESS and SAVEE only; other corpora of a recipe are trained on whole. Nothing
is fitted on test clips: the validation part is for temperature and threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from training.cache import CachedClip
from training.recipe import Recipe
from training.splits import Split, usable_clips

Protocol = Literal["paper", "speaker-independent", "cross-corpus", "corpus-groups", "cremad"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

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
# Amharic, single words in Indian English and Turkish; actors who say a few short sentences; other
# speakers of English; German and Polish.
CORPUS_GROUPS = (
    ("ased", "emospeech", "turev"),
    ("ravdess", "savee"),
    ("tess", "cremad"),
    ("emodb", "nemo"),
)


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
    candidates = tuple(dict.fromkeys((*usable, *tested)))
    # RAVDESS and SAVEE are tested even by a recipe that trains on neither.
    targets = tuple(dict.fromkeys((*TESTED, *recipe.corpora)))
    groups: Sequence[tuple[str, ...]] = [(target,) for target in targets]
    if protocol == "corpus-groups":
        groups = [tuple(one for one in group if one in targets) for group in CORPUS_GROUPS]
    return tuple(_left_out(usable, candidates, groups))


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


def _left_out(
    usable: tuple[CachedClip, ...],
    candidates: tuple[CachedClip, ...],
    groups: Sequence[tuple[str, ...]],
) -> Iterator[Fold]:
    """For each group of corpora a fold that trains on all others, and is tested on `candidates`."""
    for group in groups:
        rest = tuple(c for c in usable if c.corpus not in group)
        known = {c.emotion for c in rest}
        test: tuple[CachedClip, ...] = ()
        for target in group:
            own = tuple(c for c in candidates if c.corpus == target and c.emotion in known)
            if len(own) > MOST_TESTED:
                chosen = np.random.default_rng(1).choice(len(own), MOST_TESTED, replace=False)
                own = tuple(own[i] for i in sorted(chosen))
            test += own
        if not rest or not test:
            continue
        tuning = set(
            np.random.default_rng(0).choice(len(rest), len(rest) // 10, replace=False).tolist()
        )
        yield Fold(
            f"without-{'-'.join(group)}",
            Split(
                tuple(c for i, c in enumerate(rest) if i not in tuning),
                tuple(c for i, c in enumerate(rest) if i in tuning),
                test,
            ),
        )
