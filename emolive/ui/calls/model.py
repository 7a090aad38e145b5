"""What the window knows of a call: histories, the present, metrics and alerts. No Qt."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolive.conversation import ConversationMetrics
from emolive.engine.config import AgentPermission
from emolive.history.rings import DecisionRing, LevelRing
from emolive.labels import is_negative
from emolive.monitoring import MonitoredCall
from emolive.monitoring.call_feed import Digest, LevelCell
from emolive.monitoring.sources import CallChoice
from emolive.session.recorder_status import RecorderStatus
from emolive.types import (
    Alert,
    AlertEnded,
    Band,
    Baseline,
    EngineState,
    EngineStatus,
    Familiarity,
    FloatArray,
    Prediction,
    Remark,
    Role,
    RunFacts,
    SpeechState,
    StreamStatus,
)
from emolive.ui.calls.call_session import CallSession

HISTORY_S = 4 * 3600.0
TREND_S = 180.0
_LEVEL_CELL_S = 0.1
# Alerts of one call; overflow policy: the oldest is forgotten here (a recording keeps it).
_KEPT_ALERTS = 500
# How fast the negative level follows, and fades where nothing is inferred.
_FOLLOW_S = 8.0
_FADE_S = 30.0


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What stays the same in a call; `telephone` are the model's scores there, by corpus."""

    id: str
    name: str
    choice: CallChoice
    facts: RunFacts
    telephone: dict[str, float]
    permission: AgentPermission | None = None

    @classmethod
    def of(cls, call: MonitoredCall) -> CallInfo:
        """Of a call that was opened by choice."""
        run = call.run
        choice = run.description.source
        assert isinstance(choice, CallChoice)
        scores = run.metadata.telephone_scores
        return cls(call.id, call.name, choice, call.live.facts, scores, run.description.permission)


@dataclass(slots=True)
class AlertEntry:
    """An alert, whether it is over, and whether somebody has seen to it."""

    number: int
    alert: Alert
    end_sample: int | None = None
    acknowledged: bool = False


class CallStream:
    """One party's history and present; what the timeline's panels draw."""

    def __init__(self, name: str, facts: RunFacts) -> None:
        """Empty, with room for `HISTORY_S`. Overflow policy: the oldest is overwritten."""
        self.name = name
        self.hop_s = facts.hop_s
        self.status: StreamStatus | None = None
        rate = facts.rate
        self.decisions = DecisionRing(facts.labels, rate, math.ceil(HISTORY_S / facts.hop_s))
        self.levels = LevelRing(_LEVEL_CELL_S, math.ceil(HISTORY_S / _LEVEL_CELL_S))
        self.end_s = 0.0
        self.speech = False
        self.current: Prediction | None = None
        self.familiarity: Familiarity | None = None
        self.baseline: Baseline | None = None
        self.negative = 0.0

    @property
    def role(self) -> Role | None:
        """Who speaks on it."""
        return self.status.role if self.status else None

    @property
    def infers(self) -> bool:
        """Whether emotion is inferred on it."""
        return self.status is None or self.status.emotion

    def add_level(self, cell: LevelCell) -> None:
        """Enter a stretch of sound."""
        start_s = max(self.end_s, cell.start_s)
        self.end_s = max(self.end_s, cell.end_s)
        self.speech = cell.speech
        level, peak = cell.level_dbfs, cell.peak_dbfs
        self.levels.add(min(start_s, self.end_s), self.end_s, level, peak, speech=cell.speech)

    def add_decision(
        self, prediction: Prediction, negative: npt.NDArray[np.bool_], hop_s: float
    ) -> None:
        """Enter an answer; `negative` tells which classes are unpleasant ones."""
        self.current = prediction
        self.baseline = prediction.baseline
        if prediction.shift is not None:
            self.familiarity = prediction.shift.word
        self.decisions.append(prediction)
        target, time_s = 0.0, _FADE_S
        if prediction.probabilities is not None:
            target, time_s = float(prediction.probabilities[negative].sum()), _FOLLOW_S
        self.negative += (1.0 - math.exp(-hop_s / time_s)) * (target - self.negative)


@dataclass(frozen=True, slots=True, eq=False)
class CallTrend:
    """The last minutes of the main party.

    ``at_s`` float64 ``(n,)``; ``negative``, float32 ``(n,)``: the share of unpleasant emotions in
    each answer, NaN where nothing was inferred; state and label codes as in `DecisionRows`.
    """

    start_s: float
    end_s: float
    at_s: npt.NDArray[np.float64]
    negative: FloatArray
    state: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint8]


