from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf

from emolive.archive.settings import ArchiveSettings
from emolive.engine import EngineConfig
from emolive.types import FloatArray

RATE = 16_000

MakeSettings = Callable[..., ArchiveSettings]


@pytest.fixture
def settings(model: Path, tmp_path: Path) -> ArchiveSettings:
    out = tmp_path / "out"
    out.mkdir()
    return ArchiveSettings.of(model, EngineConfig(), out, ("json",))


@pytest.fixture
def talks(tmp_path: Path, speech: FloatArray) -> Path:
    """A folder of seven files that differ in length, rate, channels and format."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.wav", "b.flac", "sub/a.wav", "sub/c.ogg")):
        start = 4 * number * RATE
        sf.write(folder / name, speech[start : start + (5 + 3 * number) * RATE], RATE)
    sf.write(folder / "short.wav", speech[RATE : RATE + 8_000], RATE)
    sf.write(folder / "six.wav", speech[: 6 * RATE, None].repeat(6, axis=1), 48_000)
    sf.write(folder / "telephone.wav", speech[: 12 * RATE : 2], 8_000)
    return folder
