"""Real training on generated audio: resume, seeds, starting weights, and the exported file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import onnx
import onnxruntime
import torch
from typer.testing import CliRunner

from emolive.bench.throughput import OPERATIONS
from emolive.errors import EmoliveError
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.model_files import ModelFiles, read_metadata
from emolive.inference.providers import Requested
from emolive.types import FloatArray
from tests.models import tiny_model, waveform_metadata
from training import __main__ as command_line
from training import publish as publishing
from training.cache import AudioCache
from training.dataset import clip_windows
from training.export import ExportedModel, load_trained, write_metadata
from training.exported import open_exported
from training.labels import LABELS
from training.measure import Measurement
from training.metrics import softmax
from training.models import Trained, build_model
from training.publish import publish, publish_twin
from training.recipe import Recipe, load_recipe, sources
from training.results import own_folder
from training.splits import split_clips
from training.state import averaged_weights, new_state
from training.study import train_own
from training.train import predict_clips, train

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(600),
    # torch's own exporter and quantiser use what newer Pythons deprecate.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*_check_is_size.*"),
]


@pytest.fixture(scope="module")
def small() -> Recipe:
    """An LSTM, quick to train and to save."""
    return Recipe.model_validate(
        {
            "name": "small",
            "model": "lstm",
            "stages": ({"epochs": 2, "shrink": (4, 8)},),
            "batch_size": 8,
            "corpora": {
                "ravdess": {
                    "clips_per_epoch": 16,
                    "validation_speakers": ("03",),
                    "test_speakers": ("04",),
                }
            },
            "augmentation": {"noise": 0.5, "time_masks": 1, "mixup_alpha": 0.3},
            "loss": {"centre": 0.1, "contrastive": 0.1, "focal": 0.5, "class_weights": True},
        }
    )


def test_a_killed_run_continues_to_the_same_weights(
    cache: AudioCache, small: Recipe, tmp_path: Path
) -> None:
    split = split_clips(cache.clips, small)
    whole = train(cache, small, split, tmp_path / "whole", workers=0)
    lines = (tmp_path / "whole" / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    assert [row["epoch"] for row in history] == [1, 2]
    assert all(np.isfinite(row["loss"]) for row in history)
    assert all(0 <= row["train_accuracy"] <= 1 for row in history)
    assert history[-1]["validation"]["ravdess"]["n"] == len(split.validation)

    class KilledError(Exception):
        pass

    class DyingCache(AudioCache):
        """Dies in the second epoch, after the first checkpoint."""

        def samples(self, clip: object) -> np.ndarray:  # type: ignore[override]
            if (tmp_path / "parts" / "checkpoint.pt").exists():
                raise KilledError
            return cache.samples(clip)  # type: ignore[arg-type]

    dying = DyingCache(cache.clips, cache.audio, cache.folder)
    with pytest.raises(KilledError):
        train(dying, small, split, tmp_path / "parts", workers=0)
    resumed = train(cache, small, split, tmp_path / "parts", workers=0)
    assert resumed.epoch == 2
    for parts in ("model", "ema", "loss"):
        one, other = getattr(whole, parts).state_dict(), getattr(resumed, parts).state_dict()
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_seed_decides_everything(cache: AudioCache, small: Recipe, tmp_path: Path) -> None:
    split = split_clips(cache.clips, small)
    runs = [
        train(cache, small.model_copy(update={"seed": seed}), split, tmp_path / name, workers=0)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    ]
    one, same, other = (run.model.state_dict() for run in runs)
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_another_run_gives_the_starting_weights(
    cache: AudioCache, small: Recipe, tmp_path: Path
) -> None:
    split = split_clips(cache.clips, small)
    train(cache, small, split, tmp_path / "first", workers=0)
    weights, device = torch.ones(len(LABELS)), torch.device("cpu")
    state = new_state(small, 2, weights, device, tmp_path / "first")
    torch.testing.assert_close(dict(state.model.state_dict()), averaged_weights(tmp_path / "first"))
    other = small.model_copy(update={"model": "cnn-lstm"})
    with pytest.raises((ValueError, RuntimeError)):
        new_state(other, 2, weights, device, tmp_path / "first")


def test_no_clips_get_no_answers(cache: AudioCache, small: Recipe) -> None:
    state = new_state(small, 2, torch.ones(len(LABELS)), torch.device("cpu"))
    assert predict_clips(state.model, cache, (), small, (1, 1)).shape == (0, len(LABELS))


@pytest.fixture(scope="module", autouse=True)
def exported() -> Iterator[Callable[..., ExportedModel]]:
    """Exports a network once, which takes seconds; its files of all precisions come from that."""
    made: dict[tuple[object, bool], ExportedModel] = {}

    def once(trained: Trained, recipe: Recipe, *, for_gpus: bool = False) -> ExportedModel:
        key = (trained, for_gpus and recipe.takes_waveform)
        if key not in made:
            made[key] = ExportedModel(trained, recipe, for_gpus=for_gpus)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "ExportedModel", once)
        yield once


@dataclass(frozen=True)
class Published:
    """A network that was trained with every augmentation, and its file."""

    trained: Trained
    model: Path
    measurement: Measurement


@pytest.fixture(scope="module")
def published(
    cache: AudioCache, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    folder = tmp_path_factory.mktemp("published")
    train(cache, recipe, split_clips(cache.clips, recipe), own_folder(folder, "tiny"), workers=0)
    trained = load_trained(recipe, folder, folder, cache)
    if not isinstance(trained, Trained):
        raise TypeError(type(trained))
    start = recipe.model_copy(update={"name": "first", "seed": 7})
    model = folder / "model.onnx"
    measurement = publish(cache, recipe, trained, model, name="tiny", sources=[start])
    return Published(trained, model, measurement)


def test_export_gives_a_file_that_the_program_accepts(published: Published) -> None:
    classifier = OnnxClassifier(published.model)
    metadata = classifier.metadata
    assert metadata.labels == LABELS
    assert metadata.temperature > 0
    assert 0 < metadata.abstention_threshold < 1
    assert metadata.provenance["recipe"] == "tiny"
    assert metadata.provenance["builds on first"].startswith("seed 7, 32 clips, fingerprint")
    assert metadata.scores["clean ravdess window uar"] == pytest.approx(
        published.measurement.windows["clean"]["ravdess"].uar, abs=1e-4
    )
    shape = (3, *metadata.window_shape)
    logits = classifier.predict(np.zeros(shape, np.float32)).logits
    assert logits.shape == (3, len(LABELS))
    classifier.close()
    assert published.model.stat().st_size < 25_000_000
    assert str(Path(__file__).parents[2]).encode() not in published.model.read_bytes()
    card = published.model.with_suffix(".md").read_text(encoding="utf-8")
    assert "Speaker-independent" in card


def test_the_card_can_be_measured_again(
    published: Published, cache_folder: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "tiny.toml", tmp_path / "scores.json"
    path.write_text(_MEMBER.format(model="resnet34"))
    given = [str(path), str(published.model), "--cache", str(cache_folder), "--out", str(out)]
    result = CliRunner().invoke(command_line.app, ["evaluate", *given])
    assert result.exit_code == 0, result.output
    scores = result.stdout[result.stdout.index("One window per clip") :].strip()
    assert scores in published.model.with_suffix(".md").read_text(encoding="utf-8")
    assert json.loads(out.read_text())["ece"] == pytest.approx(published.measurement.ece)


def test_a_file_is_calibrated_anew_and_keeps_its_network(
    published: Published, cache_folder: Path, tmp_path: Path
) -> None:
    model, twin = tmp_path / "model.onnx", tmp_path / "model.gpu.onnx"
    for file in (model, twin):
        file.write_bytes(published.model.read_bytes())
    before = read_metadata(model)
    scores = {OPERATIONS: before.scores[OPERATIONS], "ece": 0.9, "of long ago": 1.0}
    write_metadata(model, before.model_copy(update={"temperature": 9.0, "scores": scores}))
    (tmp_path / "tiny.toml").write_text(_MEMBER.format(model="resnet34"))
    given = [str(tmp_path / "tiny.toml"), str(model), "--cache", str(cache_folder)]
    calibrate = ["calibrate", *given, "--runs", str(tmp_path / "runs")]
    untouched = model.read_bytes()
    refused = CliRunner().invoke(command_line.app, calibrate)
    assert isinstance(refused.exception, EmoliveError)
    assert "no answers of tiny on corpora left out" in str(refused.exception)
    assert model.read_bytes() == untouched
    result = CliRunner().invoke(command_line.app, [*calibrate, "--known-corpora"])
    assert result.exit_code == 0, result.output
    after = read_metadata(model)
    assert after.temperature == pytest.approx(before.temperature)
    assert after.abstention_threshold == before.abstention_threshold
    assert after.scores == before.scores
    assert "calibrated" in after.provenance
    assert read_metadata(twin) == after
    assert onnx.load(model).graph == onnx.load(published.model).graph
    card = model.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{before.temperature:.3f}, then softmax" in card


@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_a_file_of_another_recipe_is_refused(
    published: Published, cache_folder: Path, tmp_path: Path, command: str
) -> None:
    (tmp_path / "other.toml").write_text(_MEMBER.format(model="resnet34"))
    before = published.model.read_bytes()
    given = [str(tmp_path / "other.toml"), str(published.model), "--cache", str(cache_folder)]
    result = CliRunner().invoke(command_line.app, [command, *given])
    assert isinstance(result.exception, EmoliveError)
    assert "was made of the recipe tiny, not of other: name tiny.toml" in str(result.exception)
    assert published.model.read_bytes() == before


def test_export_names_its_file_and_leaves_no_other_models_twin(
    published: Published, cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(_MEMBER.format(model="resnet34"))
    Path("emolive-tiny.gpu.onnx").write_bytes(b"of another network")
    given = ["tiny.toml", "--cache", str(cache_folder), "--runs", str(published.model.parent)]
    result = CliRunner().invoke(command_line.app, ["export", *given, "--precision", "float32"])
    assert result.exit_code == 0, result.output
    assert "removed emolive-tiny.gpu.onnx" in result.output
    assert sorted(path.name for path in tmp_path.glob("emolive-*")) == [
        "emolive-tiny.md",
        "emolive-tiny.onnx",
    ]
    assert read_metadata(Path("emolive-tiny.onnx")).name == "emolive-tiny"
    again = ["export", *given, "--precision", "gpu", "--out", "emolive-tiny.gpu.onnx"]
    refused = CliRunner().invoke(command_line.app, again)
    assert isinstance(refused.exception, EmoliveError)
    assert "emolive-tiny.onnx is beside emolive-tiny.gpu.onnx" in str(refused.exception)


def test_a_files_scores_are_its_own_and_not_its_twins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, twin = tmp_path / "model.onnx", tmp_path / "model.gpu.onnx"
    for file in (model, twin):
        tiny_model(file, waveform_metadata(name="tiny"))
    asked: list[str] = []

    class Asked(OnnxClassifier):
        def __init__(self, path: Path, provider: Requested) -> None:
            asked.append(provider)
            super().__init__(path, "cpu")

    monkeypatch.setattr("training.exported.OnnxClassifier", Asked)
    open_exported(model).close()
    with pytest.raises(EmoliveError, match=r"model\.onnx beside it would run"):
        open_exported(twin)
    model.unlink()
    open_exported(twin).close()
    assert asked == ["cpu", "auto", "auto"]


def test_a_file_for_gpus_is_the_same_model(
    cache: AudioCache, recipe: Recipe, published: Published, tmp_path: Path
) -> None:
    trained, target = published.trained, tmp_path / "model.onnx"
    publish(cache, recipe, trained, target, name="tiny", precision="float32")
    twin = publish_twin(cache, recipe, trained, target, say=lambda _: None)
    assert twin.name == "model.gpu.onnx"
    files = ModelFiles.of(target)
    assert (files.cpu, files.cuda) == (target, twin)
    files.check()
    assert read_metadata(twin) == read_metadata(target)
    assert read_metadata(target).scores[OPERATIONS] > 1e6
    assert twin.stat().st_size < target.stat().st_size / 3, "a byte a weight"
    torch.manual_seed(1)
    with pytest.raises(ValueError, match="not the same network"):
        publish_twin(cache, recipe, Trained(build_model(recipe)), target, say=lambda _: None)


_MEMBER = """
model = "{model}"
stages = [{{ epochs = 1, shrink = [2, 8] }}]
batch_size = 8
[corpora.ravdess]
clips_per_epoch = 16
validation_speakers = ["03"]
test_speakers = ["04"]
"""


@dataclass(frozen=True)
class Ensemble:
    """Two trained members, averaged, and what that answers to the test clips."""

    folder: Path
    recipe: Recipe
    trained: Trained
    windows: FloatArray
    together: FloatArray

    @property
    def n_lstm(self) -> int:
        """Recurrent weights."""
        return sum(p.numel() for name, p in self.trained.named_parameters() if "lstm" in name)


@pytest.fixture(scope="module")
def ensemble(cache: AudioCache, tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    folder = tmp_path_factory.mktemp("ensemble")
    members = ("one", "two")
    for name, model in zip(members, ("cnn-lstm", "lstm"), strict=True):
        (folder / f"{name}.toml").write_text(_MEMBER.format(model=model))
    (folder / "both.toml").write_text(
        'extends = "one"\nmodel = "ensemble"\nteachers = ["one", "two"]\n'
    )
    recipe = load_recipe(folder / "both.toml")
    with pytest.raises(FileNotFoundError):
        load_trained(recipe, folder, folder / "runs", cache)
    train_own(cache, recipe, folder, folder / "runs", workers=0)
    trained = load_trained(recipe, folder, folder / "runs", cache)
    clips = split_clips(cache.clips, recipe).test
    windows = np.stack([clip_windows(cache.samples(clip), recipe)[0] for clip in clips])
    x = torch.from_numpy(windows)[:, None]
    with torch.inference_mode():
        together = trained(x).exp()
        alone = [
            load_trained(load_recipe(folder / f"{name}.toml"), folder, folder / "runs", cache)(x)
            for name in members
        ]
    torch.testing.assert_close(together, torch.stack(alone).softmax(2).mean(0))
    return Ensemble(folder, recipe, trained, windows, together.numpy())


def test_an_ensemble_becomes_one_file(
    cache: AudioCache, ensemble: Ensemble, tmp_path: Path
) -> None:
    recipe, target = ensemble.recipe, tmp_path / "model.onnx"
    found = sources(recipe, ensemble.folder)
    publish(cache, recipe, ensemble.trained, target, name="both", sources=found)
    classifier = OnnxClassifier(target)
    answers = softmax(classifier.predict(ensemble.windows).logits)
    np.testing.assert_allclose(answers, ensemble.together, atol=0.03)
    assert {"builds on one", "builds on two"} <= set(classifier.metadata.provenance)
    classifier.close()
    assert target.stat().st_size < 3 * ensemble.n_lstm, "two bytes a recurrent weight, and the rest"
    card = target.with_suffix(".md").read_text(encoding="utf-8")
    assert "CNN + LSTM on log-mel averaged over 2 x 8 cells; LSTM on log-mel" in card


def test_an_ensemble_in_half_precision_is_as_small_and_the_same(
    ensemble: Ensemble, exported: Callable[..., ExportedModel], tmp_path: Path
) -> None:
    target = tmp_path / "model.onnx"
    onnx.save(exported(ensemble.trained, ensemble.recipe).graph("float16"), target)
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    logits, _ = session.run(["logits", "embedding"], {"log_mel": ensemble.windows[:, None]})
    np.testing.assert_allclose(softmax(logits), ensemble.together, atol=0.003)
    assert target.stat().st_size < 3 * ensemble.n_lstm, "two bytes a recurrent weight, and the rest"


def test_a_model_is_not_tested_on_speakers_of_its_pre_training(
    cache: AudioCache, recipe: Recipe, tmp_path: Path
) -> None:
    everybody = recipe.corpora["ravdess"].model_copy(
        update={"validation_speakers": (), "test_speakers": ()}
    )
    start = recipe.model_copy(update={"corpora": {"ravdess": everybody}})
    with pytest.raises(ValueError, match=r"trained on speakers that test: .*'04'"):
        publish(
            cache,
            recipe,
            Trained(build_model(recipe)),
            tmp_path / "m.onnx",
            name="tiny",
            sources=[start],
        )
