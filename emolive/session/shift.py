"""A shift in numbers, from the recorded calls: by hour, by agent, by the customers' emotions.

Agents are counted by how the conversation went (who talks, waits and interrupts) and by nothing
else: emotions are summed over the customers alone, whatever a call was permitted to infer.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emolive.conversation import ConversationMetrics
from emolive.session.conversation import session_conversation
from emolive.session.library_reader import LibraryReader
from emolive.session.records import AlertRecord, SessionInfo, SessionState
from emolive.types import Role

# Before the names of people and teams among a session's tags.
AGENT_TAG, TEAM_TAG = "agent:", "team:"
# Calls of one look; the newest are taken.
MOST_CALLS = 5_000


@dataclass(frozen=True, slots=True)
class HourRow:
    """Calls that began within the hour from `start` (local time), their minutes, their alerts."""

    start: datetime
    calls: int
    minutes: float
    alerts: int


@dataclass(frozen=True, slots=True)
class AgentRow:
    """How the conversations of one agent went; None: no call told.

    Shares are 0 to 1, means over the calls weighted by their length; `response_s` is the median
    over calls of the agent's median response time in seconds, `interruptions` per hour of calls.
    """

    name: str
    calls: int
    minutes: float
    talk_share: float | None = None
    overtalk_share: float | None = None
    silence_share: float | None = None
    response_s: float | None = None
    interruptions: float | None = None


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert, when it fired (UTC), and in which session."""

    at: datetime
    session: SessionInfo
    alert: AlertRecord


@dataclass(frozen=True, slots=True)
class Shift:
    """All of it; `emotions` are seconds of the customers' decided segments by label.

    `left_out` counts older calls for which there was no room.
    """

    calls: int = 0
    minutes: float = 0.0
    hours: tuple[HourRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    emotions: dict[str, float] = field(default_factory=dict)
    alerts: tuple[AlertLine, ...] = ()
    teams: tuple[str, ...] = ()
    left_out: int = 0


def named(session: SessionInfo, prefix: str) -> str | None:
    """The agent or team that a session's tags name; None: nobody said."""
    for tag in session.tags:
        if tag.startswith(prefix):
            return tag.removeprefix(prefix)
    return None


def is_call(session: SessionInfo) -> bool:
    """Whether its parties are known."""
    return any(stream.role is not None for stream in session.streams)


def shift(
    library: LibraryReader,
    since: datetime,
    until: datetime,
    *,
    team: str | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Shift:
    """Sum up the calls that were recorded from `since` to `until`; `team`: of that one alone.

    Raises:
        SessionError: the library cannot be read.
    """
    within = [
        info
        for info in library.sessions()
        if info.state is SessionState.COMPLETE
        and is_call(info)
        and since <= info.started_at < until
    ]
    teams = tuple(sorted({name for one in within if (name := named(one, TEAM_TAG)) is not None}))
    if team is not None:
        within = [info for info in within if named(info, TEAM_TAG) == team]
    taken = within[:MOST_CALLS]
    sums = _Sums()
    for info in taken:
        if cancelled():
            break
        sums.add(library, info)
    minutes = sum(info.duration_s for info in taken) / 60
    return Shift(
        len(taken),
        minutes,
        sums.hour_rows(),
        sums.agent_rows(),
        dict(sorted(sums.emotions.items(), key=lambda pair: -pair[1])),
        tuple(sorted(sums.alerts, key=lambda line: line.at, reverse=True)),
        teams,
        len(within) - len(taken),
    )


class _Sums:
    """Adds up call by call."""

    def __init__(self) -> None:
        self.emotions: dict[str, float] = {}
        self.alerts: list[AlertLine] = []
        self._hours: dict[datetime, list[float]] = {}
        self._agents: dict[str, list[tuple[SessionInfo, ConversationMetrics | None]]] = {}

    def add(self, library: LibraryReader, info: SessionInfo) -> None:
        """One more."""
        alerts = library.alerts(info.id)
        self.alerts += [
            AlertLine(info.started_at + timedelta(seconds=one.at_sample / info.rate), info, one)
            for one in alerts
        ]
        local = info.started_at.astimezone()
        hour = self._hours.setdefault(local.replace(minute=0, second=0, microsecond=0), [0, 0.0, 0])
        hour[0] += 1
        hour[1] += info.duration_s / 60
        hour[2] += len(alerts)
        for stream in info.streams:
            if stream.role is Role.CUSTOMER:
                for segment in library.segments(info.id, stream.name):
                    if segment.label in info.labels:
                        length_s = (segment.end_sample - segment.start_sample) / info.rate
                        before_s = self.emotions.get(segment.label, 0.0)
                        self.emotions[segment.label] = before_s + length_s
        if (agent := named(info, AGENT_TAG)) is not None:
            metrics = session_conversation(library, info)
            self._agents.setdefault(agent, []).append((info, metrics))

    def hour_rows(self) -> tuple[HourRow, ...]:
        """In order of time; hours without calls are not among them."""
        return tuple(
            HourRow(start, int(calls), minutes, int(alerts))
            for start, (calls, minutes, alerts) in sorted(self._hours.items())
        )

    def agent_rows(self) -> tuple[AgentRow, ...]:
        """By name."""
        return tuple(_agent(name, calls) for name, calls in sorted(self._agents.items()))


def _agent(name: str, calls: list[tuple[SessionInfo, ConversationMetrics | None]]) -> AgentRow:
    minutes = sum(info.duration_s for info, _ in calls) / 60
    told = [metrics for _, metrics in calls if metrics is not None and metrics.separable]
    told = [one for one in told if any(p.role is Role.AGENT for p in one.parties)]
    if not told:
        return AgentRow(name, len(calls), minutes)
    parties = [one.party(Role.AGENT) for one in told]
    responses = [p.responses.median_s for p in parties if p.responses.median_s is not None]
    hours = sum(one.duration_s for one in told) / 3600
    return AgentRow(
        name,
        len(calls),
        minutes,
        _mean(
            (p.talk_share, one.duration_s)
            for p, one in zip(parties, told, strict=True)
            if p.talk_share is not None
        ),
        _mean((one.overtalk_share, one.duration_s) for one in told),
        _mean((one.silence_share, one.duration_s) for one in told),
        statistics.median(responses) if responses else None,
        sum(p.interruptions for p in parties) / hours if hours else None,
    )


def _mean(weighted: Iterable[tuple[float, float]]) -> float | None:
    pairs = list(weighted)
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else None
