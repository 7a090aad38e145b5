"""All calls of a server, and everybody who watches them."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from datetime import UTC, datetime
from uuid import uuid4

from emolive import __version__
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.server.host import CallHost, CallRequest, HostedCall, HostLoad
from emolive.server.served_call import Message, ServedCall

_log = logging.getLogger(__name__)

# How often is looked for what calls say, and how often all that takes longer is done.
_LOOK_S = 0.02
_SECOND_S = 1.0
_ALIVE_S = 5.0
_WAITING = 2_000
_KEPT_ALERTS = 1_000
_LATE_S = 0.4


class Watcher:
    """What waits for one who watches.

    Buffer: 2,000 messages; overflow policy: the oldest are dropped, and it is told how many.
    """

    def __init__(self, call_id: str | None, *, within: bool = False) -> None:
        """`call_id` None: of every call; `within`: it is a part of the server itself."""
        self.call_id = call_id
        self.within = within
        self.dropped = 0
        self._waiting: deque[str] = deque()
        self._news = asyncio.Event()

    def put(self, text: str) -> None:
        """One message more."""
        if len(self._waiting) >= _WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(text)
        self._news.set()

    async def take(self) -> list[str]:
        """What is new, waiting for it."""
        await self._news.wait()
        self._news.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        if self.dropped:
            taken.insert(
                0, json.dumps({"type": "dropped", "call": self.call_id, "count": self.dropped})
            )
            self.dropped = 0
        return taken


class Switchboard:
    """Opens calls, tells watchers what they say, and forgets them. On one event loop."""

    def __init__(
        self,
        host: CallHost,
        *,
        name: str = "",
        shown_after_s: float = 600.0,
        pace: float = 1.0,
    ) -> None:
        """Nothing happens before `run`. Calls are shown for `shown_after_s` after their end.

        `name`: what the server is called; `pace`: of real time, as fast as calls may come.
        """
        self.name = name
        self.pace = pace
        self.host = host
        self.shown_after_s = shown_after_s
        self.started_at = datetime.now(UTC)
        self.refused = 0
        self.opened = 0
        self.draining = False
        self.closed = False
        self.load: HostLoad = host.load()
        self._calls: dict[str, ServedCall] = {}
        self._told_ended: set[str] = set()
        self._promised: set[str] = set()
        self._watchers: set[Watcher] = set()
        self._alerts: deque[Message] = deque(maxlen=_KEPT_ALERTS)

    @property
    def calls(self) -> tuple[ServedCall, ...]:
        """Those that run, then those that ended, each oldest first."""
        return tuple(sorted(self._calls.values(), key=lambda call: call.ended))

    @property
    def running(self) -> tuple[ServedCall, ...]:
        """Those that are not over."""
        return tuple(call for call in self._calls.values() if not call.ended)

    @property
    def all_told(self) -> bool:
        """Whether nothing goes on, and watchers know all there is to know."""
        return self._told_ended.issuperset(self._calls)

    @property
    def alerts(self) -> list[Message]:
        """The newest alerts of all calls, newest first."""
        return list(reversed(self._alerts))

    @property
    def watchers(self) -> int:
        """How many watch from outside."""
        return sum(not watcher.within for watcher in self._watchers)

    def call(self, call_id: str) -> ServedCall | None:
        """The call with this id; None: there is none."""
        return self._calls.get(call_id)

    def refusal(self) -> str | None:
        """Why no call is taken now; None: one is."""
        if self.draining:
            return tr("The server is going down: try another, or again in a minute.")
        return self.host.refusal()

    async def open(self, request: CallRequest) -> ServedCall:
        """Begin a call, with an id that was promised (`free_id`).

        Raises:
            EmoliveError: no call is taken, or this one cannot be run.
        """
        try:
            if (reason := self.refusal()) is not None:
                self.refused += 1
                raise EmoliveError(reason)
            hosted = await self.host.open(request)
        finally:
            self._promised.discard(request.id)
        return self._begin(request, hosted)

    def free_id(self, wanted: str) -> str:
        """An id that no call has, promised to the next that is opened: `wanted`, or one made."""
        found = wanted or uuid4().hex
        if found in self._calls or found in self._promised:
            found = f"{wanted}-{uuid4().hex[:8]}"
        self._promised.add(found)
        return found

    def acknowledge(self, call: ServedCall, numbers: list[int] | None) -> list[int]:
        """Somebody has seen to alerts of a call; the numbers of those that are there."""
        seen = call.acknowledge(numbers)
        self._tell({"type": "acknowledged", "call": call.id, "numbers": seen})
        return seen

    def watch(self, call_id: str | None, *, within: bool = False) -> Watcher:
        """Somebody watches from now on, and is told first what there is."""
        watcher = Watcher(call_id, within=within)
        calls = [one for one in self.calls if call_id in (None, one.id)]
        model = self.host.model
        snapshot: Message = {
            "type": "snapshot",
            "call": call_id,
            "calls": [call.info(trend=True) for call in calls],
            "labels": list(model.labels),
            "model": model.name,
            "version": __version__,
            "time": datetime.now(UTC).isoformat(),
        }
        if call_id is not None:
            snapshot["history"] = calls[0].history()
        watcher.put(json.dumps(snapshot))
        self._watchers.add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Somebody watches no more."""
        self._watchers.discard(watcher)

    async def run(self) -> None:
        """Look after all calls, until it is cancelled."""
        second = alive = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()
            now = time.monotonic()
            if now - second >= _SECOND_S:
                second = now
                await self.tick()
            if now - alive >= _ALIVE_S:
                alive = now
                at = datetime.now(UTC).isoformat()
                self._tell({"type": "alive", "call": None, "at": at})

    def look(self) -> None:
        """Tell what the calls have said since the last time."""
        for request, hosted in self.host.arrivals():
            before = self._calls.get(request.id)
            if before is not None and not before.ended:
                before.supersede()
                self._tell({"type": "call_ended", "call": request.id, "info": before.info()})
            self._told_ended.discard(request.id)
            self._begin(request, hosted)
        for call in self._calls.values():
            if call.id in self._told_ended:
                continue
            for message in call.take():
                if message["type"] == "alert":
                    self._alerts.append(message)
                self._tell(message)
            # Metrics and alerts come from other threads, a little later than the call's end.
            if call.ended_for_s > _LATE_S:
                self._told_ended.add(call.id)
                if (conversation := call.conversation()) is not None:
                    self._tell(conversation, to_all=False)
                self._tell({"type": "call_ended", "call": call.id, "info": call.info()})

    async def tick(self) -> None:
        """What is done once a second."""
        self.load = self.host.load()
        for call in tuple(self._calls.values()):
            if call.ended:
                if call.id in self._told_ended:
                    await self._put_away(call)
                continue
            if not self._watchers:
                continue
            self._tell({"type": "call", "call": call.id, "info": call.info()})
            if any(watcher.call_id == call.id for watcher in self._watchers):
                for levels in call.take_levels():
                    self._tell(levels, to_all=False)
                if (conversation := call.conversation()) is not None:
                    self._tell(conversation, to_all=False)

    async def _put_away(self, call: ServedCall) -> None:
        """A call is over: its host forgets it at once, and the list after a while."""
        if call.kept_by_host and call.hosted.state.over:
            call.let_go()
            await self.host.forget(call.id)
        if call.ended_for_s > self.shown_after_s and not call.kept_by_host:
            del self._calls[call.id]
            self._told_ended.discard(call.id)
            self._tell({"type": "call_removed", "call": call.id})

    def _begin(self, request: CallRequest, hosted: HostedCall) -> ServedCall:
        call = self._calls[request.id] = ServedCall(request, hosted, self.host.model)
        self.opened += 1
        self._tell({"type": "call_started", "call": call.id, "info": call.info()})
        return call

    def _tell(self, message: Message, *, to_all: bool = True) -> None:
        """Say it to those whom it concerns; `to_all`: also to those who watch every call."""
        call_id = message["call"]
        text: str | None = None
        for watcher in self._watchers:
            mine = watcher.call_id == call_id or call_id is None
            if mine or (to_all and watcher.call_id is None):
                text = text or json.dumps(message)
                watcher.put(text)
