"""What a live run shows, built from engine events."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from emolive.acoustics import SPECTROGRAM
from emolive.history.rings import DecisionRing, LevelRing, SpectrogramRing
from emolive.inference.doubt import doubt_sentence, doubts, second_emotion
from emolive.types import (
    Baseline,
    EngineStatus,
    Event,
    Familiarity,
    FeatureBlock,
    FloatArray,
    Prediction,
    Role,
    RunFacts,
    SpeechState,
    StreamStatus,
)

HISTORY_S = 8 * 3600.0
SPECTROGRAM_S = 300.0
OVERVIEW_CELL_S = 0.5
LEVEL_CELL_S = 0.1
# Natural-log mel power: from a quiet room to a loud voice at a close microphone.
SPECTROGRAM_LEVELS = (-11.0, 7.0)


@dataclass(frozen=True, slots=True, eq=False)
class Current:
    """The newest decision of a stream, and since when its state and label hold.

    ``probabilities`` float32 ``(n_classes,)`` of the newest window, None in silence; ``leading`` is
    its most probable label, ``second`` the one close to the decided label; ``familiarity`` how the
    sound compares with the model's training data; ``baseline`` how far answers are adapted to their
    source; ``doubts`` what makes it uncertain, or differ from what its newest window says.
    """

    state: SpeechState
    label: str | None
    confidence: float
    since_s: float
    probabilities: FloatArray | None
    leading: str | None
    familiarity: Familiarity | None = None
    baseline: Baseline | None = None
    second: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Why it is uncertain, or not what its newest window says, in a sentence, or ""."""
        return doubt_sentence(self.state, self.doubts)


class StreamModel:
    """History and present of one stream."""

    def __init__(self, name: str, facts: RunFacts, history_s: float = HISTORY_S) -> None:
        """Empty, with room for `history_s` seconds."""
        self.name = name
        self._facts = facts
        self.hop_s = facts.hop_s  # from one decision to the next
        self.spectrogram_spec = SPECTROGRAM  # how the frames of its spectrogram are made
        frame_s = SPECTROGRAM.hop_length / SPECTROGRAM.sampling_rate
        self.decisions = DecisionRing(facts.labels, facts.rate, math.ceil(history_s / facts.hop_s))
        self.levels = LevelRing(LEVEL_CELL_S, math.ceil(history_s / LEVEL_CELL_S))
        per_cell = max(1, round(OVERVIEW_CELL_S / frame_s))
        self.spectrogram = SpectrogramRing(
            SPECTROGRAM.n_mels,
            math.ceil(SPECTROGRAM_S / frame_s),
            *SPECTROGRAM_LEVELS,
            per_cell=per_cell,
            overview_cells=math.ceil(history_s / (per_cell * frame_s)),
        )
        self.current: Current | None = None
        self.level_dbfs = -math.inf
        self.peak_dbfs = -math.inf
        self.speech = False
        self.end_s = 0.0
        self.status: StreamStatus | None = None

    @property
    def role(self) -> Role | None:
        """Who speaks on it, as far as the engine said."""
        return self.status.role if self.status else None

    def add_features(self, block: FeatureBlock) -> None:
        """Enter new frames and levels."""
        rate = self._facts.rate
        frame = block.start_sample // SPECTROGRAM.hop_length
        self.spectrogram.write(frame, block.log_mel)
        self.level_dbfs = block.level_dbfs
        self.peak_dbfs = block.peak_dbfs
        self.speech = block.speech
        start_s = max(self.end_s, block.start_sample / rate)
        self.end_s = block.end_sample / rate
        self.levels.add(
            min(start_s, self.end_s),
            self.end_s,
            block.level_dbfs,
            block.peak_dbfs,
            speech=block.speech,
        )

    def add_prediction(self, prediction: Prediction) -> None:
        """Enter a decision and make it the current one."""
        facts = self._facts
        before = self.current
        start = max(0, prediction.centre_sample - facts.hop_samples // 2)
        same = before is not None and (before.state, before.label) == (
            prediction.state,
            prediction.label,
        )
        since_s = (
            before.since_s
            if before is not None and same
            else (start / facts.rate if before is not None else 0.0)
        )
        probabilities = prediction.probabilities
        leading = None if probabilities is None else facts.labels[int(np.argmax(probabilities))]
        familiarity = None if prediction.shift is None else prediction.shift.word
        self.current = Current(
            prediction.state,
            prediction.label,
            prediction.confidence,
            since_s,
            probabilities,
            leading,
            familiarity,
            prediction.baseline,
            second_emotion(probabilities, prediction.label, facts.labels),
            doubts(
                prediction.state, prediction.label, prediction.confidence, probabilities,
                facts.labels, familiarity=familiarity,
                loudest_dbfs=self._loudest(prediction.start_sample, prediction.end_sample),
            ),
        )  # fmt: skip
        self.decisions.append(prediction)

    def _loudest(self, start: int, end: int) -> float | None:
        """Level of the loudest cell of a stretch; None where none is held."""
        first, last = (int(at / self._facts.rate / self.levels.cell_s) for at in (start, end))
        level, _, _ = self.levels.cells(max(0, first), max(0, last))
        known = level[~np.isnan(level)]
        return float(known.max()) if known.size else None


class MonitorModel:
    """All streams of one run, fed with events in order; a stream appears with its first event."""

    def __init__(self, facts: RunFacts, history_s: float = HISTORY_S) -> None:
        """Empty, with `history_s` seconds of room for each stream to come."""
        self.facts = facts
        self.streams: dict[str, StreamModel] = {}
        self.status: EngineStatus | None = None
        self._history_s = history_s

    @property
    def end_s(self) -> float:
        """Time of the newest audio of any stream."""
        return max((stream.end_s for stream in self.streams.values()), default=0.0)

    @property
    def oldest_s(self) -> float:
        """Time from which on decisions are held."""
        return min((stream.decisions.oldest_s for stream in self.streams.values()), default=0.0)

    def apply(self, events: Iterable[Event]) -> None:
        """Enter events, in the order in which they were published."""
        for event in events:
            if isinstance(event, EngineStatus):
                self.status = event
                for status in event.streams:
                    self._stream(status.name).status = status
            elif isinstance(event, FeatureBlock):
                self._stream(event.stream).add_features(event)
            elif isinstance(event, Prediction):
                self._stream(event.stream).add_prediction(event)

    def _stream(self, name: str) -> StreamModel:
        if (stream := self.streams.get(name)) is None:
            stream = self.streams[name] = StreamModel(name, self.facts, self._history_s)
        return stream


class FollowClock:
    """Turns audio that arrives in blocks into time that flows evenly.

    The time shown never runs ahead of the audio and never stays behind it by more than `slack_s`.
    """

    def __init__(self, slack_s: float = 0.25) -> None:
        self._slack_s = slack_s
        self._shown_s = 0.0
        self._wall_s: float | None = None

    def step(self, audio_s: float, wall_s: float) -> float:
        """The time to show when `audio_s` has arrived and a monotonic clock says `wall_s`."""
        passed = 0.0 if self._wall_s is None else wall_s - self._wall_s
        self._wall_s = wall_s
        self._shown_s = min(audio_s, max(self._shown_s + passed, audio_s - self._slack_s))
        return self._shown_s
