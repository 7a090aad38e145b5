"""What a call says, made small off the watcher's thread: levels, metrics, decisions, alerts.

Feature blocks are many and metrics take work, so one thread looks after all calls and leaves for
a screen what it has to draw.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from emolive.conversation import ConversationMeter, ConversationMetrics
from emolive.engine.hub import Mailbox
from emolive.engine.run import LiveRun
from emolive.types import Alert, AlertEnded, EngineStatus, Event, FeatureBlock, Prediction

# Half a minute of a call. Overflow policy: the oldest are dropped and counted; of statuses only
# the newest waits.
MAILBOX_EVENTS = 4_096
STEP_S = 0.1
_METRICS_EVERY_S = 0.5
# What waits for a window that stands still: some ten minutes. Overflow policy: the oldest goes.
_KEPT_DECISIONS = 2_400
_KEPT_LEVELS = 12_000
_KEPT_ALERTS = 200
_CELL_S = 0.1


@dataclass(slots=True)
class LevelCell:
    """The loudest of a stretch of one stream, at most a tenth of a second long where it can be."""

    stream: str
    start_s: float
    end_s: float
    level_dbfs: float
    peak_dbfs: float
    speech: bool


@dataclass(slots=True)
class Digest:
    """What happened since the last one was taken; `lost` counts what had no room."""

    levels: deque[LevelCell] = field(default_factory=lambda: deque(maxlen=_KEPT_LEVELS))
    decisions: deque[Prediction] = field(default_factory=lambda: deque(maxlen=_KEPT_DECISIONS))
    alerts: deque[Alert | AlertEnded] = field(default_factory=lambda: deque(maxlen=_KEPT_ALERTS))
    status: EngineStatus | None = None
    metrics: ConversationMetrics | None = None
    lost: int = 0

    def __bool__(self) -> bool:
        return bool(self.levels or self.decisions or self.alerts or self.status or self.metrics)


class CallFeed:
    """One call's mailbox and meter. `step` belongs to one thread, `take` to another."""

    def __init__(self, call: LiveRun) -> None:
        """Listen to a call, which has not begun."""
        self._call = call
        self._mailbox: Mailbox = call.hub.subscribe(MAILBOX_EVENTS, "conflate")
        self._rate = call.facts.rate
        self._meter: ConversationMeter | None = None
        self._measured_at = 0.0
        self._lock = threading.Lock()
        self._digest = Digest()

    def take(self) -> Digest:
        """What is new."""
        with self._lock:
            taken, self._digest = self._digest, Digest()
        return taken

    def step(self, now: float) -> None:
        """Take what waits in the mailbox; `now` is a monotonic clock's."""
        events = self._mailbox.drain()
        if not events:
            return
        self._begin()
        over = False
        with self._lock:
            for event in events:
                self._note(event)
        for event in events:
            if self._meter is not None:
                self._meter.accept(event)
            over |= isinstance(event, EngineStatus) and event.state.over
        if self._meter is not None and (over or now - self._measured_at >= _METRICS_EVERY_S):
            self._measured_at = now
            metrics = self._meter.finish() if over else self._meter.snapshot()
            with self._lock:
                self._digest.metrics = metrics
        if over:
            self._meter = None

    def close(self) -> None:
        """Listen no more."""
        self._call.hub.unsubscribe(self._mailbox)

    def _begin(self) -> None:
        if self._meter is not None:
            return
        status = self._call.status()
        if 1 <= len(status.streams) <= 2 and not status.state.over:
            self._meter = ConversationMeter.of_streams(status.streams, self._rate)

    def _note(self, event: Event) -> None:
        digest = self._digest
        if isinstance(event, FeatureBlock):
            self._note_level(event)
        elif isinstance(event, Prediction):
            digest.lost += len(digest.decisions) == _KEPT_DECISIONS
            digest.decisions.append(event.without_embedding())
        elif isinstance(event, EngineStatus):
            digest.status = event
        elif isinstance(event, Alert | AlertEnded):
            digest.lost += len(digest.alerts) == _KEPT_ALERTS
            digest.alerts.append(event)

    def _note_level(self, block: FeatureBlock) -> None:
        levels = self._digest.levels
        rate = self._rate
        start_s, end_s = block.start_sample / rate, block.end_sample / rate
        for cell in (levels[i] for i in range(-1, -min(3, len(levels) + 1), -1)):
            if cell.stream == block.stream and end_s - cell.start_s <= _CELL_S:
                cell.end_s = end_s
                cell.level_dbfs = max(cell.level_dbfs, block.level_dbfs)
                cell.peak_dbfs = max(cell.peak_dbfs, block.peak_dbfs)
                cell.speech |= block.speech
                return
        self._digest.lost += len(levels) == _KEPT_LEVELS
        levels.append(
            LevelCell(block.stream, start_s, end_s, block.level_dbfs, block.peak_dbfs, block.speech)
        )


class FeedLoop:
    """The thread that looks after all feeds, ten times a second."""

    def __init__(self) -> None:
        self._feeds: tuple[CallFeed, ...] = ()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, feed: CallFeed) -> None:
        """Look after a feed."""
        with self._lock:
            self._feeds = (*self._feeds, feed)
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="emolive call feeds", daemon=True
                )
                self._thread.start()

    def remove(self, feed: CallFeed) -> None:
        """Look after it no more."""
        with self._lock:
            self._feeds = tuple(one for one in self._feeds if one is not feed)
        feed.close()

    def ask_to_stop(self) -> None:
        """End soon."""
        self._stop.set()

    def join(self, timeout: float) -> bool:
        """Whether it ended within `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(STEP_S):
            for feed in self._feeds:
                feed.step(time.monotonic())
