"""One call as watchers see it: what it is now, and what it was in the last hour."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from emolive.conversation import ConversationMetrics
from emolive.history.rings import DecisionRing, LevelRing
from emolive.i18n import Said, mark, parts_of, tr
from emolive.inference.doubt import doubt_sentence, doubts
from emolive.labels import is_negative
from emolive.monitoring.call_feed import LevelCell
from emolive.monitoring.wire import event_fields
from emolive.server.host import CallEvent, CallRequest, CallState, HostedCall, ModelFacts
from emolive.server.placement import Placement, PlacementStatus
from emolive.types import (
    Alert,
    AlertEnded,
    EngineState,
    EngineStatus,
    FloatArray,
    Prediction,
    Role,
    Segment,
    Severity,
    SpeechState,
)

Message = dict[str, Any]

ELSEWHERE = mark("Its server was lost, and another has it now.")
_KEPT_S = 3_600.0
_CELL_S = 0.1
_KEPT_SEGMENTS = 2_000
_KEPT_ALERTS = 100
_TREND_S = 180.0
# How fast the negative level follows, and fades where nothing is inferred.
_FOLLOW_S = 8.0
_FADE_S = 30.0
_STATES = tuple(state.value for state in SpeechState)
_SEVERITIES = list(Severity)


@dataclass(frozen=True, slots=True)
class _Past:
    """What stays of a hosted call that was let go."""

    state: CallState

    def write(self, block: FloatArray) -> None:
        """Nobody hears it any more."""

    def finish(self, reason: str | None, gaps: int) -> None:
        """It is over."""

    def take(self) -> Sequence[CallEvent]:
        """Nothing happens any more."""
        return ()


def _said(message: Message) -> Message:
    """What its sentences say, for whoever says them in another language."""
    said = {name: parts_of(value) for name, value in message.items() if isinstance(value, Said)}
    return {"said": said} if said else {}


class ServedCall:
    """A call that runs, or ended a while ago.

    Buffers: an hour of answers and levels, 2,000 segments, 100 alerts; overflow policy: the oldest
    go.
    """

    def __init__(self, request: CallRequest, hosted: HostedCall, model: ModelFacts) -> None:
        self.request = request
        self.id = request.id
        self.hosted: HostedCall = hosted
        self.started_at = datetime.now(UTC)
        self.ended_at: datetime | None = None
        self.held_back_s = 0.0
        self.placed: Placement | None = None
        self._told_placement = PlacementStatus()
        self._model = model
        self._status: EngineStatus | None = None
        self._metrics: Message | None = None
        kept = round(_KEPT_S / model.hop_s)
        self._decisions = {
            name: DecisionRing(model.labels, model.rate, kept) for name in request.streams
        }
        self._levels = {
            name: LevelRing(_CELL_S, round(_KEPT_S / _CELL_S)) for name in request.streams
        }
        self._levels_told = dict.fromkeys(request.streams, 0)
        self._segments: deque[Message] = deque(maxlen=_KEPT_SEGMENTS)
        self._alerts: deque[Message] = deque(maxlen=_KEPT_ALERTS)
        self._alert_count = 0
        self._latest: dict[str, Message] = {}
        self._negative = 0.0
        self._unpleasant = tuple(is_negative(label) for label in model.labels)

    @property
    def main(self) -> str:
        """The stream that a card shows: the customer's."""
        for name, role in zip(self.request.streams, self.request.roles, strict=True):
            if role is Role.CUSTOMER:
                return name
        return self.request.streams[0]

    @property
    def placement(self) -> PlacementStatus:
        """How its packets came."""
        return self._told_placement if self.placed is None else self.placed.status

    @property
    def ended(self) -> bool:
        """Whether its last status has been told."""
        return self.ended_at is not None

    @property
    def ended_for_s(self) -> float:
        """How long ago that was; negative: it goes on."""
        if self.ended_at is None:
            return -1.0
        return (datetime.now(UTC) - self.ended_at).total_seconds()

    @property
    def kept_by_host(self) -> bool:
        """Whether its host still has it."""
        return not isinstance(self.hosted, _Past)

    def let_go(self) -> None:
        """Its host is about to forget it: keep what is to be shown for a while."""
        self.hosted = _Past(replace(self.hosted.state, recording=False, over=True))

    def supersede(self) -> None:
        """Another connection brings it now, to a server that knows nothing of this one's end."""
        status = self._status or EngineStatus(EngineState.STARTING)
        self._accept(replace(status, state=EngineState.FAILED, reason=tr(ELSEWHERE)))

    def take(self) -> list[Message]:
        """What is new, as it is told to watchers."""
        return [
            message for event in self.hosted.take() if (message := self._accept(event)) is not None
        ]

    def take_levels(self) -> list[Message]:
        """The levels since the last time."""
        messages = []
        for name, ring in self._levels.items():
            first, self._levels_told[name] = self._levels_told[name], ring.end
            if ring.end > first:
                messages.append(self._levels_message(name, max(first, ring.end - 600), ring.end))
        return messages

    def conversation(self) -> Message | None:
        """How the parties talk, as `call live --json` prints it."""
        if self._metrics is None:
            return None
        return {"type": "conversation", "call": self.id, "final": self.ended} | self._metrics

    def acknowledge(self, numbers: Iterable[int] | None) -> list[int]:
        """Somebody has seen to these alerts (None: to all); the numbers of those that are there."""
        wanted = None if numbers is None else set(numbers)
        seen = [one for one in self._alerts if wanted is None or one["number"] in wanted]
        for alert in seen:
            alert["acknowledged"] = True
        return [alert["number"] for alert in seen]

    def info(self, *, trend: bool = False) -> Message:
        """The call now; with `trend` the last minutes of its main party, too."""
        status, hosted = self._status, self.hosted.state
        state = EngineState.STARTING if status is None else status.state
        waiting = [alert for alert in self._alerts if not alert["acknowledged"]]
        gravest = max(
            (_SEVERITIES.index(Severity(one["severity"])) + 1 for one in waiting), default=0
        )
        placement = self.placement
        found: Message = {
            "id": self.id,
            "stretch": self.request.stretch,
            "server": self.request.server,
            "name": self.request.name,
            "tap": self.request.tap,
            "state": state.value,
            "reason": None if status is None else status.reason,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "elapsed_s": 0.0 if status is None else round(status.elapsed_s, 3),
            "streams": self._streams(),
            "recording": hosted.recording,
            "session": hosted.session,
            "consent": self.request.consent,
            "agent_permitted_by": hosted.permitted_by,
            "latest": self._latest,
            "alerts": list(self._alerts),
            "alert_count": self._alert_count,
            "urgency": round(gravest + min(0.99, self._negative), 3),
            "negative": round(self._negative, 3),
            "conversation": self._metrics,
            "audio": {
                "gaps": placement.gaps,
                "lost_s": round(placement.lost_samples / self.request.rate, 3),
                "late_packets": placement.late_packets,
                "stray_packets": placement.stray_packets,
                "held_back_s": round(self.held_back_s, 3),
            },
        }
        found |= _said(found)
        return found | {"trend": self._trend()} if trend else found

    def history(self, since_s: float = 0.0) -> Message:
        """The last hour, or what of it came after `since_s` seconds of the call."""
        predictions = [
            line
            for name, ring in self._decisions.items()
            for line in self._rows(name, ring, since_s)
        ]
        return {
            "call": self.id,
            "hop_s": self._model.hop_s,
            "labels": list(self._model.labels),
            "predictions": sorted(predictions, key=lambda line: line["end_s"]),
            "segments": [one for one in self._segments if one["end_s"] > since_s],
            "alerts": [one for one in self._alerts if one["fired_s"] > since_s],
            "levels": [
                self._levels_message(name, max(int(since_s / _CELL_S), ring.end - ring.capacity, 0))
                for name, ring in self._levels.items()
            ],
            "conversation": self.conversation(),
            "status": self._status and self._line(self._status),
            "truncated": any(ring.oldest_s > since_s for ring in self._decisions.values()),
        }

    def _accept(self, event: CallEvent) -> Message | None:
        if isinstance(event, ConversationMetrics):
            self._metrics = dict(event.to_dict())
            return None
        if isinstance(event, PlacementStatus):
            self._told_placement = event
            return None
        if isinstance(event, LevelCell):
            if (levels := self._levels.get(event.stream)) is not None:
                levels.add(
                    event.start_s,
                    event.end_s,
                    event.level_dbfs,
                    event.peak_dbfs,
                    speech=event.speech,
                )
            return None
        line = self._line(event)
        if isinstance(event, Prediction):
            line["confidence"] = round(event.confidence, 6)
            self._latest[event.stream] = line
            if (ring := self._decisions.get(event.stream)) is not None:
                ring.append(event)
            if event.stream == self.main:
                self._follow(event)
        elif isinstance(event, Segment):
            self._segments.append(line)
        elif isinstance(event, Alert):
            self._alert_count += 1
            line |= {"number": self._alert_count, "end_s": None, "acknowledged": False}
            line["at"] = datetime.now(UTC).isoformat()
            self._alerts.append(line)
        elif isinstance(event, AlertEnded):
            for alert in self._alerts:
                if (alert["rule"], alert["stream"], alert["fired_s"]) == (
                    line["rule"],
                    line["stream"],
                    line["fired_s"],
                ):
                    alert["end_s"] = line["end_s"]
                    line["number"] = alert["number"]
        else:
            self._status = event
            if event.state.over and self.ended_at is None:
                self.ended_at = datetime.now(UTC)
        return line

    def _line(self, event: Prediction | Segment | Alert | AlertEnded | EngineStatus) -> Message:
        line = event_fields(event, self._model.labels, self._model.rate) | {"call": self.id}
        if isinstance(event, Prediction) and (why := self._why(event)):
            line["why"] = why
        return line | _said(line)

    def _why(self, answer: Prediction) -> str:
        """Why an answer is uncertain, or other than its newest window's; "" where it is neither."""
        clauses = doubts(
            answer.state,
            answer.label,
            answer.confidence,
            answer.probabilities,
            self._model.labels,
            familiarity=None if answer.shift is None else answer.shift.word,
            loudest_dbfs=self._loudest(answer),
        )
        return doubt_sentence(answer.state, clauses)

    def _loudest(self, answer: Prediction) -> float | None:
        """Level of a window's loudest moment; None where none is held."""
        if (ring := self._levels.get(answer.stream)) is None:
            return None
        first, last = (
            int(at / self._model.rate / _CELL_S) for at in (answer.start_sample, answer.end_sample)
        )
        level, _, _ = ring.cells(max(0, first), max(0, last))
        return max((float(x) for x in level if not math.isnan(x)), default=None)

    def _follow(self, prediction: Prediction) -> None:
        target, time_s = 0.0, _FADE_S
        if prediction.probabilities is not None:
            shares = zip(prediction.probabilities, self._unpleasant, strict=True)
            target, time_s = float(sum(p for p, bad in shares if bad)), _FOLLOW_S
        self._negative += (1 - math.exp(-self._model.hop_s / time_s)) * (target - self._negative)

    def _streams(self) -> list[Message]:
        told = {one.name: one for one in self._status.streams} if self._status else {}
        permitted = self.hosted.state.permitted_by is not None
        found = []
        for name, role in zip(self.request.streams, self.request.roles, strict=True):
            status = told.get(name)
            found.append(
                {
                    "stream": name,
                    "role": role.value,
                    "emotion": role is not Role.AGENT or permitted,
                    "native_rate": self.request.rate,
                    "band": status.band.value if status is not None and status.band else None,
                }
            )
        return found

    def _trend(self) -> Message:
        ring = self._decisions[self.main]
        rows = ring.rows(ring.last_s - _TREND_S, math.inf)
        negative = rows.probabilities[:, list(self._unpleasant)].sum(axis=1)
        return {
            "at_s": [round(float(at), 3) for at in rows.centre_s],
            "state": [_STATES[code] for code in rows.state],
            "label": [self._label(code) for code in rows.label],
            "negative": [
                round(float(share), 3) if any(row) else None
                for share, row in zip(negative, rows.probabilities, strict=True)
            ],
        }

    def _rows(self, name: str, ring: DecisionRing, since_s: float) -> Sequence[Message]:
        half = self._model.window_s / 2
        rows = ring.rows(since_s - half, math.inf)
        lines = []
        for i in range(len(rows)):
            known = rows.probabilities[i].any()
            shares = zip(self._model.labels, rows.probabilities[i], strict=True)
            lines.append(
                {
                    "type": "prediction",
                    "call": self.id,
                    "stream": name,
                    "start_s": round(float(rows.centre_s[i]) - half, 3),
                    "end_s": round(float(rows.centre_s[i]) + half, 3),
                    "state": _STATES[rows.state[i]],
                    "label": self._label(rows.label[i]),
                    "confidence": round(float(rows.confidence[i]), 3),
                    "probabilities": {label: round(float(p), 3) for label, p in shares}
                    if known
                    else {},
                }
            )
        return [line for line in lines if line["end_s"] > since_s]

    def _label(self, code: int) -> str | None:
        return self._model.labels[code] if code < len(self._model.labels) else None

    def _levels_message(self, name: str, first: int, last: int | None = None) -> Message:
        ring = self._levels[name]
        level, peak, speech = ring.cells(first, ring.end if last is None else last)
        return {
            "type": "levels",
            "call": self.id,
            "stream": name,
            "start_s": round(first * _CELL_S, 3),
            "cell_s": _CELL_S,
            "level_dbfs": [None if math.isnan(x) else round(float(x), 1) for x in level],
            "peak_dbfs": [None if math.isnan(x) else round(float(x), 1) for x in peak],
            "speech": [int(flag) for flag in speech],
        }
