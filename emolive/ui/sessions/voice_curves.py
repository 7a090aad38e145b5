"""The voice of a stored stream over time: measured where it is looked at."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from emolive.explain.voice_tracks import CHUNK_S, STEP_S, Track, VoiceReader
from emolive.types import FloatArray
from emolive.ui.sessions.tile_worker import TileWorker

# Eight hours at 72 kB a piece.
_KEPT = 960
_PER_CHUNK = round(CHUNK_S / STEP_S)


class VoiceCurves(QObject):
    """Tracks of the whole stream; `cells` never waits: what is missing is NaN, and asked for.

    At most `_KEPT` pieces of `CHUNK_S` are kept; overflow policy: those not used for longest go.
    `problem` is why nothing can be measured, or "".
    """

    arrived = Signal()

    def __init__(self, path: Path, duration_s: float, parent: QObject | None = None) -> None:
        """For the audio file of a stream that is `duration_s` long."""
        super().__init__(parent)
        self.step_s = STEP_S
        self.end_s = duration_s
        self.problem = ""
        self._n = round(duration_s / STEP_S)
        self._chunks: OrderedDict[int, FloatArray] = OrderedDict()
        self._worker = TileWorker("emolive voice", lambda: VoiceReader(path), self)
        self._worker.computed.connect(self._on_computed)
        self._worker.broken.connect(self._on_broken)

    @property
    def complete(self) -> bool:
        """Whether nothing that was asked for is missing."""
        return self._worker.idle

    def cells(self, first: int, last: int) -> FloatArray:
        """Columns ``[first, last)``, float32 ``(len(Track), last - first)``."""
        found = np.full((len(Track), max(0, last - first)), np.nan, np.float32)
        inside = range(max(0, first), min(self._n, last))
        missing = []
        if inside:
            for key in range(inside.start // _PER_CHUNK, (inside.stop - 1) // _PER_CHUNK + 1):
                chunk = self._chunks.get(key)
                if chunk is None:
                    missing.append(key)
                    continue
                self._chunks.move_to_end(key)
                start = max(inside.start, key * _PER_CHUNK)
                stop = min(inside.stop, (key + 1) * _PER_CHUNK)
                found[:, start - first : stop - first] = chunk[
                    :, start - key * _PER_CHUNK : stop - key * _PER_CHUNK
                ]
        if not self.problem:
            self._worker.want(missing[:_KEPT])
        return found

    def close(self, timeout: float = 1.0) -> bool:
        """Measure nothing more; whether the thread ended within `timeout` seconds."""
        return self._worker.close(timeout)

    def _on_computed(self, key: int, chunk: FloatArray) -> None:
        self._chunks[key] = chunk
        while len(self._chunks) > _KEPT:
            self._chunks.popitem(last=False)
        self.arrived.emit()

    def _on_broken(self, problem: str) -> None:
        self.problem = problem
        self.arrived.emit()
