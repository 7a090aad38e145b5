"""Bounded history of one stream for drawing: preallocated, oldest overwritten. No Qt.

Sizes for 8 h: decisions 1.6 MB at a hop of 0.5 s and 8 labels, levels 0.9 MB; the spectrogram
keeps its last 150 s in 1.9 MB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolive.types import FloatArray, Prediction, SpeechState

ByteArray = npt.NDArray[np.uint8]

SPEECH, SILENCE, UNCERTAIN = 0, 1, 2
_CODES = {
    SpeechState.SPEECH: SPEECH,
    SpeechState.SILENCE: SILENCE,
    SpeechState.UNCERTAIN: UNCERTAIN,
}
NO_LABEL = 255


@dataclass(frozen=True, slots=True, eq=False)
class DecisionRows:
    """Consecutive decisions, oldest first.

    ``centre_s`` float64 ``(n,)``; ``probabilities`` float32 ``(n, n_classes)``, zeros in silence;
    ``state`` uint8 ``(n,)``: SPEECH, SILENCE or UNCERTAIN; ``label`` uint8 ``(n,)``: class index or
    NO_LABEL.
    """

    centre_s: npt.NDArray[np.float64]
    probabilities: FloatArray
    state: ByteArray
    label: ByteArray

    def __len__(self) -> int:
        return len(self.state)


class DecisionRing:
    """The last `capacity` decisions. Overflow policy: the oldest is overwritten."""

    def __init__(self, labels: tuple[str, ...], sampling_rate: int, capacity: int) -> None:
        """Hold `capacity` decisions over `labels`; times are samples at `sampling_rate`."""
        self.labels = labels
        self.sampling_rate = sampling_rate
        self.capacity = capacity
        self.count = 0
        self._index = {label: i for i, label in enumerate(labels)}
        self._centre = np.zeros(capacity, np.int64)
        self._probabilities = np.zeros((capacity, len(labels)), np.float16)
        self._state = np.zeros(capacity, np.uint8)
        self._label = np.zeros(capacity, np.uint8)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes; does not change."""
        arrays = (self._centre, self._probabilities, self._state, self._label)
        return sum(array.nbytes for array in arrays)

    def append(self, prediction: Prediction) -> None:
        """Add the next decision; one that is not newer than the last is left out."""
        if self.count and prediction.centre_sample <= self._centre[self._slot(self.count - 1)]:
            return
        slot = self._slot(self.count)
        self._centre[slot] = prediction.centre_sample
        known = prediction.probabilities
        self._probabilities[slot] = 0.0 if known is None else known
        self._state[slot] = _CODES[prediction.state]
        self._label[slot] = self._index.get(prediction.label or "", NO_LABEL)
        self.count += 1

    def rows(self, start_s: float, end_s: float) -> DecisionRows:
        """The held decisions whose centre is in ``[start_s, end_s)``, as copies."""
        first = self._search(start_s)
        slots = np.arange(first, max(first, self._search(end_s))) % self.capacity
        return DecisionRows(
            self._centre[slots] / self.sampling_rate,
            self._probabilities[slots].astype(np.float32),
            self._state[slots],
            self._label[slots],
        )

    @property
    def last_s(self) -> float:
        """Centre of the newest decision, in seconds; 0.0 before the first."""
        if not self.count:
            return 0.0
        return float(self._centre[self._slot(self.count - 1)]) / self.sampling_rate

    @property
    def oldest_s(self) -> float:
        """From when on decisions are held, in seconds; 0.0 as long as none was overwritten."""
        if self.count <= self.capacity:
            return 0.0
        return float(self._centre[self._slot(self.count)]) / self.sampling_rate

    def _slot(self, index: int) -> int:
        return index % self.capacity

    def _search(self, at_s: float) -> int:
        """Absolute index of the first held decision at or after `at_s`."""
        low, high = max(0, self.count - self.capacity), self.count
        at = at_s * self.sampling_rate
        while low < high:
            middle = (low + high) // 2
            if self._centre[self._slot(middle)] < at:
                low = middle + 1
            else:
                high = middle
        return low


