"""What the recorders that are killed hear."""

from __future__ import annotations

import numpy as np
import soundfile as sf

from emolive.resources import DEMO_AUDIO, asset
from emolive.types import FloatArray

NATIVE = 16_000
STREAMS = ("left", "right")


def sound() -> FloatArray:
    """Speech on the left, the same backwards on the right, ``(n, 2)``."""
    speech = sf.read(asset(DEMO_AUDIO), dtype="float32")[0]
    return np.ascontiguousarray(np.stack([speech, speech[::-1]], axis=1))
