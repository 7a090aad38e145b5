"""Bounded history of one stream for drawing: preallocated, oldest overwritten.

Sizes for 8 h: decisions 1.6 MB at a hop of 0.5 s and 8 labels, levels 0.9 MB; the spectrogram
keeps its last 5 min in 3.8 MB and a coarse picture of all 8 h in 3.7 MB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolive.types import FloatArray, Prediction, SpeechState

ByteArray = npt.NDArray[np.uint8]

SPEECH, SILENCE, UNCERTAIN, NOT_INFERRED = 0, 1, 2, 3
N_STATES = 4
_CODES = {
    SpeechState.SPEECH: SPEECH,
    SpeechState.SILENCE: SILENCE,
    SpeechState.UNCERTAIN: UNCERTAIN,
    SpeechState.NOT_INFERRED: NOT_INFERRED,
}
NO_LABEL = 255


@dataclass(frozen=True, slots=True, eq=False)
class DecisionRows:
    """Consecutive decisions, oldest first.

    ``centre_s`` float64 ``(n,)``; ``probabilities`` float32 ``(n, n_classes)``, zeros in silence;
    and where emotion is not inferred; ``state`` uint8 ``(n,)``: SPEECH, SILENCE, UNCERTAIN or
    NOT_INFERRED; ``label`` uint8 ``(n,)``: class index or NO_LABEL; ``confidence`` float32
    ``(n,)``: as in `Prediction`.
    """

    centre_s: npt.NDArray[np.float64]
    probabilities: FloatArray
    state: ByteArray
    label: ByteArray
    confidence: FloatArray

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
        self._confidence = np.zeros(capacity, np.float16)

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
        self._confidence[slot] = prediction.confidence
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
            self._confidence[slots].astype(np.float32),
        )

    def nearest(self, at_s: float, within_s: float) -> DecisionRows:
        """The one decision whose centre is nearest to `at_s`; none when it is farther away."""
        rows = self.rows(at_s - within_s, at_s + within_s)
        if not len(rows):
            return rows
        i = int(np.abs(rows.centre_s - at_s).argmin())
        return self.rows(float(rows.centre_s[i]) - 1e-6, float(rows.centre_s[i]) + 1e-6)

    def step(self, at_s: float, steps: int) -> float | None:
        """Centre of the decision that is `steps` after (below 0: before) the one at `at_s`."""
        oldest = max(0, self.count - self.capacity)
        if self.count == oldest:
            return None
        index = self._search(at_s - 1e-6) + steps
        index = min(max(index, oldest), self.count - 1)
        return float(self._centre[self._slot(index)]) / self.sampling_rate

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
    """The last `capacity` log-mel frames as bytes between two explicit levels, and an overview.

    The overview holds the loudest of every `per_cell` frames in every other band, for
    `overview_cells` cells. Overflow policy of both: the oldest is overwritten. Frames of a gap read
    as the lowest level.
    """

    def __init__(
        self,
        n_mels: int,
        capacity: int,
        floor: float,
        ceiling: float,
        *,
        per_cell: int = 50,
        overview_cells: int = 0,
    ) -> None:
        """Hold `capacity` frames; `floor` and `ceiling` are natural-log powers for 0 and 255."""
        self.n_mels = n_mels
        self.capacity = capacity
        self.end = 0  # absolute index after the newest frame
        self.per_cell = per_cell
        self.cells = overview_cells
        self._floor = floor
        self._scale = 255.0 / (ceiling - floor)
        self._frames = np.zeros((capacity, n_mels), np.uint8)
        self._overview = np.zeros((overview_cells, -(-n_mels // 2)), np.uint8)

    @property
    def oldest(self) -> int:
        """The first frame of which there is a picture, if only a coarse one."""
        if not self.cells:
            return max(0, self.end - self.capacity)
        last_cell = -(-self.end // self.per_cell)
        return max(0, last_cell - self.cells) * self.per_cell

    def write(self, start: int, log_mel: FloatArray) -> None:
        """Enter frames, float32 ``(n_mels, n)``, the first at absolute index `start`."""
        if start > self.end:
            missing = np.arange(max(self.end, start - self.capacity), start) % self.capacity
            self._frames[missing] = 0
        kept = log_mel[:, -self.capacity :]
        first = start + log_mel.shape[1] - kept.shape[1]
        slots = np.arange(first, first + kept.shape[1]) % self.capacity
        levels = (kept - np.float32(self._floor)) * np.float32(self._scale)
        bytes_ = np.clip(levels, 0, 255).astype(np.uint8).T
        self._frames[slots] = bytes_
        if self.cells and len(bytes_):
            self._write_overview(first, bytes_)
        self.end = max(self.end, start + log_mel.shape[1])

    def decibels(self, level: int) -> float:
        """What a byte stands for: 10 log10 of the mel power."""
        return float((level / self._scale + self._floor) * 10 / np.log(10.0))

    def columns(self, edges: npt.NDArray[np.int64]) -> ByteArray:
        """The loudest of frames ``[edges[i], edges[i + 1])`` for each i, ``(n_mels, n)``.

        An interval without a frame takes the frame it lies in; what is not held frame by frame
        comes from the overview, and what is not held at all reads 0. `edges` must not decrease.
        """
        held_from = max(0, self.end - self.capacity)
        split = int(np.searchsorted(edges[:-1], held_from)) if self.cells else 0
        parts = []
        if split:
            parts.append(self._overview_columns(edges[: split + 1]))
        if split < len(edges) - 1:
            parts.append(self._fine_columns(edges[split:]))
        return np.ascontiguousarray(np.concatenate(parts).T)

    def _fine_columns(self, edges: npt.NDArray[np.int64]) -> ByteArray:
        return _loudest(self._frames, edges, max(0, self.end - self.capacity), self.end)

    def _overview_columns(self, edges: npt.NDArray[np.int64]) -> ByteArray:
        last = -(-self.end // self.per_cell)
        coarse = _loudest(self._overview, edges // self.per_cell, max(0, last - self.cells), last)
        return np.repeat(coarse, 2, axis=1)[:, : self.n_mels]

    def _write_overview(self, first: int, frames: ByteArray) -> None:
        pairs = frames[:, : 2 * (self.n_mels // 2)].reshape(len(frames), -1, 2).max(axis=2)
        if self.n_mels % 2:
            pairs = np.concatenate((pairs, frames[:, -1:]), axis=1)
        cells = np.arange(first, first + len(frames)) // self.per_cell
        starts = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
        loudest = np.maximum.reduceat(pairs, starts, axis=0)
        newest = -(-self.end // self.per_cell) - 1
        # Cells that begin now, those of a gap included, hold something older.
        fresh = np.arange(max(newest + 1, int(cells[-1]) + 1 - self.cells), int(cells[-1]) + 1)
        self._overview[fresh % self.cells] = 0
        slots = cells[starts] % self.cells
        self._overview[slots] = np.maximum(self._overview[slots], loudest)


def _loudest(rows: ByteArray, edges: npt.NDArray[np.int64], oldest: int, end: int) -> ByteArray:
    """The maximum of a ring's rows ``[edges[i], edges[i + 1])``, at least one each, ``(n, width)``.

    Rows outside ``[oldest, end)`` count as 0.
    """
    first, last = int(edges[0]), int(max(edges[-1], edges[-2] + 1))
    at = np.arange(first, last)
    held = (at >= oldest) & (at < end)
    taken = np.where(held[:, None], rows[at % len(rows)], np.uint8(0))
    result: ByteArray = np.maximum.reduceat(taken, edges[:-1] - first, axis=0)
    return result
