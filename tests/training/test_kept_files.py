"""What is computed once: by one process, whole, and found again only where it is the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch
from safetensors.torch import load_file, save_file

from training.cache import AudioCache
from training.corpora import NOISE
from training.encoder_outputs import EncoderOutputs
from training.evaluate import conditions
from training.heard import HeardOutputs
from training.kept_files import made_once
from training.recipe import Recipe
from training.splits import noise_clips
from training.views import Views
from training.whisper import WEIGHTS

_CPU = torch.device("cpu")
# Makes a file, slowly: until it is told to go on.
_MAKER = """
import sys, time
from pathlib import Path
from training.kept_files import made_once

folder = Path(sys.argv[1])

def make(partial):
    with (folder / "makers.txt").open("a") as makers:
        makers.write("one\\n")
    partial.write_text("half")
    print("making", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.02)
    partial.write_text("whole")

print(made_once(folder / "values.npy", make).read_text(), flush=True)
"""


def _maker(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _MAKER, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_second_of_two_processes_waits_and_uses_what_the_first_made(tmp_path: Path) -> None:
    first = _maker(tmp_path)
    assert first.stdout is not None
    assert first.stdout.readline() == "making\n"
    second = _maker(tmp_path)
    assert second.stderr is not None
    assert "waiting for another process that makes values.npy" in second.stderr.readline()
    assert not (tmp_path / "values.npy").exists()
    (tmp_path / "go").touch()
    for process in (first, second):
        out, err = process.communicate(timeout=100)
        assert (process.returncode, out, err) == (0, "whole\n", "")
    assert (tmp_path / "makers.txt").read_text() == "one\n"
    assert {path.name for path in tmp_path.iterdir()} == {"go", "makers.txt", "values.npy"}


def test_what_a_killed_process_left_is_made_anew(tmp_path: Path) -> None:
    killed = _maker(tmp_path)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "making\n"
    killed.kill()
    killed.communicate(timeout=100)
    assert not (tmp_path / "values.npy").exists()
    made = made_once(tmp_path / "values.npy", lambda partial: _write(partial, "anew"))
    assert made.read_text() == "anew"
    assert {path.name for path in tmp_path.iterdir()} == {"makers.txt", "values.npy"}


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def test_nothing_is_there_where_making_failed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        made_once(tmp_path / "values.npy", _fail)
    assert not (tmp_path / "values.npy").exists()


def _fail(partial: Path) -> None:
    partial.write_text("half")
    raise OSError("disk full")


@pytest.fixture
def own(cache: AudioCache, tmp_path: Path) -> AudioCache:
    """The cache's audio, a few clips of it, and a folder in which nothing is kept yet."""
    shutil.copyfile(cache.folder / WEIGHTS, tmp_path / WEIGHTS)
    clips = [c for c in cache.clips if c.emotion is not None][:5]
    return replace(cache, clips=(*clips, *noise_clips(cache.clips)), folder=tmp_path)


def _recipe(copies: int = 0) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "heads",
            "model": "whisper-encoder",
            "examples": "device",
            "copies": copies,
            "encoder": {"blocks": 1, "pooling": "attentive"},
            "corpora": {"ravdess": {"clips_per_epoch": 8}},
            "augmentation": {"noise": 1.0},
        }
    )


def test_clips_in_another_order_keep_their_own_values(own: AudioCache) -> None:
    clips, recipe = own.clips[:5], _recipe()
    first = EncoderOutputs(own, recipe, _CPU).of(clips)
    other = replace(own, clips=own.clips[::-1])
    torch.testing.assert_close(EncoderOutputs(other, recipe, _CPU).of(clips), first)
    assert not torch.allclose(first[0], first[1])


def test_another_encoder_is_heard_anew(own: AudioCache) -> None:
    clips, recipe = own.clips[:5], _recipe()
    first = EncoderOutputs(own, recipe, _CPU).of(clips)
    weights = load_file(own.folder / WEIGHTS)
    weights["model.encoder.conv1.bias"] = weights["model.encoder.conv1.bias"] + 1
    save_file(weights, own.folder / WEIGHTS)
    second = EncoderOutputs(own, recipe, _CPU).of(clips)
    assert not torch.allclose(first, second)


def test_other_noise_makes_other_copies(own: AudioCache) -> None:
    (noise,) = noise_clips(own.clips)
    quieter = replace(noise, digest="0" * 64)
    other = replace(own, clips=(*own.clips[:5], quieter))
    assert noise.corpus == NOISE
    assert Views(own, _recipe(1), _CPU).key != Views(other, _recipe(1), _CPU).key
    assert Views(own, _recipe(0), _CPU).key == Views(other, _recipe(0), _CPU).key, "none is heard"
    assert Views(own, _recipe(1), _CPU).key != Views(own, _recipe(2), _CPU).key


def test_test_clips_are_heard_anew_with_other_noise_or_another_encoder(own: AudioCache) -> None:
    recipe, clips = _recipe(), own.clips[:2]
    head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(8))

    def answers(cache: AudioCache) -> torch.Tensor:
        disturb = conditions(noise_clips(cache.clips), cache, 16_000)["noise 0 dB"]
        heard = HeardOutputs(cache, recipe, clips, _CPU)
        return torch.from_numpy(heard.window_logits(head, disturb, "noise 0 dB"))

    first = answers(own)
    torch.testing.assert_close(answers(own), first)
    speech = own.clips[3]
    other = replace(own, clips=(*own.clips[:5], replace(speech, corpus=NOISE, emotion=None)))
    assert not torch.allclose(answers(other), first)
    weights = load_file(own.folder / WEIGHTS)
    weights["model.encoder.conv1.bias"] = weights["model.encoder.conv1.bias"] + 1
    save_file(weights, own.folder / WEIGHTS)
    assert not torch.allclose(answers(own), first)
