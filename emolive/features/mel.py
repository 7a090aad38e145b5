"""Log-mel of whole signals, the reference, and of streams, which must equal it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from emolive.features.spec import LogMelSpec
from emolive.types import FloatArray

IntArray = npt.NDArray[np.intp]


def hz_to_mel(hz: float) -> float:
    """Mel of a frequency (HTK)."""
    return 2595.0 * math.log10(1.0 + hz / 700.0)


def mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Frequencies of mels (HTK), of any shape."""
    hertz: npt.NDArray[np.float64] = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return hertz


@lru_cache(maxsize=8)
def mel_filter_bank(spec: LogMelSpec) -> FloatArray:
    """Triangular HTK mel filters, float32 ``(n_fft // 2 + 1, n_mels)``, read-only."""
    frequencies = np.linspace(0.0, spec.sampling_rate / 2, spec.n_fft // 2 + 1)
    mels = np.linspace(hz_to_mel(spec.f_min), hz_to_mel(spec.f_max), spec.n_mels + 2)
    points = mel_to_hz(mels)
    widths = np.diff(points)
    slopes = points[None, :] - frequencies[:, None]
    rising = -slopes[:, :-2] / widths[:-1]
    falling = slopes[:, 2:] / widths[1:]
    bank = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    bank.setflags(write=False)
    return bank


@lru_cache(maxsize=8)
def _filter_runs(spec: LogMelSpec) -> tuple[tuple[FloatArray, IntArray, IntArray], ...]:
    """The filter bank as two sets of filters that do not overlap: every other one.

    Each set: a weight per frequency bin, the bin where each filter begins, the filters' numbers.
    """
    bank = mel_filter_bank(spec)
    runs = []
    for parity in (0, 1):
        numbers = np.arange(parity, spec.n_mels, 2)
        # A filter between two frequency bins holds none of them: its band stays at zero.
        numbers = numbers[bank[:, numbers].any(axis=0)]
        columns = bank[:, numbers]
        runs.append((columns.sum(axis=1), (columns > 0).argmax(axis=0), numbers))
    return tuple(runs)


def apply_mel(power: FloatArray, spec: LogMelSpec) -> FloatArray:
    """``power @ mel_filter_bank(spec)``, power being float32 ``(n_frames, n_fft // 2 + 1)``.

    A bin belongs to two filters at most, so summing runs of bins is as fast as the product, and it
    never wakes the threads of a linear algebra library: for a hop's few frames those cost 20 ms
    and more as soon as another program wants the cores.
    """
    mel = np.zeros((len(power), spec.n_mels), np.float32)
    for weights, starts, numbers in _filter_runs(spec):
        if numbers.size:
            mel[:, numbers] = np.add.reduceat(power * weights, starts, axis=1)
    return mel


@lru_cache(maxsize=8)
def hann_window(length: int) -> FloatArray:
    """Periodic Hann window, float32 ``(length,)``, read-only."""
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    window.setflags(write=False)
    return window


def log_mel(samples: FloatArray, spec: LogMelSpec) -> FloatArray:
    """Natural-log mel power of a whole signal, not normalised.

    Frame ``i`` covers samples ``[i * hop_length, i * hop_length + win_length)``; incomplete frames
    are left out.

    `samples`: float32 ``(n,)`` at ``spec.sampling_rate``.

    Returns:
        float32 ``(n_mels, n_frames)``, ``n_frames = spec.n_frames(n)``.
    """
    if samples.size < spec.win_length:
        return np.empty((spec.n_mels, 0), np.float32)
    frames = sliding_window_view(samples, spec.win_length)[:: spec.hop_length]
    spectrum = np.fft.rfft(frames * hann_window(spec.win_length), spec.n_fft)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    mel = apply_mel(power, spec)
    return np.ascontiguousarray(np.log(np.maximum(mel, np.float32(spec.log_floor))).T)


class StreamingLogMel:
    """Accepts audio in any chunking and keeps the last `capacity` frames.

    Frame indices are absolute: frame ``i`` is column ``i`` of the offline `log_mel` over the whole
    signal. Overflow policy: the oldest frames are overwritten. One thread owns it.
    """

    def __init__(self, spec: LogMelSpec, capacity: int) -> None:
        """Keep `capacity` frames (at least one analysis window)."""
        self.spec = spec
        self.capacity = capacity
        # Every frame is written twice, `capacity` apart, so that any window is one contiguous view.
        self._frames = np.zeros((spec.n_mels, 2 * capacity), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next sample is sample 0 again."""
        self._tail = np.empty(0, np.float32)
        self._held = False  # whether it may be long enough for frames
        self.n_frames = 0  # frames made since the start, including those no longer kept

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add audio, float32 ``(n,)``; return the frames it completed, ``(n_mels, n_new)``."""
        signal = np.concatenate((self._tail, samples))
        new = log_mel(signal, self.spec)
        n_new = new.shape[1]
        self._tail = signal[n_new * self.spec.hop_length :].copy()
        self._held = False
        kept = new[:, -self.capacity :]
        slots = (self.n_frames + n_new - kept.shape[1] + np.arange(kept.shape[1])) % self.capacity
        self._frames[:, slots] = kept
        self._frames[:, slots + self.capacity] = kept
        self.n_frames += n_new
        return new

    def hold(self, samples: FloatArray) -> None:
        """Add audio whose frames are only computed when a window of them is asked for."""
        signal = np.concatenate((self._tail, samples))
        passed = max(0, self.spec.n_frames(signal.size) - self.capacity)
        self.n_frames += passed  # nobody asked for them
        self._tail = signal[passed * self.spec.hop_length :]
        self._held = True

    def window(self, end_frame: int, n_frames: int) -> FloatArray:
        """A copy of frames ``[end_frame - n_frames, end_frame)``, shape ``(n_mels, n_frames)``.

        Raises:
            IndexError: some of them are not ready yet or no longer kept.
        """
        if self._held:
            self.accept(np.empty(0, np.float32))
        start = end_frame - n_frames
        if end_frame > self.n_frames or start < max(0, self.n_frames - self.capacity):
            raise IndexError(
                f"frames [{start}, {end_frame}) are not held: "
                f"{self.n_frames} ready, the last {self.capacity} kept"
            )
        slot = start % self.capacity
        return self._frames[:, slot : slot + n_frames].copy()
