"""What several tests of audio play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """20 s of 700 Hz at 48 kHz."""
    path = tmp_path / "tone.wav"
    t = np.arange(20 * 48_000) / 48_000
    sf.write(path, 0.3 * np.sin(2 * np.pi * 700 * t), 48_000)
    return path
