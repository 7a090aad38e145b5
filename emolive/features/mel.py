"""Log-mel of whole signals: the reference that streaming must equal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from emolive.features.spec import FrontEndSpec
from emolive.types import FloatArray


def _hz_to_mel(hz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hz / 700.0))


@lru_cache(maxsize=8)
def mel_filter_bank(spec: FrontEndSpec) -> FloatArray:
    """Triangular HTK mel filters, float32 ``(n_fft // 2 + 1, n_mels)``, read-only."""
    frequencies = np.linspace(0.0, spec.sampling_rate / 2, spec.n_fft // 2 + 1)
    mels = np.linspace(_hz_to_mel(spec.f_min), _hz_to_mel(spec.f_max), spec.n_mels + 2)
    points = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    widths = np.diff(points)
    slopes = points[None, :] - frequencies[:, None]
    rising = -slopes[:, :-2] / widths[:-1]
    falling = slopes[:, 2:] / widths[1:]
    bank = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    bank.setflags(write=False)
    return bank


@lru_cache(maxsize=8)
def hann_window(length: int) -> FloatArray:
    """Periodic Hann window, float32 ``(length,)``, read-only."""
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    window.setflags(write=False)
    return window


def log_mel(samples: FloatArray, spec: FrontEndSpec) -> FloatArray:
    """Natural-log mel power of a whole signal, not normalised.

    Frame ``i`` covers samples ``[i * hop_length, i * hop_length + win_length)``; incomplete frames
    are left out.

    Args:
        samples: float32 ``(n,)`` at ``spec.sampling_rate``.
        spec: the front end's settings.

    Returns:
        float32 ``(n_mels, n_frames)``, ``n_frames = spec.n_frames(n)``.
    """
    if samples.size < spec.win_length:
        return np.empty((spec.n_mels, 0), np.float32)
    frames = sliding_window_view(samples, spec.win_length)[:: spec.hop_length]
    spectrum = np.fft.rfft(frames * hann_window(spec.win_length), spec.n_fft)
    power = spectrum.real**2 + spectrum.imag**2
    mel = power @ mel_filter_bank(spec)
    return np.ascontiguousarray(np.log(np.maximum(mel, np.float32(spec.log_floor))).T)
