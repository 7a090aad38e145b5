"""A student of kept log-mels, taught by what a frozen encoder's head says of each clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch

from training.batches import epochs
from training.cache import AudioCache
from training.metrics import softmax
from training.protocols import folds
from training.recipe import Recipe, load_recipe
from training.teachers import load_teacher
from training.train import predict_clips, train

_FOLDER = Path(__file__).parents[2] / "training" / "recipes"
_CORPORA = {"ravdess": {"clips_per_epoch": 16}}


def _small(name: str, **changes: object) -> Recipe:
    """A recipe of the folder on the generated corpus, two blocks of its encoder at most."""
    values = load_recipe(_FOLDER / f"{name}.toml").model_dump()
    values |= {"corpora": _CORPORA, "batch_size": 8} | changes
    values["encoder"]["blocks"] = 2
    return Recipe.model_validate(values)


def test_teachers_answer_each_clip_once_and_all_its_copies_learn_from_it(
    cache: AudioCache, tmp_path: Path
) -> None:
    head = _small("whisper-left-out", stages=({"epochs": 1},), validate_every=1)
    student = _small("quick-taught", stages=({"epochs": 2, "shrink": (4, 8)},), copies=1)
    split = folds("speaker-independent", cache.clips, head)[0].split
    state = train(cache, head, split, tmp_path / head.name)
    teacher = load_teacher(tmp_path / head.name, head, cache, student)
    plain = student.model_copy(
        update={"augmentation": student.augmentation.model_copy(update={"mixup_alpha": 0.0})}
    )
    device = torch.device("cpu")
    (first, _) = list(epochs(cache, plain, split, device, [teacher], 0)(0))
    said = softmax(predict_clips(state.ema.module, cache, split.train, head, (1, 1)))
    assert first.taught is not None
    assert first.x.shape == (8, 1, 32, 37)
    for row in first.taught.numpy():
        assert np.abs(said - row).sum(1).min() < 1e-5
    trained = train(cache, student, split, tmp_path / "student", teachers=[teacher])
    assert trained.epoch == 2
    assert torch.isfinite(trained.model.head.weight).all()


def test_only_a_frozen_encoder_can_answer_clips(cache: AudioCache, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="whisper-adapted cannot answer clips"):
        load_teacher(tmp_path, _small("whisper-adapted"), cache, _small("quick-taught"))
