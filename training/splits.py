"""Who is trained on, who tunes, who is tested: by speaker wherever that is claimed."""

from __future__ import annotations

from dataclasses import dataclass

from training.cache import CachedClip
from training.corpora import NOISE
from training.labels import INDEX
from training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Split:
    """Clips of the three parts; none is in two of them."""

    train: tuple[CachedClip, ...]
    validation: tuple[CachedClip, ...]
    test: tuple[CachedClip, ...]


def usable_clips(clips: tuple[CachedClip, ...], recipe: Recipe) -> tuple[CachedClip, ...]:
    """The labelled clips of the recipe's corpora, without the classes it ignores there."""
    return tuple(
        clip
        for name, corpus in recipe.corpora.items()
        for clip in clips
        if clip.corpus == name
        and clip.emotion is not None
        and clip.emotion not in corpus.ignored_classes
    )


def split_clips(clips: tuple[CachedClip, ...], recipe: Recipe) -> Split:
    """Divide the labelled clips by the speakers that the recipe names.

    Raises:
        ValueError: a speaker is named on both sides, or a named speaker does not exist.
    """
    parts: dict[str, list[CachedClip]] = {"train": [], "validation": [], "test": []}
    usable = usable_clips(clips, recipe)
    for name, corpus in recipe.corpora.items():
        own = [c for c in usable if c.corpus == name]
        validation, test = set(corpus.validation_speakers), set(corpus.test_speakers)
        if both := validation & test:
            raise ValueError(f"{name}: speakers {sorted(both)} are in validation and test")
        speakers = {c.speaker for c in own}
        if own and (unknown := (validation | test) - speakers):
            raise ValueError(f"{name}: no speaker {sorted(unknown)}; there are {sorted(speakers)}")
        for clip in own:
            held_out = "validation" if clip.speaker in validation else "test"
            part = held_out if clip.speaker in validation | test else "train"
            parts[part].append(clip)
    return Split(*(tuple(parts[key]) for key in ("train", "validation", "test")))


def noise_clips(clips: tuple[CachedClip, ...]) -> tuple[CachedClip, ...]:
    """The clips without speech."""
    return tuple(c for c in clips if c.corpus == NOISE)


def corpus_classes(clips: tuple[CachedClip, ...]) -> dict[str, frozenset[int]]:
    """The classes each corpus really has.

    A softmax restricted to these keeps the model from learning that a missing class means a
    certain recording channel.
    """
    found: dict[str, set[int]] = {}
    for clip in clips:
        if clip.emotion is not None:
            found.setdefault(clip.corpus, set()).add(INDEX[clip.emotion])
    return {corpus: frozenset(classes) for corpus, classes in found.items()}
