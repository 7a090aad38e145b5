"""The voice of a stored stream over time: measured where it is looked at."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from emolive.explain.voice_tiles import VoiceTiles
from emolive.explain.voice_tracks import STEP_S, VoiceReader
from emolive.types import FloatArray
from emolive.ui.tile_worker import TileWorker


class VoiceCurves(QObject):
    """Tracks of the whole stream; `cells` never waits: what is missing is NaN, and asked for.

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
        self._tiles = VoiceTiles()
        self._worker = TileWorker("emolive voice", lambda: VoiceReader(path), self)
        self._worker.computed.connect(self._on_computed)
        self._worker.broken.connect(self._on_broken)

    @property
    def complete(self) -> bool:
        """Whether nothing that was asked for is missing."""
        return self._worker.idle

    def cells(self, first: int, last: int, every: int = 1) -> FloatArray:
        """Columns ``first, first + every, ... < last``, float32 ``(len(Track), n)``."""
        if not self.problem:
            self._worker.want(self._tiles.missing(max(0, first), min(self._n, last)))
        return self._tiles.cells(first, last, every)

    def close(self, timeout: float = 1.0) -> bool:
        """Measure nothing more; whether the thread ended within `timeout` seconds."""
        return self._worker.close(timeout)

    def _on_computed(self, key: int, chunk: FloatArray) -> None:
        self._tiles.put(key, chunk)
        self.arrived.emit()

    def _on_broken(self, problem: str) -> None:
        self.problem = problem
        self.arrived.emit()
