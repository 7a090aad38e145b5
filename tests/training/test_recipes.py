"""Every recipe that ships is valid, and really learns one step on generated audio."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch
from torchvision.models import resnet34

import training
from training import imagenet
from training.batches import epochs
from training.cache import AudioCache
from training.dataset import TrainingSet, class_weights, draw_epoch
from training.encoder_outputs import load_encoder
from training.imagenet import WeightsUnavailableError
from training.labels import LABELS
from training.models import build_model
from training.protocols import TESTED
from training.recipe import SAME_FOLD, Augmentation, Loss, Recipe, load_recipe, sources
from training.splits import Split, split_clips
from training.state import new_state
from training.study import load_study
from training.train import train, train_epoch

FOLDER = Path(training.__file__).parent
RECIPES = sorted((FOLDER / "recipes").glob("*.toml"))
_NO_NETWORK = {"svm-mfcc", "svm-egemaps", "ensemble"}
NETWORKS = [p for p in RECIPES if load_recipe(p).model not in _NO_NETWORK]


def _tiny(recipe: Recipe) -> Recipe:
    """The recipe as it is, but for size: one step of four generated clips."""
    return recipe.model_copy(
        update={
            "corpora": {
                "ravdess": next(iter(recipe.corpora.values())).model_copy(
                    update={"clips_per_epoch": 8, "ignored_classes": ()}
                )
            },
            "stages": (recipe.stages[0].model_copy(update={"epochs": 1, "shrink": (4, 8)}),),
            "batch_size": 4,
            "initial": "random",
            "teachers": (),
            "copies": min(1, recipe.copies),
        }
    )


@pytest.mark.training
@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.stem)
def test_a_recipe_learns_a_step(path: Path, cache: AudioCache) -> None:
    recipe = _tiny(load_recipe(path))
    if recipe.name == "covada":
        pytest.importorskip("pyworld", reason="needs the extra voices, which is compiled")
    clips = tuple(c for c in cache.clips if c.emotion is not None)
    examples = draw_epoch(clips, recipe, 0)[:4]
    weights = class_weights(examples) if recipe.loss.class_weights else torch.ones(len(LABELS))
    device = torch.device("cpu")
    encoder = load_encoder(cache, recipe) if recipe.takes_waveform and not recipe.frozen else None
    state = new_state(recipe, 1, weights, device, encoder=encoder)
    before = state.model.head.weight.detach().clone()
    batches = epochs(cache, recipe, Split(clips, (), ()), device, (), workers=0)(0)
    loss, accuracy = train_epoch(state, islice(batches, 1), recipe)
    assert loss > 0
    assert 0 <= accuracy <= 1
    assert state.epoch == 1
    assert all(bool(p.isfinite().all()) for p in state.model.parameters())
    assert not torch.equal(before, state.model.head.weight)


@pytest.mark.parametrize("name", ["study.toml", "study-encoder.toml"])
def test_every_row_of_a_study_has_its_recipe_and_its_base(name: str) -> None:
    study = load_study(FOLDER / name)
    names = [row.recipe for row in study.rows]
    assert len(names) == len(set(names))
    for row in study.rows:
        assert study.recipe(row.recipe).title
        assert row.base is None or row.base in names


@pytest.mark.parametrize(
    ("changes", "calm_allowed"),
    [
        ({}, False),
        ({"never_excluded": ("calm",)}, True),
        ({"restrict_softmax": False}, True),
    ],
)
def test_a_restricted_softmax_leaves_out_what_the_corpus_does_not_have(
    cache: AudioCache, recipe: Recipe, changes: dict[str, object], calm_allowed: bool
) -> None:
    clips = tuple(c for c in cache.clips if c.emotion not in (None, "calm"))
    loss = recipe.loss.model_copy(update=changes)
    settings = recipe.model_copy(update={"loss": loss, "augmentation": Augmentation()})
    data = TrainingSet(cache, draw_epoch(clips, settings, 0), clips, (), settings)
    _, target, allowed = data[0]
    assert bool(allowed[LABELS.index("calm")]) is calm_allowed
    assert int(allowed.sum()) == 7 + calm_allowed
    assert float(target[~allowed].sum()) == 0


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such class: calmness"):
        Loss.model_validate({"never_excluded": ["calmness"]})


def test_an_unlabelled_corpus_has_no_targets(cache: AudioCache, recipe: Recipe) -> None:
    corpus = recipe.corpora["ravdess"].model_copy(update={"labelled": False})
    settings = recipe.model_copy(
        update={"corpora": {"ravdess": corpus}, "augmentation": Augmentation()}
    )
    clips = tuple(c for c in cache.clips if c.emotion is not None)
    data = TrainingSet(cache, draw_epoch(clips, settings, 0), clips, (), settings)
    assert float(data[0][1].sum()) == 0


@pytest.mark.parametrize(
    "changes",
    [{"model": "ensemble"}, {"teachers": ("other",)}, {"loss": {"distillation": 1.0}}],
)
def test_teachers_are_named_where_they_are_needed_and_only_there(
    recipe: Recipe, changes: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="teachers are for"):
        Recipe.model_validate(recipe.model_dump() | changes)


def test_pre_training_sees_no_corpus_that_is_tested() -> None:
    recipes = [load_recipe(path) for path in RECIPES]
    # A teacher's weights are those of the fold itself, not of a run of its own.
    starts = {
        one.initial
        for one in recipes
        if one.initial not in one.teachers and not one.initial.startswith(SAME_FOLD)
    }
    assert len(starts) > 2
    for name in starts - {"random", "imagenet"}:
        assert not set(load_recipe(FOLDER / "recipes" / f"{name}.toml").corpora) & set(TESTED)


def test_an_ensemble_builds_on_pre_training_and_teachers_and_theirs() -> None:
    folder = FOLDER / "recipes"
    names = {one.name for one in sources(load_recipe(folder / "resnet34.toml"), folder)}
    assert {"speech-pretraining", "lstm-all", "lstm-pretraining"} <= names
    assert not sources(load_recipe(folder / "lstm.toml"), folder)


def test_a_recipe_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        'title = "base"\nbatch_size = 8\n[corpora.ravdess]\nclips_per_epoch = 5\n'
        "[augmentation]\nnoise = 0.5\nspeed = 0.1\n"
    )
    (tmp_path / "child.toml").write_text(
        'extends = "base"\nseed = 3\n[augmentation]\nnoise = 0.0\n[corpora.savee]\n'
        "clips_per_epoch = 7\n"
    )
    child = load_recipe(tmp_path / "child.toml")
    assert (child.name, child.title, child.seed, child.batch_size) == ("child", "", 3, 8)
    assert (child.augmentation.noise, child.augmentation.speed) == (0.0, 0.1)
    assert set(child.corpora) == {"savee"}


def test_imagenet_weights_that_are_not_there_are_not_fetched(
    cache: AudioCache, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> None:
        pytest.fail("an address was opened")

    monkeypatch.setattr("urllib.request.urlopen", opened)
    monkeypatch.setattr("socket.socket.connect", opened)
    monkeypatch.setattr("socket.getaddrinfo", opened)
    told = recipe.model_copy(update={"initial": "imagenet"})
    own = replace(cache, folder=tmp_path)
    with pytest.raises(WeightsUnavailableError, match="prepare CORPORA --download"):
        train(own, told, split_clips(cache.clips, told), tmp_path / "run", workers=0)
    file = tmp_path / imagenet.FILE
    with pytest.raises(ValueError, match="lstm"):
        build_model(Recipe(name="l", model="lstm", corpora={}), imagenet=file)
    torch.save({"other": torch.zeros(1)}, file)
    whole = file.read_bytes()
    for content in (b"", b"<!DOCTYPE html>", whole[: len(whole) // 2], whole):
        file.write_bytes(content)
        with pytest.raises(WeightsUnavailableError, match="remove it"):
            build_model(Recipe(name="r", corpora={}), imagenet=file)


def test_imagenet_weights_are_used_with_grey_filters(tmp_path: Path) -> None:
    donor = resnet34(weights=None).eval()
    file = tmp_path / imagenet.FILE
    torch.save(donor.state_dict(), file)
    model = build_model(Recipe(name="r", corpora={}), imagenet=file).eval()
    grey = torch.randn(2, 1, 64, 64)
    donor.fc = torch.nn.Identity()
    with torch.inference_mode():
        expected = donor(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(model.embed(grey), expected, rtol=1e-4, atol=1e-4)
