"""Notifications of the desktop, where there is one; whatever fails there hurts nothing here."""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.i18n import tr
from emolive.types import Alert, Severity

_log = logging.getLogger(__name__)

_WAITING = 20
_APP = "emolive"


class Desktop(Protocol):
    """Shows notifications. One thread owns it; both methods may raise anything."""

    def show(self, title: str, text: str, severity: Severity) -> None:
        """Show a notification."""

    def close(self) -> None:
        """Let go of the system's service."""


def check_desktop_notifications() -> None:
    """Make sure that the library for notifications is there.

    Raises:
        EmoliveError: it is not installed.
    """
    if importlib.util.find_spec("desktop_notifier") is None:
        raise EmoliveError(
            "Desktop notifications need the notify extra: {way}, or set desktop = false in the "
            "rules.",
            way=way_to_get("notify"),
        )


class SystemDesktop:
    """Notifications through the system's own service."""

    def __init__(self) -> None:
        """Get ready; the service is looked for when there is something to show.

        Raises:
            EmoliveError: the library is not installed.
        """
        check_desktop_notifications()
        import asyncio

        import desktop_notifier

        self._runner = asyncio.Runner()
        self._notifier = desktop_notifier.DesktopNotifier(app_name=_APP)
        self._urgencies = {
            Severity.INFO: desktop_notifier.Urgency.Low,
            Severity.WARNING: desktop_notifier.Urgency.Normal,
            Severity.CRITICAL: desktop_notifier.Urgency.Critical,
        }

    def show(self, title: str, text: str, severity: Severity) -> None:
        """Show a notification.

        Raises:
            OSError: the system did not take it.
        """
        with _Complaints() as complaints:
            self._runner.run(self._notifier.send(title, text, urgency=self._urgencies[severity]))
        if complaints.first is not None:
            raise OSError(complaints.first)

    def close(self) -> None:
        """Let go of the system's service."""
        # The library has no way to close its connection on Linux, and would leave it open.
        bus = getattr(getattr(self._notifier, "_backend", None), "bus", None)
        try:
            if bus is not None:
                self._runner.run(_disconnect(bus))
        finally:
            self._runner.close()


async def _disconnect(bus: Any) -> None:
    bus.disconnect()
    with suppress(Exception):  # how the connection ended is of no interest
        await bus.wait_for_disconnect()


class _Complaints(logging.Handler):
    """What the library logs instead of raising; nothing of it goes to standard error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first: str | None = None
        self._logger = logging.getLogger("desktop_notifier")

    def __enter__(self) -> _Complaints:
        self._propagate, self._logger.propagate = self._logger.propagate, False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagate

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first."""
        cause = record.exc_info[1] if record.exc_info else None
        self.first = self.first or str(cause or record.getMessage())


class DesktopNotifier:
    """Shows alerts on a thread of its own.

    Buffer: 20 alerts; overflow policy: the oldest is dropped and counted. `problem` says in a
    sentence what the system had against the last one, None when it was shown.
    """

    def __init__(self, connect: Callable[[], Desktop] = SystemDesktop) -> None:
        """Show through what `connect` gives, which is called on the thread."""
        self.dropped = 0
        self.shown = 0
        self.problem: str | None = None
        if connect is SystemDesktop:
            try:
                check_desktop_notifications()
            except EmoliveError as error:
                self.problem = str(error)
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
        desktop: Desktop | None = None
        while (alert := self._next()) is not None:
            try:
                desktop = desktop or self._connect()
                # The message names the rule, as the title does.
                text = alert.message.removeprefix(f"{alert.rule}: ")
                desktop.show(alert.rule, text, alert.severity)
            except Exception as error:  # a desktop may fail in any way
                _log.warning("The desktop did not show an alert", exc_info=True)
                why = str(error) or type(error).__name__
                known = isinstance(error, EmoliveError)
                self.problem = (
                    why if known else tr("The desktop did not show an alert: {why}.", why=why)
                )
                _let_go(desktop)
                desktop = None
            else:
                self.shown += 1
                self.problem = None
        _let_go(desktop)

    def _next(self) -> Alert | None:
        with self._ready:
            self._ready.wait_for(lambda: self._alerts or self._stopping)
            return self._alerts.popleft() if self._alerts else None


def _let_go(desktop: Desktop | None) -> None:
    if desktop is not None:
        try:
            desktop.close()
        except Exception:  # its end is nobody's trouble
            _log.warning("Desktop notifications did not end well", exc_info=True)