class LevelRing:
    """Level, peak and speech on a fixed grid. Overflow policy: the oldest cell is overwritten.

    Levels are held in half decibels below full scale, as bytes.
    """

    def __init__(self, cell_s: float, capacity: int) -> None:
        """Hold `capacity` cells of `cell_s` seconds."""
        self.cell_s = cell_s
        self.capacity = capacity
        self.end = 0  # absolute index after the newest cell
        self._level = np.full(capacity, 255, np.uint8)
        self._peak = np.full(capacity, 255, np.uint8)
        self._speech = np.zeros(capacity, np.bool_)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes; does not change."""
        return self._level.nbytes + self._peak.nbytes + self._speech.nbytes

    def add(
        self, start_s: float, end_s: float, level_dbfs: float, peak_dbfs: float, *, speech: bool
    ) -> None:
        """Enter what was measured from `start_s` to `end_s`; a cell keeps its loudest."""
        first = int(start_s / self.cell_s)
        last = max(first + 1, int(np.ceil(end_s / self.cell_s - 1e-9)))
        if last > self.end:
            # Cells that no audio reached (a gap) stay empty.
            fresh = np.arange(max(self.end, last - self.capacity), last) % self.capacity
            self._level[fresh] = 255
            self._peak[fresh] = 255
            self._speech[fresh] = False
            self.end = last
        slots = np.arange(max(first, self.end - self.capacity), last) % self.capacity
        self._level[slots] = np.minimum(self._level[slots], _half_decibels(level_dbfs))
        self._peak[slots] = np.minimum(self._peak[slots], _half_decibels(peak_dbfs))
        self._speech[slots] |= speech

    def cells(self, first: int, last: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        """Level and peak in dBFS (NaN where nothing is held) and speech of cells ``[first, last)``.

        Each has shape ``(last - first,)``.
        """
        at = np.arange(first, last)
        held = (at >= max(0, self.end - self.capacity)) & (at < self.end)
        slots = at % self.capacity

        def decibels(cells: ByteArray) -> FloatArray:
            values: FloatArray = (cells[slots] / -2.0).astype(np.float32)
            values[~held | (cells[slots] == 255)] = np.nan
            return values

        return decibels(self._level), decibels(self._peak), self._speech[slots] & held


def _half_decibels(dbfs: float) -> int:
    return int(min(254.0, max(0.0, round(-2 * dbfs)))) if np.isfinite(dbfs) else 254


class SpectrogramRing:
    """The last `capacity` log-mel frames as bytes between two explicit levels.

    Overflow policy: the oldest frame is overwritten. Frames of a gap read as the lowest level.
    """

    def __init__(self, n_mels: int, capacity: int, floor: float, ceiling: float) -> None:
        """Hold `capacity` frames; `floor` and `ceiling` are natural-log powers for 0 and 255."""
        self.n_mels = n_mels
        self.capacity = capacity
        self.end = 0  # absolute index after the newest frame
        self._floor = floor
        self._scale = 255.0 / (ceiling - floor)
        self._frames = np.zeros((capacity, n_mels), np.uint8)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes; does not change."""
        return self._frames.nbytes

    def write(self, start: int, log_mel: FloatArray) -> None:
        """Enter frames, float32 ``(n_mels, n)``, the first at absolute index `start`."""
        if start > self.end:
            missing = np.arange(max(self.end, start - self.capacity), start) % self.capacity
            self._frames[missing] = 0
        kept = log_mel[:, -self.capacity :]
        first = start + log_mel.shape[1] - kept.shape[1]
        slots = np.arange(first, first + kept.shape[1]) % self.capacity
        levels = (kept - np.float32(self._floor)) * np.float32(self._scale)
        self._frames[slots] = np.clip(levels, 0, 255).astype(np.uint8).T
        self.end = max(self.end, start + log_mel.shape[1])

    def columns(self, edges: npt.NDArray[np.int64]) -> ByteArray:
        """The loudest of frames ``[edges[i], edges[i + 1])`` for each i, ``(n_mels, n)``.

        An interval without a frame takes the frame it lies in; what is not held reads 0. `edges`
        must not decrease.
        """
        first, last = int(edges[0]), int(max(edges[-1], edges[-2] + 1))
        at = np.arange(first, last)
        held = (at >= max(0, self.end - self.capacity)) & (at < self.end)
        frames = np.where(held[:, None], self._frames[at % self.capacity], np.uint8(0))
        return np.ascontiguousarray(np.maximum.reduceat(frames, edges[:-1] - first, axis=0).T)
