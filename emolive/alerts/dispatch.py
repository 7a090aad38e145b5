"""What happens to an alert beyond the screen: the desktop, and webhooks through the outbox."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emolive.alerts.courier import Courier, CourierStatus
from emolive.alerts.desktop import DesktopNotifier, check_desktop_notifications
from emolive.alerts.outbox import Depth, Outbox
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook import WebhookClient, payload
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import tr
from emolive.session.database import library_folder
from emolive.session.library import Library
from emolive.types import Alert

_UNSTORED = 1_000
_LOOK_EVERY_S = 1.0
_OPEN_EVERY_S = 5.0
# What the database may take besides the request.
_LEASE_MARGIN_S = 5.0


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

    `depth` is the outbox (None: there is no webhook), `waiting` its messages by webhook, `unstored`
    are messages that the database could not take yet, `lost` those for which there was no more
    room, `problems` are sentences about what does not work now.
    """

    couriers: tuple[CourierStatus, ...] = ()
    depth: Depth | None = None
    waiting: tuple[tuple[str, int], ...] = ()
    unstored: int = 0
    lost: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Unstored:
    message_id: str
    webhook: str
    payload: str
    at: datetime
    session_id: str | None


class Dispatcher:
    """Passes alerts on; any thread may use it, and none waits for a server.

    Each webhook has a thread of its own, so that a slow one holds up no other. A message is in the
    database before `dispatch` returns. While the database cannot take it, it waits in memory: at
    most 1,000; overflow policy: the oldest is dropped and counted. A way that does not work
    (notifications that are not installed, a secret or a library that is not there) stops no other:
    `status` says so until it works.
    """

    def __init__(
        self,
        rules: RuleSet,
        library: Path | None = None,
        desktop: DesktopNotifier | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Get ready for the enabled ones of `rules`.

        The outbox is in the database of `library` (None: the usual one). `desktop` shows
        notifications (None: the system's, where a rule wants them); `clock` tells UTC.
        """
        self._rules = {rule.name: rule for rule in rules.enabled}
        self._webhooks = {webhook.name: webhook for webhook in rules.webhooks}
        self._used = {name for rule in self._rules.values() for name in rule.webhooks}
        self._library = library
        self._clock = clock
        self._lock = threading.Lock()
        self._unstored: deque[_Unstored] = deque()
        self._lost = 0
        # The outbox as it was last known.
        self._depth: Depth | None = None
        self._waiting: tuple[tuple[str, int], ...] = ()
        self.problems: tuple[str, ...] = ()
        self._looked_at = -math.inf
        self._unusable: str | None = None
        self._open_again_at = -math.inf
        self._started = self._closed = False
        if desktop is None and any(rule.desktop for rule in self._rules.values()):
            desktop = DesktopNotifier()
        self._desktop = desktop
        self._outbox: Outbox | None = None
        self._couriers: dict[str, Courier] = {}
        self.tick()

    def start(self) -> None:
        """Begin; what an earlier run left in the outbox is delivered, too."""
        if self._desktop is not None:
            self._desktop.start()
        with self._lock:
            self._started = True
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
            if self._closed:
                return
            try:
                outbox = self._open()
                while outbox is not None and self._unstored:
                    message = self._unstored[0]
                    outbox.put(
                        message.message_id,
                        message.webhook,
                        message.payload,
                        message.at,
                        message.session_id,
                    )
                    self._unstored.popleft()
                    self._couriers[message.webhook].wake()
            except SessionError as error:
                self._unusable = str(error)
            else:
                if outbox is not None:
                    self._unusable = None

    def tick(self) -> None:
        """Some time has passed: store what could not be stored, and see what does not work."""
        self.store()
        if time.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            self._measure()

    def status(self) -> DispatchStatus:
        """How it goes; after `close`, how it went."""
        self._measure()
        return DispatchStatus(
            couriers=tuple(courier.status for courier in self._couriers.values()),
            depth=self._depth,
            waiting=self._waiting,
            unstored=len(self._unstored),
            lost=self._lost,
            problems=self.problems,
        )

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is due now, for at most `timeout` seconds, and stop; once is enough.

        What is left stays in the outbox for the next start.
        """
        if self._closed:
            return
        deadline = time.monotonic() + timeout
        self.store()
        couriers = list(self._couriers.values())
        for courier in couriers:
            courier.wait_idle(max(0.0, deadline - time.monotonic()))
        for courier in couriers:
            courier.ask_to_stop()
        stopped = [courier.join(max(0.1, deadline - time.monotonic())) for courier in couriers]
        if self._desktop is not None:
            self._desktop.close(max(0.1, deadline - time.monotonic()))
        self._measure()
        with self._lock:
            self._closed = True
            if self._outbox is not None and all(stopped):
                self._outbox.close()

    def _open(self) -> Outbox | None:
        """The outbox, opened if need be; None: there is none, or it is not time to try again.

        Raises:
            SessionError: the library cannot be used.
        """
        if self._outbox is not None or not self._webhooks:
            return self._outbox
        if time.monotonic() < self._open_again_at:
            return None
        self._open_again_at = time.monotonic() + _OPEN_EVERY_S
        outbox = _outbox(self._library)
        for webhook in self._webhooks.values():
            client = WebhookClient(webhook)
            lease_s = webhook.timeout_s + _LEASE_MARGIN_S
            courier = Courier(webhook.name, outbox, client.send, lease_s, clock=self._clock)
            self._couriers = {**self._couriers, webhook.name: courier}
            if self._started:
                courier.start()
        self._outbox = outbox
        return outbox

    def _measure(self) -> None:
        self._looked_at = time.monotonic()
        if self._outbox is not None and not self._closed:
            with suppress(SessionError):
                self._depth = self._outbox.depth()
                self._waiting = self._outbox.waiting()
        self.problems = tuple(self._find_problems())

    def _find_problems(self) -> Iterator[str]:
        if self._desktop is not None and self._desktop.problem:
            yield self._desktop.problem
        if self._unusable is not None:
            yield tr("Webhooks get no alerts: {unusable}", unusable=self._unusable)
        waiting = dict(self._waiting)
        for name, webhook in self._webhooks.items():
            courier = self._couriers.get(name)
            problem = webhook.problem or (courier.status.problem if courier is not None else None)
            if problem and (name in self._used or name in waiting):
                yield no_alerts(webhook, problem)
        if self._lost:
            yield tr("{lost} messages for webhooks had no room and got lost.", lost=self._lost)

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


def unusable_ways(rules: RuleSet) -> tuple[str, ...]:
    """What rules want to tell through and cannot, as sentences, looked up now."""
    found = []
    if any(rule.desktop for rule in rules.enabled):
        try:
            check_desktop_notifications()
        except EmoliveError as error:
            found.append(str(error))
    found += [no_alerts(hook, problem) for hook in rules.webhooks if (problem := hook.problem)]
    return tuple(found)


def no_alerts(webhook: Webhook, problem: str) -> str:
    """That a webhook gets none, as a sentence."""
    return tr("Webhook {name} gets no alerts: {problem}.", name=repr(webhook.name), problem=problem)
