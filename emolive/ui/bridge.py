"""The one timer of the window: takes what the engine said and says when to draw."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from emolive.ui.controls import timer
from emolive.ui.frame_meter import FrameMeter
from emolive.ui.runs import EventInbox

FRAME_MS = 33


class EngineBridge(QObject):
    """Drains an inbox about 30 times a second. The engine never calls a widget."""

    received = Signal(list)
    frame = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.meter = FrameMeter()
        self._inbox: EventInbox | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.tick)
        # A timer that is due comes after all events that wait, painting included; a single shot of
        # zero would be an event itself, and come before it.
        self._painted = timer(self, 0, self.meter.end, once=True)

    @property
    def attached(self) -> bool:
        """Whether there is an inbox to drain."""
        return self._inbox is not None

    def attach(self, inbox: EventInbox) -> None:
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
