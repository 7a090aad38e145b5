"""A window without a part of its sound, for models of every kind.

Parts are patches of the spectrogram (`emolive.acoustics.SPECTROGRAM`): bands by frames. Where the
model is given these very frames, a patch of them is made as quiet as its bands' own background.
For any other model the same is done to the sound itself, in its short-time Fourier transform, and
the model's front end hears the rest.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from emolive.acoustics import SPECTROGRAM, band_edges
from emolive.features import AnyFrontEndSpec, LogMelSpec, log_mel, model_input, normalize
from emolive.features.mel import hann_window
from emolive.types import FloatArray

_BACKGROUND = 5.0  # percentile of a band, or a frequency, over the window
_FFT = 512
_HOP = _FFT // 4  # squared windows add up to 2 then


class Occlusion(Protocol):
    """One window."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Bands and frames of its spectrogram."""

    def whole(self) -> FloatArray:
        """What the model is given of it, ``metadata.window_shape``."""

    def without(self, bands: slice, frames: slice) -> FloatArray:
        """The same, this patch being as quiet as its background; nothing gets louder."""


class FrameOcclusion:
    """Of a model that is given the spectrogram's own frames."""

    def __init__(self, frames: FloatArray) -> None:
        """Frames as the model is given them, float32 ``(n_mels, n_frames)``."""
        self.shape = frames.shape
        self._frames = frames
        floor = np.percentile(frames, _BACKGROUND, axis=1, keepdims=True).astype(np.float32)
        self._quiet = np.minimum(frames, floor)

    def whole(self) -> FloatArray:
        """See `Occlusion`."""
        return self._frames

    def without(self, bands: slice, frames: slice) -> FloatArray:
        """See `Occlusion`."""
        rest = self._frames.copy()
        rest[bands, frames] = self._quiet[bands, frames]
        return rest


class SoundOcclusion:
    """Of any model: the patch is taken out of the sound."""

    def __init__(self, samples: FloatArray, spec: AnyFrontEndSpec) -> None:
        """A window of sound, float32 ``(n_samples,)``, and the model's front end."""
        n_frames = SPECTROGRAM.n_frames(len(samples))
        self.shape = (SPECTROGRAM.n_mels, n_frames)
        self._samples = samples
        self._spec = spec
        self._window = np.sqrt(hann_window(_FFT))
        padded = np.pad(samples, (_FFT, 2 * _FFT))
        spectrum = np.fft.rfft(sliding_window_view(padded, _FFT)[::_HOP] * self._window)
        power = spectrum.real**2 + spectrum.imag**2
        floor = np.percentile(power, _BACKGROUND, axis=0, keepdims=True)
        # What is louder than the background, complex ``(n, n_fft // 2 + 1)``.
        louder = 1.0 - np.sqrt(np.minimum(1.0, floor / np.maximum(power, 1e-20)))
        self._louder = np.where(power > floor, spectrum * louder, 0.0)
        # The outermost patches reach to the ends, so that nothing is left over.
        hertz = band_edges(SPECTROGRAM)
        hertz[0], hertz[-1] = 0.0, np.inf
        bins = np.arange(_FFT // 2 + 1) * SPECTROGRAM.sampling_rate / _FFT
        self._bins = np.searchsorted(bins, hertz)
        middle = (SPECTROGRAM.win_length - SPECTROGRAM.hop_length) // 2
        edges = np.arange(n_frames + 1) * float(SPECTROGRAM.hop_length) + middle
        edges[0], edges[-1] = -np.inf, np.inf
        centres = np.arange(len(spectrum)) * _HOP - _FFT // 2
        self._columns = np.searchsorted(centres, edges)

    def whole(self) -> FloatArray:
        """See `Occlusion`."""
        return model_input(self._samples, self._spec)

    def without(self, bands: slice, frames: slice) -> FloatArray:
        """See `Occlusion`."""
        return self.heard(self.sound_without(bands, frames))

    def heard(self, samples: FloatArray) -> FloatArray:
        """What the model is given of as much sound."""
        return model_input(samples, self._spec)

    def sound_without(self, bands: slice, frames: slice) -> FloatArray:
        """The window of sound without a patch, float32 ``(n_samples,)``."""
        first, last = self._columns[frames.start], self._columns[frames.stop]
        kept = slice(self._bins[bands.start], self._bins[bands.stop])
        part = np.zeros((last - first, _FFT // 2 + 1), np.complex128)
        part[:, kept] = self._louder[first:last, kept]
        pieces = np.fft.irfft(part, _FFT) * (self._window / 2)
        taken: npt.NDArray[np.float64] = np.zeros((len(pieces) + 3) * _HOP)
        for quarter in range(4):
            columns = slice(quarter * _HOP, (quarter + 1) * _HOP)
            taken[quarter * _HOP :][: len(pieces) * _HOP] += pieces[:, columns].reshape(-1)
        rest = np.pad(self._samples, (_FFT, 2 * _FFT))
        at = first * _HOP
        rest[at : at + len(taken)] -= taken[: len(rest) - at].astype(np.float32)
        return rest[_FFT : _FFT + len(self._samples)]


def occlusion(samples: FloatArray, spec: AnyFrontEndSpec) -> Occlusion:
    """The cheapest for a model with this front end, of a window of sound ``(n_samples,)``."""
    if isinstance(spec, LogMelSpec) and spec.same_frames(SPECTROGRAM):
        return FrameOcclusion(normalize(log_mel(samples, spec), spec))
    return SoundOcclusion(samples, spec)
