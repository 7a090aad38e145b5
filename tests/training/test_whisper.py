"""The pre-trained encoder, its adapters, what is computed on whole batches, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file

from emolive.errors import EmoliveError
from emolive.features import LogMelSpec, model_input
from emolive.types import FloatArray
from training import __main__ as command_line
from training.cache import AudioCache
from training.corpora.fetch import DownloadError
from training.dataset import cut_window
from training.device_encoding import DeviceEncoding, DeviceLogMel, can_arrange
from training.export import ExportedModel, Precision
from training.graphs import Encoding
from training.models import EncoderBody, Ensemble, LayerMix, Trained, build_model
from training.recipe import Augmentation, Recipe
from training.splits import noise_clips
from training.waveforms import Chance, Disturber, LogMel, Waveforms, telephone
from training.whisper import (
    WEIGHTS,
    WhisperEncoder,
    WhisperLogMel,
    add_adapters,
    keep,
    merge_adapters,
    pretrained,
)

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*rename.*"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch.*"),
]

CPU = torch.device("cpu")
N = 48_000


@pytest.fixture(scope="module")
def windows(cache: AudioCache) -> torch.Tensor:
    """A centre window of four clips."""
    clips = [c for c in cache.clips if c.emotion is not None][:4]
    return Waveforms(cache, CPU).cut(clips, np.full(4, 0.5), N)


def test_windows_are_cut_as_one_by_one(cache: AudioCache, windows: torch.Tensor) -> None:
    clips = [c for c in cache.clips if c.emotion is not None][:4]
    alone = np.stack([cut_window(cache.samples(c), N, 0.5) for c in clips])
    np.testing.assert_array_equal(windows.numpy(), alone)


def test_log_mel_of_a_batch_is_that_of_the_program(windows: torch.Tensor) -> None:
    spec = LogMelSpec()
    alone = np.stack([model_input(w, spec) for w in windows.numpy()])
    np.testing.assert_allclose(LogMel(spec)(windows).numpy(), alone, atol=1e-3)


def test_whisper_hears_no_level(windows: torch.Tensor) -> None:
    front = WhisperLogMel()
    heard = front(windows)
    assert heard.shape == (4, 80, 300)
    torch.testing.assert_close(front(windows * 0.01), heard, atol=1e-3, rtol=0)
    assert float(heard.max()) == pytest.approx(1.0)


def test_a_telephone_line_has_no_high_tones_and_keeps_the_others() -> None:
    t = torch.arange(N) / 16_000
    tones = torch.stack([torch.sin(2 * torch.pi * f * t) for f in (100.0, 1_000.0, 6_000.0)])
    level = telephone(tones).square().mean(1).sqrt()
    assert float(level[1]) == pytest.approx(float(tones[1].square().mean().sqrt()), rel=0.05)
    assert float(level[0]) < 0.1
    assert float(level[2]) < 0.1


def test_disturbances_depend_on_the_seed_alone(cache: AudioCache) -> None:
    clips = [c for c in cache.clips if c.emotion is not None][:6]
    settings = Augmentation(
        speed=1.0,
        room=0.5,
        noise=1.0,
        overdrive=0.3,
        telephone=0.5,
        packet_loss=0.1,
        microphone_db=2.0,
    )
    disturb = Disturber(settings, Waveforms(cache, CPU), noise_clips(cache.clips))

    def made(seed: int) -> torch.Tensor:
        chance = Chance(seed, CPU)
        return disturb(disturb.cut(clips, N, chance), chance)

    one = made(1)
    assert one.shape == (6, N)
    assert bool(one.isfinite().all())
    torch.testing.assert_close(one, made(1), rtol=0, atol=0)
    assert not torch.equal(one, made(2))


def test_fresh_adapters_change_nothing_and_merge_into_the_weights(windows: torch.Tensor) -> None:
    torch.manual_seed(0)
    encoder = WhisperEncoder(1).eval()
    plain = encoder(windows)[-1]
    add_adapters(encoder, rank=4)
    torch.testing.assert_close(encoder(windows)[-1], plain)
    assert not any(p.requires_grad for n, p in encoder.named_parameters() if ".base." in n)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if name.endswith(".up"):
                parameter.normal_(0, 0.05)
    adapted = encoder(windows)[-1]
    assert not torch.allclose(adapted, plain, atol=1e-3)
    merge_adapters(encoder)
    torch.testing.assert_close(encoder(windows)[-1], adapted, atol=1e-4, rtol=1e-4)


def test_weights_come_from_a_file_and_nothing_else_is_taken(
    cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(tmp_path / "cache", cache_folder / WEIGHTS)
    assert kept.read_bytes() == (cache_folder / WEIGHTS).read_bytes()
    assert keep(tmp_path / "cache") == kept, "what is there is not fetched again"
    with pytest.raises(FileNotFoundError, match="--pretrained"):
        pretrained(tmp_path / "nothing.safetensors")
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    whole = (cache_folder / WEIGHTS).read_bytes()
    (tmp_path / "part.safetensors").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "page.safetensors").write_text("<!DOCTYPE html><title>Not found</title>")
    (tmp_path / "empty.safetensors").touch()
    wide = {name: torch.cat([w, w], -1) for name, w in load_file(cache_folder / WEIGHTS).items()}
    save_file(wide, tmp_path / "wide.safetensors")
    for name in ("other", "part", "page", "empty", "wide"):
        file = tmp_path / f"{name}.safetensors"
        with pytest.raises(EmoliveError, match="is no Whisper base encoder") as refused:
            keep(tmp_path / "again", file)
        assert "--pretrained FILE" in str(refused.value)
        monkeypatch.setattr("training.whisper.open_url", lambda _, file=file: file.open("rb"))
        with pytest.raises(DownloadError, match=r"not what was published.* try again"):
            keep(tmp_path / "web")
        assert not list((tmp_path / "web").glob("*.safetensors"))
    assert not (tmp_path / "again" / WEIGHTS).exists()


def test_a_bad_file_of_weights_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "model.safetensors"
    page.write_text("<!DOCTYPE html>")
    given = ["prepare", str(tmp_path), "--cache", str(tmp_path / "cache"), "--pretrained"]
    monkeypatch.setattr("sys.argv", ["training", *given, str(page)])
    with pytest.raises(SystemExit) as left:
        command_line.main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "is no Whisper base encoder" in said
    assert "Traceback" not in said


_CORPUS = {"ravdess": {"clips_per_epoch": 8}}


def _encoder_recipe(model: str) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "one",
            "model": model,
            "examples": "device",
            "teachers": ("a", "b") if model == "ensemble" else (),
            "encoder": {"blocks": 1, "tune": "adapters"},
            "corpora": _CORPUS,
        }
    )


@dataclass(frozen=True)
class Both:
    """A network on the waveform and one on images, and what they answer together to `windows`."""

    network: Ensemble
    exported: ExportedModel
    answers: FloatArray
    embedding: FloatArray


@pytest.fixture(scope="module")
def both(cache_folder: Path, windows: torch.Tensor) -> Both:
    torch.manual_seed(0)
    recipe = _encoder_recipe("whisper-encoder")
    hearing = Trained(build_model(recipe, encoder=pretrained(cache_folder / WEIGHTS, 1))).eval()
    merge_adapters(hearing)
    images = Trained(
        build_model(Recipe.model_validate({"name": "two", "corpora": _CORPUS})), (4, 8)
    ).eval()
    network = Ensemble([hearing, images]).eval()
    with torch.inference_mode():
        heard, embedding = hearing.answer(windows[:, None])
        seen = images(LogMel(LogMelSpec())(windows)[:, None])
        answers = (heard.softmax(1) + seen.softmax(1)) / 2
    exported = ExportedModel(network, _encoder_recipe("ensemble"))
    return Both(network, exported, answers.numpy(), embedding.numpy())


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-4), ("int8", 0.1), ("gpu", 0.03)]
)
def test_networks_of_both_kinds_become_one_file(
    both: Both, windows: torch.Tensor, precision: Precision, tolerance: float, tmp_path: Path
) -> None:
    exported = both.exported
    if precision == "gpu":
        exported = ExportedModel(both.network, _encoder_recipe("ensemble"), for_gpus=True)
    whole = exported.graph(precision, list(windows.numpy()))
    onnx.checker.check_model(whole)
    onnx.save(whole, tmp_path / "both.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        tmp_path / "both.onnx", options, providers=["CPUExecutionProvider"]
    )
    logits, features = session.run(["logits", "embedding"], {"waveform": windows.numpy()})
    np.testing.assert_allclose(np.exp(logits), both.answers, atol=tolerance)
    apart = np.linalg.norm(features - both.embedding) / np.linalg.norm(both.embedding)
    assert apart < max(tolerance, 1e-3)
    if precision != "float32":
        assert (tmp_path / "both.onnx").stat().st_size < 35_000_000, "8 bits a weight"


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_arranged_for_a_gpu_the_network_is_the_same(
    cache_folder: Path, windows: torch.Tensor, kept: int
) -> None:
    torch.manual_seed(1)
    recipe = _encoder_recipe("whisper-encoder")
    three = recipe.encoder.model_copy(update={"blocks": 3, "tune": "frozen", "kept": kept})
    recipe = recipe.model_copy(update={"encoder": three, "examples": "device"})
    net = Trained(build_model(recipe, encoder=pretrained(cache_folder / WEIGHTS, 3))).net.eval()
    body = net.body
    assert can_arrange(net)
    assert isinstance(body, EncoderBody)
    assert isinstance(body.mix, LayerMix)
    assert body.encoder is not None
    with torch.inference_mode():
        body.mix.standardise(body.pool(body.encoder(windows)[kept:]))
        norms = [block.self_attn_layer_norm for block in body.encoder.layers]
        for norm, scale in zip(norms, (1.0, 0.5, 0.0), strict=True):
            norm.weight.copy_(scale + torch.rand(512))
            norm.bias.copy_(torch.randn(512))
        norms[-1].weight[3] = 0.0  # what mutes a feature hides its statistics
        plain, arranged = WhisperLogMel()(windows), DeviceLogMel()(windows)
        torch.testing.assert_close(arranged, plain.transpose(1, 2), atol=1e-5, rtol=0)
        expected, found = Encoding(net).eval()(plain), DeviceEncoding(net).eval()(arranged)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
