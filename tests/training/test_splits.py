"""No speaker is on two sides, and every recipe that ships says so about real data."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import training
from training.cache import AudioCache, CachedClip
from training.corpora import Clip, read_corpora
from training.dataset import draw_epoch
from training.recipe import Recipe, load_recipe
from training.splits import Split, corpus_classes, split_clips

RECIPES = [
    path
    for path in sorted((Path(training.__file__).parent / "recipes").glob("*.toml"))
    # The others are only for protocols, which hold out speakers themselves.
    if any(c.test_speakers for c in load_recipe(path).corpora.values())
]


def _speakers(split: Split) -> list[set[tuple[str, str]]]:
    parts = (split.train, split.validation, split.test)
    return [{(c.corpus, c.speaker) for c in part} for part in parts]


def _as_cached(clip: Clip) -> CachedClip:
    """Splitting needs names only, so nothing is decoded."""
    return CachedClip(
        name=clip.path.name,
        corpus=clip.corpus,
        speaker=clip.speaker,
        gender=clip.gender,
        language=clip.language,
        emotion=clip.emotion,
        offset=0,
        length=1,
        digest=clip.path.name,
    )


def test_speakers_do_not_overlap(cache: AudioCache, recipe: Recipe) -> None:
    split = split_clips(cache.clips, recipe)
    train, validation, test = _speakers(split)
    assert train == {("ravdess", "01"), ("ravdess", "02")}
    assert validation == {("ravdess", "03")}
    assert test == {("ravdess", "04")}


def test_same_speaker_on_both_sides_is_refused(cache: AudioCache, recipe: Recipe) -> None:
    ravdess = recipe.corpora["ravdess"].model_copy(update={"test_speakers": ("03",)})
    wrong = recipe.model_copy(update={"corpora": {"ravdess": ravdess}})
    with pytest.raises(ValueError, match="03"):
        split_clips(cache.clips, wrong)


def test_unknown_speaker_is_refused(cache: AudioCache, recipe: Recipe) -> None:
    ravdess = recipe.corpora["ravdess"].model_copy(update={"test_speakers": ("99",)})
    wrong = recipe.model_copy(update={"corpora": {"ravdess": ravdess}})
    with pytest.raises(ValueError, match="99"):
        split_clips(cache.clips, wrong)


def test_an_epoch_is_balanced_and_repeatable(cache: AudioCache, recipe: Recipe) -> None:
    split = split_clips(cache.clips, recipe)
    first = draw_epoch(split.train, recipe, 0)
    assert [e.clip.name for e in first] == [e.clip.name for e in draw_epoch(split.train, recipe, 0)]
    assert [e.clip.name for e in first] != [e.clip.name for e in draw_epoch(split.train, recipe, 1)]
    counts = [sum(e.clip.emotion == emotion for e in first) for emotion in ("calm", "angry")]
    assert counts == [2, 2]


def test_classes_of_a_corpus_come_from_its_clips(cache: AudioCache) -> None:
    assert corpus_classes(cache.clips) == {"ravdess": frozenset(range(8))}


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_shipped_recipes_hold_out_real_speakers(path: Path, corpora: Path) -> None:
    recipe = load_recipe(path)
    clips, _ = read_corpora(corpora)
    split = split_clips(tuple(_as_cached(c) for c in clips), recipe)
    train, validation, test = _speakers(split)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert min(len(split.train), len(split.validation), len(split.test)) > 100
