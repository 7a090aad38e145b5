"""What happens to an alert beyond the screen: the desktop, and webhooks through the outbox."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emolive.alerts.courier import Courier, CourierStatus
from emolive.alerts.desktop import DesktopNotifier, check_desktop_notifications
from emolive.alerts.outbox import Depth, Outbox
from emolive.alerts.payload import payload
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook import WebhookClient
from emolive.errors import SessionError
from emolive.session.database import library_folder
from emolive.session.library import Library
from emolive.types import Alert

_UNSTORED = 1_000


@dataclass(frozen=True, slots=True)
class CallContext:
    """Which call an alert is about; `rate` is that of its samples."""

    call_id: str
    name: str
    rate: int
    session: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class DispatchStatus:
    """How it goes with what leaves the program.

    `depth` is the outbox (None: no rule has a webhook), `unstored` are messages that the database
    could not take yet, `lost` those for which there was no more room, `desktop` what is wrong with
    notifications (None: nothing).
    """

    couriers: tuple[CourierStatus, ...] = ()
    depth: Depth | None = None
    unstored: int = 0
    lost: int = 0
    desktop: str | None = None


@dataclass(frozen=True, slots=True)
class _Unstored:
    message_id: str
    webhook: str
    payload: str
    at: datetime
    session_id: str | None


class Dispatcher:
    """Passes alerts on; any thread may use it, and none waits for a server.

    A message is in the database before `dispatch` returns. While the database cannot take it, it
    waits in memory: at most 1,000; overflow policy: the oldest is dropped and counted.
    """

    def __init__(
        self,
        rules: RuleSet,
        library: Path | None = None,
        desktop: DesktopNotifier | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare for what the enabled rules name.

        Args:
            rules: which rules go where.
            library: folder of the library whose database holds the outbox (None: the usual one).
            desktop: shows notifications (None: the system's, where a rule wants them).
            clock: tells the time (UTC).

        Raises:
            SessionError: the library cannot be used.
            EmoliveError: notifications are wanted, and their library is not installed; a secret
                cannot be found.
        """
        self._rules = {rule.name: rule for rule in rules.enabled}
        self._clock = clock
        self._lock = threading.Lock()
        self._unstored: deque[_Unstored] = deque()
        self._lost = 0
        self._depth: Depth | None = None  # as it was last known
        self._closed = False
        self._desktop = desktop
        if desktop is None and any(rule.desktop for rule in self._rules.values()):
            check_desktop_notifications()
            self._desktop = DesktopNotifier()
        used = {name for rule in self._rules.values() for name in rule.webhooks}
        webhooks = [webhook for webhook in rules.webhooks if webhook.name in used]
        for webhook in webhooks:
            webhook.key()
        self._outbox = _outbox(library) if webhooks else None
        self._couriers: dict[str, Courier] = {}
        for webhook in webhooks:
            assert self._outbox is not None
            client = WebhookClient(webhook)
            # Connecting, TLS, sending and the answer are a step each.
            lease_s = 4 * webhook.timeout_s + 5
            self._couriers[webhook.name] = Courier(
                webhook.name, self._outbox, client.send, lease_s, clock=clock
            )

    def start(self) -> None:
        """Begin; what an earlier run left in the outbox is delivered, too."""
        if self._desktop is not None:
            self._desktop.start()
        for courier in self._couriers.values():
            courier.start()

    def dispatch(self, alert: Alert, call: CallContext) -> None:
        """Pass an alert on to what its rule names."""
        rule = self._rules.get(alert.rule)
        if rule is None:
            return
        now = self._clock()
        for name in rule.webhooks:
            message_id = f"msg_{uuid.uuid4().hex}"
            session_id = call.session()
            text = payload(
                alert,
                message_id=message_id,
                at=now,
                rate=call.rate,
                call_id=call.call_id,
                call_name=call.name,
                session_id=session_id,
            )
            self._keep(_Unstored(message_id, name, text, now, session_id))
        if rule.webhooks:
            self.store()
        if rule.desktop and self._desktop is not None:
            self._desktop.show(alert)

    def store(self) -> None:
        """Try again to store what the database could not take; never raises for that."""
        with self._lock:
            while self._unstored:
                message = self._unstored[0]
                assert self._outbox is not None
                try:
                    self._outbox.put(
                        message.message_id,
                        message.webhook,
                        message.payload,
                        message.at,
                        message.session_id,
                    )
                except SessionError:
                    return
                self._unstored.popleft()
                self._couriers[message.webhook].wake()

    def status(self) -> DispatchStatus:
        """How it goes; after `close`, how it went."""
        self._measure()
        return DispatchStatus(
            couriers=tuple(courier.status for courier in self._couriers.values()),
            depth=self._depth,
            unstored=len(self._unstored),
            lost=self._lost,
            desktop=None if self._desktop is None else self._desktop.problem,
        )

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is due now, for at most `timeout` seconds, and stop; once is enough.

        What is left stays in the outbox for the next start.
        """
        if self._closed:
            return
        deadline = time.monotonic() + timeout
        self.store()
        for courier in self._couriers.values():
            courier.wait_idle(max(0.0, deadline - time.monotonic()))
            courier.ask_to_stop()
        stopped = [
            courier.join(max(0.1, deadline - time.monotonic()))
            for courier in self._couriers.values()
        ]
        if self._desktop is not None:
            self._desktop.close(max(0.1, deadline - time.monotonic()))
        self._measure()
        self._closed = True
        if self._outbox is not None and all(stopped):
            self._outbox.close()

    def _measure(self) -> None:
        if self._outbox is not None and not self._closed:
            with suppress(SessionError):
                self._depth = self._outbox.depth()

    def _keep(self, message: _Unstored) -> None:
        with self._lock:
            if len(self._unstored) >= _UNSTORED:
                self._unstored.popleft()
                self._lost += 1
            self._unstored.append(message)


def _outbox(library: Path | None) -> Outbox:
    folder = library_folder(library)
    # Makes the folder and its database where there is none yet.
    Library.open(folder).close()
    return Outbox.open(folder)