class CallModel:
    """A call as the window shows it. On the window's thread; grows with nothing."""

    def __init__(self, info: CallInfo) -> None:
        """Nothing heard yet."""
        self.info = info
        self.streams: dict[str, CallStream] = {}
        self.status: EngineStatus | None = None
        self.metrics: ConversationMetrics | None = None
        # The newest of its recordings: None before the first one.
        self.recording: RecorderStatus | None = None
        self.alerts: deque[AlertEntry] = deque(maxlen=_KEPT_ALERTS)
        self.remarks: list[Remark] = []
        self.tags: list[str] = list(info.choice.tags)
        self.sessions: list[CallSession] = []  # recorded or kept; they are tagged with it
        self.lost = 0
        self._n_alerts = 0
        labels = info.facts.labels
        self.negative_classes = np.array([is_negative(label) for label in labels], np.bool_)

    @property
    def state(self) -> EngineState:
        """Of its engine."""
        return self.status.state if self.status else EngineState.STARTING

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state.over

    @property
    def recorded(self) -> bool:
        """Whether it is being recorded now."""
        return self.recording is not None and not self.recording.state.over

    @property
    def end_s(self) -> float:
        """Its length so far."""
        return max((stream.end_s for stream in self.streams.values()), default=0.0)

    @property
    def oldest_s(self) -> float:
        """From when on its history is held."""
        return min((stream.decisions.oldest_s for stream in self.streams.values()), default=0.0)

    @property
    def main(self) -> CallStream | None:
        """The party whose emotion a card shows: the customer, or whoever is inferred."""
        streams = list(self.streams.values())
        for stream in streams:
            if stream.role is Role.CUSTOMER:
                return stream
        return next(
            (stream for stream in streams if stream.infers), streams[0] if streams else None
        )

    @property
    def inferred(self) -> list[CallStream]:
        """The parties whose emotions are inferred, the customer first."""
        streams = [stream for stream in self.streams.values() if stream.infers]
        return sorted(streams, key=lambda stream: stream.role is Role.AGENT)

    @property
    def negative(self) -> float:
        """How unpleasant it is, 0 to 1: that of the party in the worst mood."""
        if self.over:
            return 0.0
        return max((stream.negative for stream in self.streams.values()), default=0.0)

    @property
    def narrow(self) -> bool:
        """Whether emotion is inferred from telephone speech."""
        return any(
            stream.infers and stream.status is not None and stream.status.band is Band.NARROW
            for stream in self.streams.values()
        )

    @property
    def strange(self) -> Familiarity | None:
        """The word for the main party's speech of late, where it is not a familiar one."""
        word = self.main.familiarity if self.main else None
        return None if word is Familiarity.FAMILIAR else word

    @property
    def processor_problem(self) -> str | None:
        """That the model had to move to another processor; None once the call is over."""
        if self.status is None or self.over:
            return None
        note = self.status.provider_note
        return None if note == self.info.facts.provider_note else note

    @property
    def open_alerts(self) -> list[AlertEntry]:
        """The ones nobody has seen to, oldest first."""
        return [entry for entry in self.alerts if not entry.acknowledged]

    def apply(self, digest: Digest) -> list[AlertEntry]:
        """Enter what is new; returns the alerts among it."""
        self.lost += digest.lost
        if digest.status is not None:
            self.status = digest.status
            for status in digest.status.streams:
                self._stream(status.name).status = status
        for cell in digest.levels:
            self._stream(cell.stream).add_level(cell)
        for prediction in digest.decisions:
            stream = self._stream(prediction.stream)
            stream.add_decision(prediction, self.negative_classes, self.info.facts.hop_s)
        if digest.metrics is not None:
            self.metrics = digest.metrics
        fresh = []
        for event in digest.alerts:
            if isinstance(event, Alert):
                self._n_alerts += 1
                fresh.append(AlertEntry(self._n_alerts, event))
                self.alerts.append(fresh[-1])
            else:
                self._end_alert(event)
        return fresh

    def acknowledge(self, entry: AlertEntry | None = None) -> None:
        """Somebody has seen to an alert, or to all of them."""
        for one in self.alerts:
            if entry is None or one is entry:
                one.acknowledged = True

    def trend(self, seconds: float = TREND_S) -> CallTrend | None:
        """The last `seconds` of the main party; None before its first answer."""
        stream = self.main
        if stream is None or not stream.decisions.count:
            return None
        end_s = max(stream.decisions.last_s, stream.end_s)
        # A young call fills the room from the left.
        start_s = max(0.0, end_s - seconds)
        rows = stream.decisions.rows(start_s, end_s + 1.0)
        negative = rows.probabilities[:, self.negative_classes].sum(axis=1)
        negative[rows.probabilities.sum(axis=1) < 0.5] = np.nan
        return CallTrend(start_s, end_s, rows.centre_s, negative, rows.state, rows.label)

    def state_words(self) -> tuple[SpeechState | None, str | None, float]:
        """State, label and confidence of the main party's newest answer."""
        stream = self.main
        if stream is None or stream.current is None:
            return None, None, 0.0
        current = stream.current
        return current.state, current.label, current.confidence

    def _end_alert(self, event: AlertEnded) -> None:
        for entry in reversed(self.alerts):
            alert = entry.alert
            if (alert.rule, alert.stream, alert.fired_sample) == (
                event.rule,
                event.stream,
                event.fired_sample,
            ):
                entry.end_sample = event.end_sample
                return

    def _stream(self, name: str) -> CallStream:
        if (stream := self.streams.get(name)) is None:
            stream = self.streams[name] = CallStream(name, self.info.facts)
        return stream
