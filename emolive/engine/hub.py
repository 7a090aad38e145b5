"""From the engine to its consumers: one bounded mailbox each, and nobody waits for a slow one."""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal

from emolive.types import EngineStatus, Event

Policy = Literal["drop_oldest", "conflate"]


class Mailbox:
    """Events for one consumer, at most `capacity`; any thread may put and get.

    Overflow policy: the oldest event is dropped and counted, so the newest status always arrives.
    With "conflate" a new `EngineStatus` replaces one that still waits (which is not a loss).
    """

    def __init__(
        self, capacity: int, policy: Policy, kinds: tuple[type, ...] | None = None
    ) -> None:
        """Hold at most `capacity` events, of these `kinds` (None: of all)."""
        if capacity < 1:
            raise ValueError(f"a mailbox needs room, not {capacity}")
        self.capacity = capacity
        self.policy: Policy = policy
        self.kinds = kinds
        self._events: deque[Event] = deque()
        self.dropped = 0  # events lost because this consumer was too slow
        self._ready = threading.Condition()

    @property
    def empty(self) -> bool:
        """Whether nothing waits; costs next to nothing to ask."""
        return not self._events

    def put(self, event: Event) -> None:
        """Add an event; never waits for the consumer."""
        if self.kinds is not None and not isinstance(event, self.kinds):
            return
        with self._ready:
            if self.policy == "conflate" and isinstance(event, EngineStatus):
                self._forget_status()
            if len(self._events) >= self.capacity:
                self._events.popleft()
                self.dropped += 1
            self._events.append(event)
            self._ready.notify()

    def get(self, timeout: float | None = None) -> Event | None:
        """The oldest event, waiting at most `timeout` seconds (None: forever) for one."""
        with self._ready:
            if not self._ready.wait_for(lambda: bool(self._events), timeout):
                return None
            return self._events.popleft()

    def drain(self) -> list[Event]:
        """All waiting events, oldest first, without waiting."""
        with self._ready:
            events = list(self._events)
            self._events.clear()
            return events

    def _forget_status(self) -> None:
        for index, event in enumerate(self._events):
            if isinstance(event, EngineStatus):
                del self._events[index]
                return


class Hub:
    """Hands each event to every mailbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mailboxes: tuple[Mailbox, ...] = ()
        self._dropped_before = 0

    @property
    def dropped(self) -> int:
        """Events lost by all consumers so far."""
        with self._lock:
            return self._dropped_before + sum(mailbox.dropped for mailbox in self._mailboxes)

    def subscribe(
        self,
        capacity: int,
        policy: Policy = "drop_oldest",
        kinds: tuple[type, ...] | None = None,
    ) -> Mailbox:
        """A new mailbox that gets everything of these kinds (None: of all) from now on."""
        mailbox = Mailbox(capacity, policy, kinds)
        with self._lock:
            self._mailboxes = (*self._mailboxes, mailbox)
        return mailbox

    def unsubscribe(self, mailbox: Mailbox) -> None:
        """Publish no more to `mailbox`; what it dropped stays counted."""
        with self._lock:
            if mailbox in self._mailboxes:
                self._mailboxes = tuple(m for m in self._mailboxes if m is not mailbox)
                self._dropped_before += mailbox.dropped

    def publish(self, event: Event) -> None:
        """Give `event` to every consumer; never waits for one."""
        for mailbox in self._mailboxes:  # a tuple: replaced, never changed
            mailbox.put(event)
