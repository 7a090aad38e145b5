"""What microphones, rooms, telephone lines and people do to speech, on numpy arrays.

Every function takes its own random generator, so a clip's augmentation depends on seed, epoch and
position alone: a resumed run continues exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import soxr
from scipy import signal

from training.recipe import Augmentation

FloatArray = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_PACKET = 160  # samples of 20 ms on a telephone line


def change_speed(audio: FloatArray, factor: float, rate: int) -> FloatArray:
    """Play `factor` times faster; pitch and formants move along."""
    played: FloatArray = soxr.resample(audio, rate * factor, rate, quality="LQ")
    return played


def stretch_frames(log_mel: FloatArray, n_frames: int) -> FloatArray:
    """The same sounds over `n_frames` frames: tempo changes, pitch does not."""
    position = np.linspace(0, log_mel.shape[1] - 1, n_frames)
    left = np.minimum(position.astype(int), log_mel.shape[1] - 2)
    share = (position - left).astype(np.float32)
    between: FloatArray = log_mel[:, left] * (1 - share) + log_mel[:, left + 1] * share
    return between


def add_noise(speech: FloatArray, noise: FloatArray, snr_db: float) -> FloatArray:
    """Mix so that speech power over noise power is `snr_db`; the noise is looped to length."""
    noise = np.resize(noise, speech.shape)
    power = float(np.mean(noise**2))
    if power < 1e-12:
        return speech
    gain = np.sqrt(float(np.mean(speech**2)) / power / 10 ** (snr_db / 10))
    return speech + noise * np.float32(gain)


def coloured_noise(rng: np.random.Generator, n: int) -> FloatArray:
    """Noise with a random spectral slope from white to brown, float32 ``(n,)``."""
    spectrum = np.fft.rfft(rng.standard_normal(n).astype(np.float32))
    slope = rng.uniform(0.0, 1.0)
    spectrum /= np.maximum(np.arange(spectrum.size), 1).astype(np.float32) ** slope
    return np.fft.irfft(spectrum, n).astype(np.float32)


def add_room(audio: FloatArray, rng: np.random.Generator, rate: int) -> FloatArray:
    """Convolve with exponentially decaying noise behind a direct path (RT60 0.15-0.7 s)."""
    rt60 = rng.uniform(0.15, 0.7)
    n = int(rt60 * rate)
    decay = np.exp(-6.9 * np.arange(n) / n)
    tail = rng.standard_normal(n) * decay
    tail *= np.sqrt(1.0 / np.sum(tail**2)) * 10 ** (-rng.uniform(0.0, 12.0) / 20)
    tail[0] = 1.0
    return signal.fftconvolve(audio, tail)[: audio.size].astype(np.float32)


def overdrive(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Clip the loudest peaks, as a hot microphone does."""
    peak = float(np.abs(audio).max()) * rng.uniform(0.3, 0.9)
    return np.clip(audio, -peak, peak)


@lru_cache(maxsize=2)
def _telephone_band(rate: int) -> npt.NDArray[np.float64]:
    return signal.butter(4, (300, 3400), "bandpass", fs=rate, output="sos")


def telephone(audio: FloatArray, rate: int, lost: Bools | None = None) -> FloatArray:
    """A narrow-band line: 300-3,400 Hz, 8 kHz, G.711 mu-law (8 bits), back at `rate`.

    Packets of 20 ms marked in `lost` repeat the one before, at half its level.
    """
    narrow = soxr.resample(audio, rate, 8_000)
    narrow = signal.sosfilt(_telephone_band(8_000), narrow)
    peak = max(float(np.abs(narrow).max()), 1e-6)
    x = np.clip(narrow / peak * 0.5, -1, 1)
    compressed = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    quantised = np.round(compressed * 127) / 127
    expanded = np.sign(quantised) * np.expm1(np.abs(quantised) * np.log(256)) / 255
    if lost is not None:
        for i in np.flatnonzero(lost[: expanded.size // _PACKET]):
            if i:
                start = i * _PACKET
                expanded[start : start + _PACKET] = 0.5 * expanded[start - _PACKET : start]
    wide = soxr.resample(expanded.astype(np.float32), 8_000, rate)[: audio.size]
    return np.pad(wide, (0, audio.size - wide.size))


def augment_audio(
    audio: FloatArray,
    noise: FloatArray | None,
    settings: Augmentation,
    rng: np.random.Generator,
    rate: int,
) -> FloatArray:
    """Apply the audio part of `settings` to a window; `noise` is a recorded noise or None."""
    if rng.random() < settings.room:
        audio = add_room(audio, rng, rate)
    if rng.random() < settings.noise:
        source = noise if noise is not None and rng.random() < 0.6 else None
        disturbance = coloured_noise(rng, audio.size) if source is None else source
        audio = add_noise(audio, disturbance, rng.uniform(*settings.snr_db))
    if rng.random() < settings.overdrive:
        audio = overdrive(audio, rng)
    if rng.random() < settings.telephone:
        lost = rng.random(-(-audio.size // _PACKET)) < settings.packet_loss
        audio = telephone(audio, rate, lost)
    return audio


def colour_log_mel(
    log_mel: FloatArray, settings: Augmentation, rng: np.random.Generator
) -> FloatArray:
    """Before normalisation: a microphone's frequency response, and a shift along the mel axis."""
    n_mels = log_mel.shape[0]
    if settings.microphone_db:
        knots = rng.normal(0.0, settings.microphone_db * np.log(10) / 10, 6)
        curve = np.interp(np.linspace(0, 5, n_mels), np.arange(6), knots)
        log_mel = log_mel + curve[:, None].astype(np.float32)
    if settings.mel_shift:
        bands = int(rng.integers(-settings.mel_shift, settings.mel_shift + 1))  # formants move
        log_mel = log_mel[np.clip(np.arange(n_mels) - bands, 0, n_mels - 1)]
    return log_mel


def spec_augment(
    log_mel: FloatArray, settings: Augmentation, rng: np.random.Generator
) -> FloatArray:
    """SpecAugment's masks (Park et al. 2019): masked cells of normalised log-mel become 0."""
    log_mel = log_mel.copy()
    n_mels, n_frames = log_mel.shape
    for _ in range(settings.frequency_masks):
        width = int(rng.integers(0, settings.frequency_mask_bands + 1))
        start = int(rng.integers(0, n_mels - width + 1))
        log_mel[start : start + width] = 0.0
    for _ in range(settings.time_masks):
        width = int(rng.integers(0, settings.time_mask_frames + 1))
        start = int(rng.integers(0, n_frames - width + 1))
        log_mel[:, start : start + width] = 0.0
    return log_mel


def mix_by_energy(audio: FloatArray, other: FloatArray, snr_db: float) -> tuple[FloatArray, float]:
    """Energy-adaptive mixup (MLL, arXiv 2512.04551): `other` `snr_db` below `audio`.

    Returns:
        The mixture, and the share of the energy, and so of the label, that is `audio`'s.
    """
    if not other.any():
        return audio, 1.0
    share = 1 / (1 + 10 ** (-snr_db / 10))
    return add_noise(audio, other, snr_db), share
