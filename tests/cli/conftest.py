from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf
from typer.testing import CliRunner, Result

from emolive.cli.main import app
from emolive.resources import DEMO_AUDIO, asset
from emolive.types import FloatArray
from tests.models import tiny_model

Run = Callable[..., Result]

# The last one is set by the desktop's tests, and an app without a screen would never be closed.
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    tiny_model(path)
    return path


@pytest.fixture(scope="session")
def speech() -> FloatArray:
    """The demo clip, 16 kHz mono."""
    samples: FloatArray = sf.read(asset(DEMO_AUDIO), dtype="float32")[0]
    return samples


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line in this process, without a display, in an empty folder."""
    for name in DISPLAYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def launch(
    arguments: Sequence[object], env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """A command line in a process of its own, without a display."""
    environment = {**os.environ, **(env or {})}
    for name in DISPLAYS:
        environment.pop(name, None)
    process: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, "-m", "emolive", *map(str, arguments)],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip
    return process


@pytest.fixture
def no_sound_card() -> Mapping[str, str]:
    """An environment in which a process finds no sound card, or a visible skip."""
    if sys.platform != "linux":
        pytest.skip("sound cards can be taken away on Linux only")
    cards = Path("/proc/asound/cards")
    if cards.exists() and "no soundcards" not in cards.read_text():
        pytest.skip("this machine has a sound card that no setting hides")
    return {"PULSE_SERVER": "unix:/nonexistent", "PIPEWIRE_REMOTE": "/nonexistent"}
