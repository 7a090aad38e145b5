"""The front's calls: run by workers, shown as if they were run here."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from emolive.cluster.live.fleet import NO_HEAD, Fleet, Listener, Member
from emolive.cluster.live.news import WorkerNews
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.server.host import CallEvent, CallRequest, CallState, HostLoad, ModelFacts
from emolive.types import EngineState, EngineStatus, FloatArray

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# Events of one call that the front has not taken; overflow policy: the oldest go.
_MOST_EVENTS = 5_000


class RemoteCall:
    """A `HostedCall` of a worker."""

    def __init__(self, request: CallRequest, member: Member) -> None:
        self.request = request
        self.member = member
        self.state = CallState()
        self._status = EngineStatus(EngineState.STARTING)
        self._events: deque[CallEvent] = deque(maxlen=_MOST_EVENTS)

    def write(self, block: FloatArray) -> None:  # noqa: ARG002
        """Frames come to the worker alone."""
        raise EmoliveError("The call is brought to its worker.")

    def finish(self, reason: str | None, gaps: int) -> None:  # noqa: ARG002
        """Its end comes to the worker alone."""
        raise EmoliveError("The call is brought to its worker.")

    def take(self) -> Sequence[CallEvent]:
        """What has happened since the last time."""
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def put(self, events: Sequence[CallEvent], state: CallState | None) -> None:
        """The worker has told something."""
        for event in events:
            if isinstance(event, EngineStatus):
                self._status = event
            self._events.append(event)
        self.state = state or self.state

    def lose(self, reason: str) -> None:
        """The worker is gone, and the call with it."""
        if self._status.state not in (EngineState.STOPPED, EngineState.FAILED):
            self.put((replace(self._status, state=EngineState.FAILED, reason=reason),), None)
        self.state = replace(self.state, over=True, recording=False)


class ClusterHost(Listener):
    """Shows the calls of all workers, and sends new ones to the least loaded. A `ServerHost`."""

    def __init__(self, fleet: Fleet) -> None:
        """Start the fleet; takes seconds.

        Raises:
            EmoliveError: it cannot start.
        """
        self._fleet = fleet
        self._lock = threading.Lock()
        self._calls: dict[str, RemoteCall] = {}
        self._arrived: deque[RemoteCall] = deque()
        try:
            fleet.start(self)
        except BaseException:
            fleet.close()
            raise

    @property
    def model(self) -> ModelFacts:
        """What calls are run with."""
        assert self._fleet.model is not None
        return self._fleet.model

    @property
    def metrics(self) -> ClusterHost:
        """Numbers about the workers, for Prometheus; each has those about its calls."""
        return self

    def load(self) -> HostLoad:
        """How busy all workers are together."""
        members = self._fleet.members
        loads = [member.load for member in members]
        calls = sum(load.calls for load in loads)
        problems = [f"{m.name}: {text}" for m in members for text in m.load.problems]
        problems += [
            tr("{name}: {dropped} events never reached this page.", name=m.name, dropped=m.dropped)
            for m in members
            if m.dropped
        ]
        if self._fleet.without_head:
            problems.append(tr(NO_HEAD))
        if self._fleet.problem:
            problems.append(self._fleet.problem)
        return HostLoad(
            calls,
            sum(load.capacity for load in loads),
            max((load.cost_per_call for load in loads), default=0.0),
            sum(load.cores for load in loads),
            sum(load.limit for load in loads),
            sum(load.windows for load in loads),
            sum(load.windows_skipped for load in loads),
            max((load.latency_p50_ms for load in loads), default=0.0),
            max((load.latency_p99_ms for load in loads), default=0.0),
            tuple(problems),
        )

    def refusal(self) -> str | None:
        """Why no worker takes a call; None: one does."""
        return self._fleet.refusal()

    def unable(self) -> str | None:
        """Why no worker can run a call; None: one can, or could if it were not full."""
        return self._fleet.unable()

    def elsewhere(self) -> str | None:
        """The worker that is to take the next call."""
        return self._fleet.place()

    def arrivals(self) -> Sequence[tuple[CallRequest, RemoteCall]]:
        """Calls that workers have begun."""
        found = []
        while self._arrived:
            call = self._arrived.popleft()
            found.append((call.request, call))
        return found

    async def open(self, request: CallRequest) -> RemoteCall:
        """Calls are brought to workers.

        Raises:
            EmoliveError: always.
        """
        raise EmoliveError(
            "{name}: calls are brought to workers, which /v1/taps/placement names.",
            name=request.name,
        )

    async def end(self, call_id: str, reason: str) -> bool:
        """Have its worker end a call; whether it goes on there."""
        with self._lock:
            call = self._calls.get(call_id)
        if call is None or call.state.over:
            return False
        return await asyncio.to_thread(self._fleet.end, call.member, call_id, reason)

    def drain(self) -> None:
        """End the calls of all workers."""
        self._fleet.drain()

    async def forget(self, call_id: str) -> None:
        """A call is over and was looked at for long enough."""
        with self._lock:
            self._calls.pop(call_id, None)

    async def expire(self) -> list[str]:
        """Workers look after what they have recorded."""
        return []

    async def close(self) -> None:
        """End all workers."""
        await asyncio.to_thread(self._fleet.close)

    def news(self, member: Member, news: WorkerNews) -> None:
        """A worker has told something."""
        for one in news.calls:
            if one.heard:
                self._fleet.enter(one.heard)
                continue
            with self._lock:
                call = self._calls.get(one.call)
                known = call is not None and call.member is member and not call.state.over
                if one.request is not None and not known:
                    call = self._calls[one.call] = RemoteCall(one.request, member)
                    self._arrived.append(call)
            if call is not None and call.member is member:
                call.put(one.events, one.state)

    def lost(self, member: Member, reason: str) -> None:
        """A worker and its calls are gone."""
        with self._lock:
            calls = [call for call in self._calls.values() if call.member is member]
        for call in calls:
            call.lose(reason)

    def describe(self) -> list[Metric]:
        """Nothing beforehand."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The workers' numbers now."""
        from prometheus_client.core import GaugeMetricFamily

        told = {
            "calls": "Calls that a worker monitors now.",
            "capacity": "Calls that a worker carries.",
            "cores": "Cores that a worker uses.",
            "windows_skipped": "Answers that its running calls left out.",
        }
        for name, text in told.items():
            gauge = GaugeMetricFamily(f"emolive_worker_{name}", text, labels=["worker"])
            for member in self._fleet.members:
                gauge.add_metric([member.name], float(getattr(member.load, name)))
            yield gauge
