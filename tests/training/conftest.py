"""A tiny corpus of generated audio in RAVDESS's layout, so that every training step really runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="needs the training extra")

import torch
from safetensors.torch import save_file

from emolive.types import FloatArray
from training.cache import AudioCache, load_cache, prepare
from training.corpora import read_corpora
from training.recipe import Recipe
from training.whisper import WEIGHTS, WhisperEncoder

RATE = 16_000


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Threads that spin while they wait make tiny networks very slow on a busy machine."""
    import torch

    torch.set_num_threads(1)


def _voice(rng: np.random.Generator, emotion: int, seconds: float) -> FloatArray:
    """A buzz whose pitch depends on the class: learnable, and not silence."""
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 100.0 + 40.0 * emotion + rng.normal(0, 3)
    buzz = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 8))
    voice: FloatArray = (0.1 * buzz + rng.normal(0, 0.003, t.size)).astype(np.float32)
    return voice


@pytest.fixture(scope="session")
def generated_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpora")
    rng = np.random.default_rng(0)
    for actor in (1, 2, 3, 4):
        folder = root / "ravdess" / f"Actor_{actor:02d}"
        folder.mkdir(parents=True)
        for emotion in range(1, 9):
            for repetition in (1, 2):
                name = f"03-01-{emotion:02d}-01-01-{repetition:02d}-{actor:02d}.wav"
                audio = _voice(rng, emotion, rng.uniform(2.0, 4.0))
                soundfile.write(folder / name, audio, RATE)
    (root / "noise" / "rain").mkdir(parents=True)
    noise = rng.normal(0, 0.1, 2 * RATE).astype(np.float32)
    soundfile.write(root / "noise" / "rain" / "rain1.wav", noise, RATE)
    return root


@pytest.fixture(scope="session")
def cache_folder(generated_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    clips, _ = read_corpora(generated_corpora)
    assert prepare(clips, generated_corpora, folder) == []
    # Whisper's encoder in shape and names, with random weights.
    torch.manual_seed(0)
    weights = {f"model.encoder.{k}": v.half() for k, v in WhisperEncoder().state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    return folder


@pytest.fixture(scope="session")
def cache(cache_folder: Path) -> AudioCache:
    return load_cache(cache_folder)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """Two epochs of two steps at an eighth of the size, every augmentation on."""
    return Recipe.model_validate(
        {
            "name": "tiny",
            "stages": ({"epochs": 2, "shrink": 4},),
            "batch_size": 8,
            "corpora": {
                "ravdess": {
                    "clips_per_epoch": 16,
                    "validation_speakers": ("03",),
                    "test_speakers": ("04",),
                }
            },
            "augmentation": {
                "speed": 1.0,
                "pitch": 1.0,
                "room": 1.0,
                "noise": 1.0,
                "overdrive": 1.0,
                "telephone": 1.0,
                "packet_loss": 0.1,
                "energy_mixup": 0.5,
                "microphone_db": 2.0,
                "mel_shift": 4,
                "frequency_masks": 2,
                "time_masks": 2,
                "rotation_deg": 5.0,
                "zoom": 0.1,
                "brightness": 0.2,
                "mixup_alpha": 0.3,
            },
        }
    )
