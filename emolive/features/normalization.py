"""Level removal, so that a louder microphone is not a different emotion."""

from __future__ import annotations

import math

import numpy as np

from emolive.features.spec import FrontEndSpec
from emolive.types import FloatArray

_NEPERS_PER_DB = math.log(10.0) / 10.0  # natural log of power


def normalize(log_mel: FloatArray, spec: FrontEndSpec) -> FloatArray:
    """Normalise one window by itself (``normalization = "window"``).

    Everything more than ``dynamic_range_db`` below the window's peak is raised to that floor, then
    mean 0 and standard deviation 1 over all its cells. A gain adds a constant to log power, so the
    result does not depend on the input level.

    Args:
        log_mel: float32 ``(n_mels, n_frames)``.
        spec: the front end's settings.

    Returns:
        float32, same shape; all zeros for a constant window (digital silence).
    """
    floor = log_mel.max() - np.float32(spec.dynamic_range_db * _NEPERS_PER_DB)
    clipped = np.maximum(log_mel, floor)
    clipped -= clipped.mean(dtype=np.float64)
    deviation = float(clipped.std(dtype=np.float64))
    return clipped / np.float32(deviation) if deviation > 1e-6 else np.zeros_like(clipped)
