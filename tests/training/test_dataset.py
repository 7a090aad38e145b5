"""What a training example consists of: the window, and what its teachers hear."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch

from training.cache import AudioCache
from training.dataset import Example, TrainingSet, cut_window
from training.recipe import Augmentation, Recipe

MASKS = {"frequency_masks": 1, "time_masks": 1, "microphone_db": 2.0, "mel_shift": 4}


def test_short_clips_are_centred_in_zeros() -> None:
    window = cut_window(np.ones(100, np.float32), 300, 0.5)
    assert window.size == 300
    assert window[:100].sum() == 0
    assert window[100:200].sum() == 100


def _example(cache: AudioCache, recipe: Recipe, **augmentation: object) -> torch.Tensor:
    recipe = recipe.model_copy(update={"augmentation": Augmentation.model_validate(augmentation)})
    clips = tuple(clip for clip in cache.clips if clip.corpus in recipe.corpora)
    examples = [Example(clips[0], (0, 0, 0))]
    x, _, _ = TrainingSet(cache, examples, clips, (), recipe)[0]
    return x


def test_only_a_recipe_with_teachers_has_something_for_them_to_hear(
    cache: AudioCache, recipe: Recipe
) -> None:
    assert _example(cache, recipe).shape == (1, recipe.front_end.n_mels, recipe.n_frames)
    taught = recipe.model_copy(update={"teachers": ("one",)})
    assert _example(cache, taught).shape == (2, recipe.front_end.n_mels, recipe.n_frames)


def test_teachers_hear_the_same_window_without_the_channel(
    cache: AudioCache, recipe: Recipe
) -> None:
    taught = recipe.model_copy(update={"teachers": ("one",)})
    student, teacher = _example(cache, taught, pitch=1.0, **MASKS)
    assert torch.equal(student, teacher), "voice, microphone, shift and masks are of both"
    student, same = _example(cache, taught, pitch=1.0, telephone=1.0, **MASKS)
    difference = (student - same).abs()
    assert float(difference.median()) > 0.1
    assert torch.equal(student == 0, same == 0), "the masks stay where they are"


def test_teachers_change_nothing_about_the_example(cache: AudioCache, recipe: Recipe) -> None:
    """Runs of recipes with and without teachers can be compared."""
    settings = {"telephone": 1.0, "noise": 1.0, "packet_loss": 0.2, **MASKS}
    alone = _example(cache, recipe, **settings)
    taught = recipe.model_copy(update={"teachers": ("one",)})
    assert torch.equal(_example(cache, taught, **settings)[:1], alone)
