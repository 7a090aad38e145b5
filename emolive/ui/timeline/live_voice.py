"""The voice of a running stream over time: measured while it is heard, on a thread of its own."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from emolive.explain.cues import load_praat
from emolive.explain.explainer import AudioMemory
from emolive.explain.voice_tiles import VoiceTiles
from emolive.explain.voice_tracks import CHUNK_S, STEP_S, heard_for, piece, voice_tracks
from emolive.types import FeatureBlock, FloatArray
from emolive.ui.background import TileWorker

# Sound that is held: a piece with its margins, and a worker that is late.
_HELD_S = 20.0
_MOST_DUE = 2
# What is newest is measured this often from a short piece, until its own piece is whole. A draft's
# key is below zero, and another one each time.
_DRAFT_EVERY_S, _DRAFT_S, _DRAFT_LEAD_S = 0.5, 2.5, 0.7
# An hour of pieces with all their columns.
_WHOLE = round(3600 / CHUNK_S)


class _Heard:
    """The last seconds of a stream; the window writes them, the worker reads."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._memory = AudioMemory(rate, _HELD_S)
        self._lock = threading.Lock()

    def add(self, end_sample: int, samples: FloatArray) -> None:
        """Enter sound; what is lost before it is silence, as it is in a recording."""
        with self._lock:
            memory = self._memory
            lost = end_sample - len(samples) - memory.end
            if memory.end and lost > 0:
                silence = np.zeros(min(lost, memory.capacity), np.float32)
                memory.add(end_sample - len(samples), silence)
            memory.add(end_sample, samples)

    def read(self, first_s: float, last_s: float) -> tuple[float, FloatArray]:
        """As much of that stretch as is held, from a multiple of `STEP_S` on."""
        with self._lock:
            held_s = self._memory.start / self.rate
            first_s = math.ceil(round(max(first_s, held_s) / STEP_S, 6)) * STEP_S
            first = round(first_s * self.rate)
            last = min(self._memory.end, round(last_s * self.rate))
            samples = self._memory.read(first, last)
        return first_s, np.zeros(0, np.float32) if samples is None else samples

    @property
    def end_s(self) -> float:
        """Time of the newest sound."""
        with self._lock:
            return self._memory.end / self.rate


class _Reader:
    """Measures what is heard; opened and used on the worker's thread."""

    def __init__(self, heard: _Heard) -> None:
        self._heard = heard
        self._praat = load_praat()

    def tile(self, key: int) -> object:
        """A piece; for a draft its first column and the tracks of the newest sound."""
        rate = self._heard.rate
        if key >= 0:
            first_s, samples = self._heard.read(*heard_for(key))
            return piece(key, samples, rate, first_s, self._praat)
        end_s = self._heard.end_s
        first_s, samples = self._heard.read(end_s - _DRAFT_S, end_s)
        tracks = voice_tracks(samples, rate, self._praat)
        lead = round(_DRAFT_LEAD_S / STEP_S) if samples.size >= (_DRAFT_S - 0.1) * rate else 0
        return round(first_s / STEP_S) + lead, tracks[:, lead:]

    def close(self) -> None:
        """Nothing is held."""


class LiveVoice(QObject):
    """Tracks of one stream, the same numbers as its recording gives, once a piece is whole.

    What is newer comes from the last seconds alone. Sizes: `VoiceTiles`, and `_HELD_S` of sound.
    `problem` is why nothing can be measured, or "".
    """

    arrived = Signal()

    def __init__(self, name: str, rate: int, parent: QObject | None = None) -> None:
        """For a stream of this name, of `rate` samples per second."""
        super().__init__(parent)
        self.name = name
        self.step_s = STEP_S
        self.problem = ""
        self._rate = rate
        self._tiles = VoiceTiles(_WHOLE)
        self._heard: _Heard | None = None
        self._worker: TileWorker | None = None
        self._next = 0  # the piece that is being heard
        self._due: list[int] = []
        self._drafted_s = 0.0
        self._drafts = 0

    @property
    def complete(self) -> bool:
        """Whether nothing waits to be measured."""
        return self._worker is None or (self._worker.complete and not self._due)

    def cells(self, first: int, last: int, every: int = 1) -> FloatArray:
        """Columns ``first, first + every, ... < last``, float32 ``(len(Track), n)``."""
        return self._tiles.cells(first, last, every)

    def add(self, block: FeatureBlock) -> None:
        """Hear it, and measure what can be."""
        if block.samples is None or self.problem:
            return
        end_s = block.end_sample / self._rate
        if self._heard is None:
            self._begin(block.start_sample / self._rate)
        assert self._heard is not None
        self._heard.add(block.end_sample, block.samples)
        due = False
        while heard_for(self._next)[1] <= end_s:
            self._due.append(self._next)
            self._next += 1
            due = True
        if due or end_s >= self._drafted_s + _DRAFT_EVERY_S:
            self._drafted_s = end_s
            self._drafts += 1
            self._want(-self._drafts)

    def finish(self) -> None:
        """Nothing more will be heard: measure the last piece as it is."""
        if self._heard is None or self.problem:
            return
        while self._next * CHUNK_S < self._heard.end_s:
            self._due.append(self._next)
            self._next += 1
        self._want()

    def rest(self, timeout: float = 0.0) -> bool:
        """Hear nothing more, and keep what was measured; whether the thread ended in time."""
        worker, self._worker, self._heard = self._worker, None, None
        self._due = []
        if worker is None:
            return True
        worker.computed.disconnect(self._on_computed)
        worker.broken.disconnect(self._on_broken)
        ended = worker.close(timeout)
        worker.deleteLater()
        return ended

    def _begin(self, at_s: float) -> None:
        heard = self._heard = _Heard(self._rate)
        self._next = int(at_s / CHUNK_S)
        self._drafted_s = at_s
        self._worker = TileWorker("emolive voice", lambda: _Reader(heard), self)
        self._worker.computed.connect(self._on_computed)
        self._worker.broken.connect(self._on_broken)

    def _want(self, *also: int) -> None:
        assert self._worker is not None
        # Of what is older, the sound is gone: its draft stays.
        self._due = self._due[-_MOST_DUE:]
        self._worker.want([*self._due, *also])

    def _on_computed(self, key: int, found: Any) -> None:
        if key < 0:
            first, tracks = found
            self._tiles.draft(first, tracks)
        else:
            self._due = [one for one in self._due if one != key]
            self._tiles.put(key, found)
        self.arrived.emit()

    def _on_broken(self, problem: str) -> None:
        self.problem = problem
        self.arrived.emit()
