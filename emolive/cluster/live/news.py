"""What a worker tells the front about its calls: numbered, and kept until it has arrived."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from emolive.cluster.live.profiles import SourceHeard
from emolive.server.host import CallEvent, CallRequest, CallState, HostLoad

# Of all calls, so many pieces of news wait for a front that does not ask.
MOST = 20_000
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class CallNews:
    """Something about one call; `request` only when it begins, `heard` once it is over.

    What was heard is of no call in particular: of call "".
    """

    call: str
    request: CallRequest | None = None
    events: tuple[CallEvent, ...] = ()
    state: CallState | None = None
    heard: tuple[SourceHeard, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerNews:
    """All that is new: `upto` is its number, to be given the next time; `dropped` was lost."""

    upto: int
    calls: tuple[CallNews, ...]
    load: HostLoad
    refusal: str | None
    dropped: int = 0


class Outbox:
    """News that waits for the front.

    Buffer: `MOST` pieces; overflow policy: the oldest are dropped, and counted. Any thread.
    """

    def __init__(self) -> None:
        self._waiting: deque[CallNews] = deque()
        self._first = 0  # the number of the oldest that waits
        self._dropped = 0
        self._lock = threading.Lock()

    def put(self, news: CallNews) -> None:
        """Something new."""
        with self._lock:
            self._waiting.append(news)
            if len(self._waiting) > MOST:
                self._waiting.popleft()
                self._first += 1
                self._dropped += 1

    def take(self, after: int, wait_s: float) -> tuple[int, tuple[CallNews, ...], int]:
        """What came after number `after`, waiting so long for something; what came before, goes.

        Returns:
            the number of the newest, what is new, and how many were dropped so far.
        """
        deadline = time.monotonic() + wait_s
        while True:
            with self._lock:
                while self._waiting and self._first < after:
                    self._waiting.popleft()
                    self._first += 1
                if self._waiting or time.monotonic() >= deadline:
                    found = tuple(self._waiting)
                    return self._first + len(found), joined(found), self._dropped
            time.sleep(_LOOK_S)


def joined(news: Sequence[CallNews]) -> tuple[CallNews, ...]:
    """The same in fewer pieces: neighbouring events of one call together."""
    found: list[CallNews] = []
    last: dict[str, int] = {}
    for one in news:
        at = last.get(one.call)
        if at is not None and one.request is None:
            before = found[at]
            found[at] = CallNews(
                one.call,
                before.request,
                before.events + one.events,
                one.state or before.state,
                before.heard + one.heard,
            )
        else:
            last[one.call] = len(found)
            found.append(one)
    return tuple(found)
