from __future__ import annotations

from pathlib import Path

import pytest
import soundfile as sf

from emolive.types import FloatArray

RATE = 16_000


@pytest.fixture
def talks(tmp_path: Path, speech: FloatArray) -> Path:
    """Five files of speech, one of them stereo, one file that is no audio, and a text."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.wav", "b.flac", "sub/a.wav", "sub/c.ogg")):
        start = 4 * number * RATE
        sf.write(folder / name, speech[start : start + (5 + number) * RATE], RATE)
    sf.write(folder / "stereo.wav", speech[: 4 * RATE, None].repeat(2, axis=1), RATE)
    (folder / "bad.wav").write_text("no audio")
    (folder / "notes.txt").write_text("no audio either")
    return folder
