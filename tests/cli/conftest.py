from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from emolive.cli.main import app

Run = Callable[..., Result]

# The last one is set by the desktop's tests, and an app without a screen would never be closed.
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the library is that commands use."""
    folder = tmp_path / "library"
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(folder))
    return folder


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
