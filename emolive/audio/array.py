"""Sound that is in memory already, as a source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from emolive.audio.decoded import DecodedSource
from emolive.audio.decoding import ChannelUse
from emolive.audio.source import SourceFormat, stream_names
from emolive.errors import AudioFileError
from emolive.types import FloatArray

_MOST_CHANNELS = 64
_RATES = range(1_000, 768_001)


class ArraySource(DecodedSource):
    """An array as a recording, flat out."""

    def __init__(
        self,
        samples: npt.NDArray[Any],
        sampling_rate: int,
        *,
        name: str = "array",
        block_s: float = 0.1,
        channels: ChannelUse = "mix",
    ) -> None:
        """Read `samples`, real, ``(n,)`` or ``(n, n_channels)``, in blocks of `block_s` seconds.

        Floats are full scale at 1; signed integers at the end of their range. `sampling_rate` in
        Hz. `channels`: as for `FileSource`.

        Raises:
            AudioFileError: this is no sound.
        """
        frames = _checked(samples, sampling_rate)
        block = max(1, round(block_s * sampling_rate))
        super().__init__(
            name,
            lambda: _ArrayDecoder(frames, sampling_rate, block, channels),
            paced=False,
        )


class _ArrayDecoder:
    error = None
    note = None

    def __init__(
        self, frames: npt.NDArray[Any], rate: int, block: int, channels: ChannelUse
    ) -> None:
        self._frames = frames
        self._block = block
        self._mixed = channels == "mix"
        self._scale = 1.0
        if frames.dtype.kind == "i":
            self._scale = -1.0 / np.iinfo(frames.dtype).min
        self._next = 0
        self.closed = False
        streams = stream_names(1 if self._mixed else frames.shape[1])
        self.format = SourceFormat(rate, streams, recorded=True)
        self.duration_s: float | None = len(frames) / rate

    def read(self, frames: int = 0) -> FloatArray | None:
        n = self._block * max(1, frames // self._block)
        taken = self._frames[self._next : self._next + n]
        if not len(taken):
            return None
        self._next += len(taken)
        block = taken.astype(np.float64) * self._scale
        if self._mixed:
            block = block.mean(axis=1, keepdims=True)
        return block.astype(np.float32)

    def rewind(self) -> None:
        self._next = 0

    def close(self) -> None:
        self.closed = True


def _checked(samples: npt.NDArray[Any], rate: int) -> npt.NDArray[Any]:
    """The samples as ``(n, n_channels)``."""
    frames = np.asarray(samples)
    if frames.dtype.kind not in "fi":
        raise AudioFileError(
            "Samples are real floating-point numbers or signed integers, not {dtype}: "
            "convert them first.",
            dtype=frames.dtype,
        )
    if frames.ndim == 1:
        frames = frames[:, np.newaxis]
    if frames.ndim != 2 or not frames.size:
        raise AudioFileError(
            "An array of shape {samples} is no sound: it takes (samples,) or (samples, "
            "channels), and at least one sample.",
            samples=np.shape(samples),
        )
    if frames.shape[1] > min(_MOST_CHANNELS, len(frames)):
        raise AudioFileError(
            "An array of shape {shape} would have {shape2} channels: transpose it, "
            "channels come second.",
            shape=frames.shape,
            shape2=frames.shape[1],
        )
    if rate not in _RATES:
        raise AudioFileError(
            "{rate} samples a second cannot hold speech: give sampling_rate in Hz.", rate=rate
        )
    if frames.dtype.kind == "f" and not np.isfinite(frames).all():
        raise AudioFileError(
            "The array holds samples that are no numbers (NaN or infinite): replace them first."
        )
    return frames
