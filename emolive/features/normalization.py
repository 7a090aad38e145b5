"""Level removal, so that a louder microphone is not a different emotion."""

from __future__ import annotations

import math

import numpy as np

from emolive.features.spec import AnyFrontEndSpec, LogMelSpec
from emolive.types import FloatArray

_NEPERS_PER_DB = math.log(10.0) / 10.0  # natural log of power
_CONSTANT = 1e-6  # a window that deviates less is one value


def normalize(window: FloatArray, spec: AnyFrontEndSpec) -> FloatArray:
    """Normalise one window by itself, as `spec.normalization` says.

    ``"none"``: as it is. ``"window"``: mean 0 and standard deviation 1 over all its cells. Of
    log-mel, everything more than ``dynamic_range_db`` below the window's peak is raised to that
    floor first. A gain adds a constant to log power and multiplies a waveform, so the result does
    not depend on the input level.

    Args:
        window: float32 ``(n_mels, n_frames)`` or ``(n_samples,)``; it is left alone.
        spec: the front end's settings.

    Returns:
        float32, same shape; all zeros for a constant window (digital silence) that is normalised.
    """
    if spec.normalization == "none":
        return window
    least = 0.0
    if isinstance(spec, LogMelSpec):
        floor = window.max() - np.float32(spec.dynamic_range_db * _NEPERS_PER_DB)
        window = np.maximum(window, floor)
        least = _CONSTANT
    centred = window - np.float32(window.mean(dtype=np.float64))
    deviation = float(centred.std(dtype=np.float64))
    return centred / np.float32(deviation) if deviation > least else np.zeros_like(centred)
