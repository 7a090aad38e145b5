"""Pictures of a stored stream's sound, computed from its audio piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from emolive.audio.files import open_session_file, read_session_file
from emolive.errors import AudioFileError
from emolive.features import LogMelSpec, log_mel
from emolive.history.model import SPECTROGRAM_LEVELS
from emolive.types import FloatArray

ByteArray = npt.NDArray[np.uint8]

# So that a tile of the coarsest exact level takes a fraction of a second.
TILE_COLUMNS = 64
# Up to this level every frame of a column is looked at; above it, as many in the column's middle.
EXACT_LEVEL = 6
_LOOK_FRAMES = 1 << EXACT_LEVEL
_MARGIN_S = 0.05  # what the resampler needs before it is exact


@dataclass(frozen=True, slots=True)
class TileKey:
    """Tile `index` of level `level`: `TILE_COLUMNS` columns of ``2 ** level`` frames each."""

    level: int
    index: int


def level_for(frames_per_column: float) -> int:
    """The finest level whose columns are not narrower than half of what a screen column covers."""
    return max(0, math.floor(math.log2(max(1.0, frames_per_column))))


class SpectrumReader:
    """Computes tiles of one stream. One thread owns it; memory is that of one tile.

    A coarse column (above `EXACT_LEVEL`) shows the loudest of its middle `_LOOK_FRAMES` frames: so
    the whole of a long session costs as much as ten minutes.
    """

    def __init__(self, path: Path, spec: LogMelSpec) -> None:
        """Open the stream's audio file, mono, whose first frame is sample 0.

        Raises:
            AudioFileError: it cannot be opened.
        """
        self.spec = spec
        self._floor, ceiling = SPECTROGRAM_LEVELS
        self._scale = 255.0 / (ceiling - self._floor)
        self._file = open_session_file(path)
        self._rate = int(self._file.samplerate)
        # In frames of the front end.
        self.n_frames = math.ceil(
            self._file.frames * spec.sampling_rate / self._rate / spec.hop_length
        )

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def tile(self, key: TileKey) -> ByteArray:
        """The columns of a tile as bytes, uint8 ``(n_mels, TILE_COLUMNS)``; 0 past the end."""
        width = 1 << key.level
        first = key.index * TILE_COLUMNS * width
        if key.level <= EXACT_LEVEL:
            frames = self._frames(first, TILE_COLUMNS * width)
            grouped = frames.reshape(self.spec.n_mels, TILE_COLUMNS, width)
            columns: ByteArray = grouped.max(axis=2)
        else:
            columns = np.zeros((self.spec.n_mels, TILE_COLUMNS), np.uint8)
            for i in range(TILE_COLUMNS):
                middle = first + i * width + (width - _LOOK_FRAMES) // 2
                if middle >= self.n_frames:
                    break
                columns[:, i] = self._frames(middle, _LOOK_FRAMES).max(axis=1)
        return columns

    def _frames(self, first: int, n_frames: int) -> ByteArray:
        """Frames ``[first, first + n_frames)`` as bytes, ``(n_mels, n_frames)``."""
        spec = self.spec
        found = np.zeros((spec.n_mels, n_frames), np.uint8)
        samples = self._samples(first * spec.hop_length, spec.n_samples(n_frames))
        mel = log_mel(samples, spec)
        levels = (mel - np.float32(self._floor)) * np.float32(self._scale)
        found[:, : mel.shape[1]] = np.clip(levels, 0, 255).astype(np.uint8)
        return found

    def _samples(self, start: int, n_samples: int) -> FloatArray:
        """Samples at the front end's rate; fewer at the file's end."""
        ratio = self._rate / self.spec.sampling_rate
        margin = 0 if self._rate == self.spec.sampling_rate else round(_MARGIN_S * self._rate)
        first = max(0, math.floor(start * ratio) - margin)
        last = min(self._file.frames, math.ceil((start + n_samples) * ratio) + margin)
        if last <= first:
            return np.empty(0, np.float32)
        try:
            native = read_session_file(self._file, first, last - first)
        except AudioFileError:
            return np.empty(0, np.float32)  # a damaged stretch: nothing to see
        if not margin:
            return np.ascontiguousarray(native[:n_samples])
        resampled = soxr.resample(native, self._rate, self.spec.sampling_rate)
        skip = start - round(first / ratio)
        return np.ascontiguousarray(resampled[skip : skip + n_samples], np.float32)
