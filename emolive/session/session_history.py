"""A stored session, arranged for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolive.acoustics import spectrogram_at
from emolive.conversation import ConversationMetrics
from emolive.features import LogMelSpec
from emolive.history.rings import DecisionRing
from emolive.session.conversation import session_conversation
from emolive.session.library import Library
from emolive.session.library_settings import TierSettings
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Gap,
    Note,
    SessionInfo,
    StreamInfo,
    Trace,
)
from emolive.session.summary import SessionSummary, summarize
from emolive.types import Baseline, FloatArray, Prediction, Segment, SpeechActivity

LEVEL_CELL_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class LevelHistory:
    """Level and speech on a fixed grid, as `LevelRing` has them; there is no stored peak.

    ``level_dbfs`` float32 ``(n,)``, NaN where nothing was measured; ``speech`` bool ``(n,)``.
    """

    cell_s: float
    level_dbfs: FloatArray
    speech: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, activity: Sequence[SpeechActivity], rate: int, duration_s: float) -> LevelHistory:
        """The loudest chunk that begins in each cell of `LEVEL_CELL_S`."""
        n_cells = max(1, int(np.ceil(duration_s / LEVEL_CELL_S)))
        level = np.full(n_cells, -np.inf, np.float32)
        speech = np.zeros(n_cells, np.bool_)
        for piece in activity:
            starts = piece.start_sample + piece.chunk_samples * np.arange(len(piece.speech))
            # Chunks are shorter than cells, so every cell of a piece gets one.
            cells = np.minimum((starts / (rate * LEVEL_CELL_S)).astype(np.int64), n_cells - 1)
            np.fmax.at(level, cells, piece.level_dbfs)
            np.logical_or.at(speech, cells, piece.speech)
        level[np.isneginf(level)] = np.nan
        return cls(LEVEL_CELL_S, level, speech)

    def cells(self, first: int, last: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        """Level, peak (the level again) and speech of cells ``[first, last)``."""
        at = np.arange(first, last)
        held = (at >= 0) & (at < len(self.level_dbfs))
        inside = np.clip(at, 0, len(self.level_dbfs) - 1)
        level: FloatArray = np.where(held, self.level_dbfs[inside], np.float32(np.nan))
        return level, level, self.speech[inside] & held


@dataclass(frozen=True, slots=True, eq=False)
class StreamHistory:
    """One stream's timeline; `levels` and `audio` are None where none are kept."""

    info: StreamInfo
    decisions: DecisionRing
    segments: tuple[Segment, ...]
    levels: LevelHistory | None
    audio: Path | None

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.info.name


@dataclass(frozen=True, slots=True, eq=False)
class SessionHistory:
    """One session with its whole timeline; `metrics` only a conversation of two has.

    `baseline`: how far its answers are adapted to their source, as it was last (None: not at all).
    `tiers` and `annotators` are those of the library.
    """

    info: SessionInfo
    streams: tuple[StreamHistory, ...]
    annotations: tuple[Annotation, ...]
    gaps: tuple[Gap, ...]
    alerts: tuple[AlertRecord, ...]
    notes: tuple[Note, ...]
    summary: SessionSummary
    metrics: ConversationMetrics | None
    baseline: Baseline | None = None
    traces: tuple[Trace, ...] = ()
    tiers: tuple[TierSettings, ...] = ()
    annotators: tuple[str, ...] = ()

    @property
    def hop_s(self) -> float:
        """Seconds between two decisions."""
        return self.info.hop_samples / self.info.rate

    @property
    def spectrogram(self) -> LogMelSpec:
        """How its pictures are computed."""
        return spectrogram_at(self.info.rate)


def load(library: Library, session_id: str) -> SessionHistory:
    """Read everything about a session but its audio; takes a while, belongs on a worker.

    Raises:
        SessionError: there is no such session.
    """
    info = library.get(session_id)
    windows = library.windows(info.id)
    segments = library.segments(info.id)
    activity = {stream.name: library.activity(info.id, stream.name) for stream in info.streams}
    streams = tuple(
        StreamHistory(
            stream,
            decisions_of([w for w in windows if w.stream == stream.name], info.labels, info.rate),
            tuple(segment for segment in segments if segment.stream == stream.name),
            LevelHistory.of(activity[stream.name], info.rate, info.duration_s)
            if activity[stream.name]
            else None,
            library.audio_path(info.id, stream.name),
        )
        for stream in info.streams
    )
    return SessionHistory(
        info,
        streams,
        tuple(library.annotations(info.id)),
        tuple(library.gaps(info.id)),
        tuple(library.alerts(info.id)),
        tuple(library.notes(info.id)),
        summarize([stream.name for stream in info.streams], info.labels, windows, segments),
        session_conversation(library, info),
        next((w.baseline for w in reversed(windows) if w.baseline is not None), None),
        tuple(library.traces(info.id)),
        library.settings().tiers,
        tuple(library.annotators()),
    )


def decisions_of(windows: Sequence[Prediction], labels: tuple[str, ...], rate: int) -> DecisionRing:
    """All of a stream's answers, none overwritten."""
    ring = DecisionRing(labels, rate, max(1, len(windows)))
    for window in windows:
        ring.append(window)
    return ring
