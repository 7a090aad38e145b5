"""What a model is given: audio in, windows of its graph's input out, whatever kind it is."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from emolive.features.mel import StreamingLogMel, log_mel
from emolive.features.spec import AnyFrontEndSpec, LogMelSpec, WaveformSpec
from emolive.types import FloatArray

_NEPERS_PER_DB = math.log(10.0) / 10.0  # natural log of power
_CONSTANT = 1e-6  # a window that deviates less is one value


def normalize(window: FloatArray, spec: AnyFrontEndSpec) -> FloatArray:
    """Normalise one window by itself, as `spec.normalization` says.

    ``"none"``: as it is. ``"window"``: mean 0 and standard deviation 1 over all its cells. Of
    log-mel, everything more than ``dynamic_range_db`` below the window's peak is raised to that
    floor first. A gain adds a constant to log power and multiplies a waveform, so the result does
    not depend on the input level.

    `window`, float32 ``(n_mels, n_frames)`` or ``(n_samples,)``, is left alone.

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


def window_features(samples: FloatArray, spec: AnyFrontEndSpec) -> FloatArray:
    """What a window of audio becomes, not normalised: the reference that streaming must equal.

    `samples`: float32 ``(n_samples,)``, a whole window.

    Returns:
        float32 ``spec.window_shape(n_samples)``.
    """
    return log_mel(samples, spec) if isinstance(spec, LogMelSpec) else samples


def model_input(samples: FloatArray, spec: AnyFrontEndSpec) -> FloatArray:
    """What a model's graph is given of a window of audio: `window_features`, normalised."""
    return normalize(window_features(samples, spec), spec)


class FrontEnd(Protocol):
    """One stream's front end. Samples are counted from the stream's beginning; one thread owns it.

    Windows begin at multiples of the spec's `grid`. Kept is what a window needs that ends `beyond`
    samples ago, and one grid step more; older audio is forgotten.
    """

    def reset(self, start_sample: int) -> None:
        """Forget everything; the next audio begins at `start_sample`."""

    def accept(self, samples: FloatArray) -> None:
        """Add audio, float32 ``(n,)``, in any chunking."""

    def window(self, start_sample: int) -> FloatArray:
        """A copy of the window that begins there, not normalised, ``spec.window_shape``.

        Raises:
            IndexError: some of it is not there yet, no longer kept, or lies off the grid.
        """


class LogMelFrontEnd:
    """Log-mel frames, each computed once."""

    def __init__(
        self,
        spec: LogMelSpec,
        window_samples: int,
        heard: StreamingLogMel | None = None,
        beyond: int = 0,
    ) -> None:
        """Of windows of `window_samples`; begins at sample 0.

        `heard` holds the same frames already: its owner feeds and resets it, on its grid.
        """
        self._spec = spec
        self._n_frames = spec.n_frames(window_samples)
        self._computes = heard is None
        # One frame more: audio may end in the middle of a hop.
        kept = self._n_frames + beyond // spec.hop_length + 1
        self._mel = heard or StreamingLogMel(spec, kept)
        self.reset(0)

    def reset(self, start_sample: int) -> None:
        """See `FrontEnd`; audio before the next multiple of the hop is left out."""
        hop = self._spec.hop_length
        self._first_frame = -(-start_sample // hop)
        self._to_drop = self._first_frame * hop - start_sample
        if self._computes:
            self._mel.reset()

    def accept(self, samples: FloatArray) -> None:
        """See `FrontEnd`."""
        if self._computes:
            kept = samples[self._to_drop :]
            self._to_drop -= len(samples) - len(kept)
            self._mel.accept(kept)

    def window(self, start_sample: int) -> FloatArray:
        """See `FrontEnd`."""
        frame, off_grid = divmod(start_sample, self._spec.hop_length)
        if off_grid:
            raise IndexError(f"sample {start_sample} is no multiple of {self._spec.hop_length}")
        return self._mel.window(frame - self._first_frame + self._n_frames, self._n_frames)


class WaveformFrontEnd:
    """The sound itself."""

    def __init__(self, spec: WaveformSpec, window_samples: int, beyond: int = 0) -> None:
        """Of windows of `window_samples`; begins at sample 0."""
        self._length = window_samples
        self._grid = spec.grid
        # Every sample is written twice, `capacity` apart, so that any window is contiguous.
        self._capacity = window_samples + beyond + self._grid
        self._samples = np.zeros(2 * self._capacity, np.float32)
        self.reset(0)

    def reset(self, start_sample: int) -> None:
        """See `FrontEnd`."""
        self._start = self._end = start_sample

    def accept(self, samples: FloatArray) -> None:
        """See `FrontEnd`."""
        self._end += len(samples)
        kept = samples[-self._capacity :]
        at = (self._end - len(kept)) % self._capacity
        head = kept[: self._capacity - at]
        for offset in (0, self._capacity):
            self._samples[offset + at : offset + at + len(head)] = head
            self._samples[offset : offset + len(kept) - len(head)] = kept[len(head) :]

    def window(self, start_sample: int) -> FloatArray:
        """See `FrontEnd`."""
        end = start_sample + self._length
        oldest = max(self._start, self._end - self._capacity)
        if start_sample < oldest or end > self._end or start_sample % self._grid:
            raise IndexError(f"[{start_sample}, {end}) is not held: [{oldest}, {self._end}) is")
        slot = start_sample % self._capacity
        return self._samples[slot : slot + self._length].copy()


def open_front_end(
    spec: AnyFrontEndSpec, window_samples: int, heard: StreamingLogMel, beyond: int = 0
) -> FrontEnd:
    """A model's front end for one stream; equal frames are those of `heard`, computed once."""
    if isinstance(spec, WaveformSpec):
        return WaveformFrontEnd(spec, window_samples, beyond)
    shared = heard if spec.same_frames(heard.spec) else None
    return LogMelFrontEnd(spec, window_samples, shared, beyond)
