"""The one timer of the window: takes what the engine said and says when to draw."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from emolive.engine.hub import Mailbox
from emolive.ui.controls import timer


@dataclass(frozen=True, slots=True)
class FrameStats:
    """Of the last frames: per second, and 95th percentiles in milliseconds.

    ``interval_p95_ms`` is the time from frame to frame, ``work_p95_ms`` what a frame costs the
    window's thread from taking the events to the end of its painting.
    """

    frames: int
    fps: float
    interval_p95_ms: float
    work_p95_ms: float


class FrameMeter:
    """Times of the last `capacity` frames. Overflow policy: the oldest is forgotten."""

    def __init__(self, capacity: int = 300, clock: Callable[[], float] = time.perf_counter) -> None:
        """Ten seconds at 30 frames a second."""
        self._clock = clock
        self._began: deque[float] = deque(maxlen=capacity)
        self._work: deque[float] = deque(maxlen=capacity)

    def begin(self) -> None:
        """A frame begins."""
        self._began.append(self._clock())

    def end(self) -> None:
        """What this frame changed is painted."""
        if self._began:
            self._work.append(self._clock() - self._began[-1])

    def reset(self) -> None:
        """Forget everything, after a pause."""
        self._began.clear()
        self._work.clear()

    def stats(self) -> FrameStats | None:
        """None before the third frame."""
        if len(self._began) < 3 or not self._work:
            return None
        intervals = np.diff(np.fromiter(self._began, np.float64))
        return FrameStats(
            len(self._began),
            float(1.0 / max(1e-9, intervals.mean())),
            float(1e3 * np.percentile(intervals, 95)),
            float(1e3 * np.percentile(np.fromiter(self._work, np.float64), 95)),
        )


FRAME_MS = 33


class EngineBridge(QObject):
    """Drains an inbox about 30 times a second. The engine never calls a widget."""

    received = Signal(list)
    frame = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.meter = FrameMeter()
        self._inbox: Mailbox | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.tick)
        # A timer that is due comes after all events that wait, painting included; a single shot of
        # zero would be an event itself, and come before it.
        self._painted = timer(self, 0, self.meter.end, once=True)

    def attach(self, inbox: Mailbox) -> None:
        """Take events from `inbox` from now on."""
        self._inbox = inbox
        self.meter.reset()
        self._timer.start()

    def detach(self) -> None:
        """Take what is left and rest."""
        self._timer.stop()
        self._drain()
        self._inbox = None

    def tick(self) -> None:
        """One frame."""
        self.meter.begin()
        self._drain()
        self.frame.emit()
        self._painted.start()

    def _drain(self) -> None:
        if self._inbox is not None and (events := self._inbox.drain()):
            self.received.emit(events)
