"""Notifications of the desktop, where there is one; whatever fails there hurts nothing here."""

from __future__ import annotations

import importlib.util
import threading
from collections import deque
from collections.abc import Callable

from emolive.errors import EmoliveError
from emolive.types import Alert, Severity

_WAITING = 20
_APP = "emolive"

Show = Callable[[str, str, Severity], None]
"""Shows a notification with a title and a text; may raise anything."""


def check_desktop_notifications() -> None:
    """Make sure that the library for notifications is there.

    Raises:
        EmoliveError: it is not installed.
    """
    if importlib.util.find_spec("desktop_notifier") is None:
        raise EmoliveError(
            "Desktop notifications need the notify extra: run `pip install 'emolive[notify]'`, or "
            "set desktop = false in the rules."
        )


def system_notifications() -> Show:
    """Notifications through the system's own service. For one thread.

    Raises:
        EmoliveError: the library is not installed.
        Exception: the system offers none.
    """
    check_desktop_notifications()
    from desktop_notifier import Urgency
    from desktop_notifier.sync import DesktopNotifierSync

    urgencies = {
        Severity.INFO: Urgency.Low,
        Severity.WARNING: Urgency.Normal,
        Severity.CRITICAL: Urgency.Critical,
    }
    notifier = DesktopNotifierSync(app_name=_APP)

    def show(title: str, text: str, severity: Severity) -> None:
        notifier.send(title, text, urgency=urgencies[severity])

    return show


class DesktopNotifier:
    """Shows alerts on a thread of its own.

    Buffer: 20 alerts; overflow policy: the oldest is dropped and counted. `problem` says what the
    system had against the last one, None when it was shown.
    """

    def __init__(self, connect: Callable[[], Show] = system_notifications) -> None:
        """Show through what `connect` gives, which is called on the thread."""
        self.dropped = 0
        self.shown = 0
        self.problem: str | None = None
        self._connect = connect
        self._alerts: deque[Alert] = deque()
        self._ready = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="emolive notify", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def show(self, alert: Alert) -> None:
        """Show an alert soon; never waits."""
        with self._ready:
            if len(self._alerts) >= _WAITING:
                self._alerts.popleft()
                self.dropped += 1
            self._alerts.append(alert)
            self._ready.notify()

    def close(self, timeout: float) -> None:
        """Show what waits, for at most so long, and stop."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        show: Show | None = None
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._alerts or self._stopping)
                if not self._alerts:
                    return
                alert = self._alerts.popleft()
            try:
                show = show or self._connect()
                show(alert.rule, alert.message, alert.severity)
                self.shown += 1
                self.problem = None
            except Exception as error:  # a desktop may fail in any way
                show = None
                self.problem = str(error) or type(error).__name__
