"""The log-mel frames of the program's own pictures and measurements, the same for every model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emolive.features import LogMelSpec
from emolive.features.mel import hz_to_mel, mel_filter_bank, mel_to_hz

SPECTROGRAM = LogMelSpec(
    sampling_rate=16_000,
    n_fft=1024,
    win_length=400,
    hop_length=160,
    n_mels=128,
    f_min=50.0,
    f_max=8_000.0,
    log_floor=1e-10,
)


def spectrogram_at(rate: int) -> LogMelSpec:
    """The frames of `SPECTROGRAM`, lengths in seconds, of a recording kept at `rate` Hz."""
    if rate == SPECTROGRAM.sampling_rate:
        return SPECTROGRAM
    scale = rate / SPECTROGRAM.sampling_rate
    return LogMelSpec(
        sampling_rate=rate,
        n_fft=1 << (round(SPECTROGRAM.n_fft * scale) - 1).bit_length(),
        win_length=round(SPECTROGRAM.win_length * scale),
        hop_length=round(SPECTROGRAM.hop_length * scale),
        n_mels=SPECTROGRAM.n_mels,
        f_min=SPECTROGRAM.f_min,
        f_max=min(SPECTROGRAM.f_max, rate / 2),
        log_floor=SPECTROGRAM.log_floor,
    )


def band_edges(spec: LogMelSpec) -> npt.NDArray[np.float64]:
    """Where the mel scale is cut into `n_mels` equal bands, in Hz, ``(n_mels + 1,)``."""
    bottom, top = (hz_to_mel(hz) for hz in (spec.f_min, spec.f_max))
    edges: npt.NDArray[np.float64] = mel_to_hz(np.linspace(bottom, top, spec.n_mels + 1))
    return edges


def band_centres(spec: LogMelSpec) -> npt.NDArray[np.float64]:
    """The mean frequency of each mel band in Hz, ``(n_mels,)``; 0 for one that holds nothing."""
    bank = mel_filter_bank(spec)
    frequencies = np.linspace(0.0, spec.sampling_rate / 2, len(bank))
    weights = bank.sum(axis=0)
    centres: npt.NDArray[np.float64] = frequencies @ bank / np.where(weights > 0, weights, 1.0)
    return centres
