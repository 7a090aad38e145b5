"""The spectrogram of a stored stream: tiles that are computed when they are looked at."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from emolive.explain.voice_tiles import VoiceTiles
from emolive.explain.voice_tracks import STEP_S, VoiceReader
from emolive.features import LogMelSpec
from emolive.history.model import SPECTROGRAM_LEVELS
from emolive.history.spectrum_tiles import (
    TILE_COLUMNS,
    ByteArray,
    SpectrumReader,
    TileKey,
    level_for,
)
from emolive.types import FloatArray
from emolive.ui.background import TileWorker

# 128 bands: 8 KiB a tile, 24 MiB in all; several screens at several zooms.
KEPT_TILES = 3072


class SpectrogramTiles(TileWorker):
    """Looks like a `SpectrogramRing` that holds everything, and fills in as tiles arrive.

    `columns` never waits: what is not there yet is taken from a coarser tile, or reads 0, and is
    asked for. A thread computes what was asked for last, first. At most `KEPT_TILES` tiles are
    kept; overflow policy: those not used for longest go.
    """

    arrived = Signal()

    def __init__(
        self, path: Path, spec: LogMelSpec, duration_s: float, parent: QObject | None = None
    ) -> None:
        """For the audio file of a stream that is `duration_s` long."""
        super().__init__("emolive spectrogram", lambda: SpectrumReader(path, spec), parent)
        self.spec = spec
        self.end = round(duration_s * spec.sampling_rate / spec.hop_length)
        self.capacity = max(1, self.end)
        self.oldest = 0
        self._tiles: OrderedDict[TileKey, ByteArray] = OrderedDict()
        self.computed.connect(self._on_computed)

    def columns(self, edges: npt.NDArray[np.int64]) -> ByteArray:
        """What frames ``[edges[i], edges[i + 1])`` look like, uint8 ``(n_mels, n)``, for each i."""
        n = len(edges) - 1
        level = level_for((int(edges[-1]) - int(edges[0])) / max(1, n))
        at = edges[:-1] >> level
        found = np.zeros((n, self.spec.n_mels), np.uint8)
        missing: list[TileKey] = []
        indices = at // TILE_COLUMNS
        for index in np.unique(indices[(edges[:-1] >= 0) & (edges[:-1] < self.end)]).tolist():
            key = TileKey(level, index)
            mine = np.flatnonzero(indices == index)
            tile = self._tile(key)
            if tile is not None:
                found[mine] = tile[:, at[mine] % TILE_COLUMNS].T
            else:
                missing.append(key)
                self._from_coarser(level, edges[:-1], mine, found)
        found[(edges[:-1] < 0) | (edges[:-1] >= self.end)] = 0
        self._want(missing)
        return np.ascontiguousarray(found.T)

    def decibels(self, level: int) -> float:
        """What a byte stands for, in dB of full scale power."""
        floor, ceiling = SPECTROGRAM_LEVELS
        return (floor + level * (ceiling - floor) / 255.0) * 10.0 / math.log(10.0)

    def _tile(self, key: TileKey) -> ByteArray | None:
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def _from_coarser(
        self,
        level: int,
        frames: npt.NDArray[np.int64],
        mine: npt.NDArray[np.intp],
        found: ByteArray,
    ) -> None:
        for other in (*range(level + 1, level + 7), *range(level - 1, max(-1, level - 4), -1)):
            at = frames[mine] >> other
            keys = np.unique(at // TILE_COLUMNS).tolist()
            tiles = {index: self._tiles.get(TileKey(other, index)) for index in keys}
            if all(tile is None for tile in tiles.values()):
                continue
            for index, tile in tiles.items():
                if tile is not None:
                    here = at // TILE_COLUMNS == index
                    found[mine[here]] = tile[:, at[here] % TILE_COLUMNS].T
            return

    def _want(self, keys: list[TileKey]) -> None:
        """Ask for these instead of what was asked for before.

        What an earlier, wider view lacks is not lost: it is looked at again as soon as a tile
        arrives.
        """
        self.want(keys[: KEPT_TILES // 4])

    def _on_computed(self, key: TileKey, tile: ByteArray) -> None:
        self._tiles[key] = tile
        while len(self._tiles) > KEPT_TILES:
            self._tiles.popitem(last=False)
        self.arrived.emit()


class VoiceCurves(TileWorker):
    """Tracks of the whole stream; `cells` never waits: what is missing is NaN, and asked for.

    `problem` is why nothing can be measured, or "".
    """

    arrived = Signal()

    def __init__(
        self, name: str, path: Path, duration_s: float, parent: QObject | None = None
    ) -> None:
        """For the audio file of the stream of this name, which is `duration_s` long."""
        super().__init__("emolive voice", lambda: VoiceReader(path), parent)
        self.name = name
        self.step_s = STEP_S
        self.problem = ""
        self._n = round(duration_s / STEP_S)
        self._tiles = VoiceTiles()
        self.computed.connect(self._on_computed)
        self.broken.connect(self._on_broken)

    def cells(self, first: int, last: int, every: int = 1) -> FloatArray:
        """Columns ``first, first + every, ... < last``, float32 ``(len(Track), n)``."""
        if not self.problem:
            self.want(self._tiles.missing(max(0, first), min(self._n, last)))
        return self._tiles.cells(first, last, every)

    def _on_computed(self, key: int, chunk: FloatArray) -> None:
        self._tiles.put(key, chunk)
        self.arrived.emit()

    def _on_broken(self, problem: str) -> None:
        self.problem = problem
        self.arrived.emit()
