"""Takes messages from the outbox to one server, for as long as it takes."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emolive.alerts.outbox import Outbox
from emolive.alerts.webhook import Delivered, Refused, Send
from emolive.errors import EmoliveError
from emolive.i18n import tr

_log = logging.getLogger(__name__)

_FIRST_WAIT_S = 1.0
# A server that is back should hear of what happens now soon.
_LONGEST_WAIT_S = 60.0
_LONGEST_QUIET_S = 300.0
# Another process may add messages for the same server.
_LOOK_EVERY_S = 15.0
_AFTER_TROUBLE_S = 5.0
_KEEP_TRYING = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CourierStatus:
    """How it goes with one server; `problem` is what went wrong last, None when it works."""

    webhook: str
    delivered: int
    attempts: int
    refused: int
    problem: str | None


def back_off(attempts: int, share: float) -> float:
    """Seconds to wait after so many failed attempts: doubling up to a minute.

    `share`, from 0 to 1, is where in the upper half of that (jitter: servers that come back are not
    met by everybody at once).
    """
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(30, max(0, attempts - 1)))
    return longest * (0.5 + 0.5 * share)


class Courier:
    """Delivers the messages of one webhook on a thread of its own; the pipeline never waits.

    At least once: a message leaves the outbox after the server has taken it, so one that was cut
    off in between is sent again, with the same id. What fails is tried again later, doubling the
    wait up to a minute; while the server fails, nothing else is sent to it more often than that
    either. 4xx answers and redirects are final, except 408, 425 and 429; after a week so is the
    rest.
    """

    def __init__(
        self,
        webhook: str,
        outbox: Outbox,
        send: Send,
        lease_s: float,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        share: Callable[[], float] = random.random,
    ) -> None:
        """Deliver what waits for `webhook` through `send`, which takes at most `lease_s` seconds.

        `clock` and `share` (uniform, 0 to 1) are for tests.
        """
        self._webhook = webhook
        self._outbox = outbox
        self._send = send
        self._lease = timedelta(seconds=lease_s)
        self._clock = clock
        self._share = share
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._stopping = False
        self._failures = 0
        self._quiet_until: datetime | None = None
        self.status = CourierStatus(webhook, 0, 0, 0, None)  # how it goes, from any thread
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with whatever waits already."""
        self._thread = threading.Thread(
            target=self._run, name=f"emolive webhook {self._webhook}", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """There is a new message; never waits."""
        self._idle.clear()
        self._wake.set()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is due now (delivered, or to be tried later); whether that is so."""
        return self._idle.wait(timeout)

    def ask_to_stop(self) -> None:
        """Begin nothing more; what is under way may still arrive."""
        self._stopping = True
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait until it has stopped; whether it has. What it holds is due again after the lease."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def step(self) -> float:
        """Send one message if one is due; returns the seconds until there may be more to do.

        Raises:
            SessionError: the database cannot be used.
        """
        now = self._clock()
        if self._quiet_until is not None and now < self._quiet_until:
            # A clock that was put back must not silence it.
            left = (self._quiet_until - now).total_seconds()
            if left <= _LONGEST_QUIET_S:
                return left
        message = self._outbox.claim(self._webhook, now, self._lease)
        if message is None:
            due = self._outbox.next_due(self._webhook)
            if due is None:
                return _LOOK_EVERY_S
            return min(_LOOK_EVERY_S, max(0.0, (due - now).total_seconds()))
        answer = self._send(message.id, message.payload, now)
        now = self._clock()
        status = self.status
        if isinstance(answer, Delivered):
            self._outbox.delivered(message)
            if self._failures:
                self._outbox.hasten(self._webhook, now)
            self._failures, self._quiet_until = 0, None
            self._note(status.delivered + 1, status.refused, None)
        elif isinstance(answer, Refused):
            # The server is there: others may be welcome.
            self._outbox.give_up(message, answer.reason)
            self._failures, self._quiet_until = 0, None
            self._note(status.delivered, status.refused + 1, answer.reason)
        elif now - message.created_at > _KEEP_TRYING:
            reason = tr(
                "given up after {days} days: {reason}", days=_KEEP_TRYING.days, reason=answer.reason
            )
            self._outbox.give_up(message, reason)
            self._note(status.delivered, status.refused + 1, reason)
        else:
            self._failures += 1
            _log.warning("A webhook did not take a message: failure %d in a row", self._failures)
            wait = max(back_off(message.attempts, self._share()), answer.retry_after_s or 0.0)
            self._outbox.postpone(message, now + timedelta(seconds=wait), answer.reason)
            pause = max(back_off(self._failures, self._share()), answer.retry_after_s or 0.0)
            self._quiet_until = now + timedelta(seconds=pause)
            self._note(status.delivered, status.refused, answer.reason)
        return 0.0

    def _note(self, delivered: int, refused: int, problem: str | None) -> None:
        attempts = self.status.attempts + 1
        self.status = CourierStatus(self._webhook, delivered, attempts, refused, problem)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            self._idle.clear()
            try:
                wait = self.step()
            except EmoliveError as error:  # the library's disk, say: it may come back
                _log.warning("A courier waits", exc_info=True)
                self._trouble(str(error))
                wait = _AFTER_TROUBLE_S
            except Exception as error:  # a courier must not die unseen
                _log.exception("A courier failed, and tries again")
                self._trouble(f"{type(error).__name__}: {error}")
                wait = _AFTER_TROUBLE_S
            if wait > 0 and not self._stopping:
                if not self._wake.is_set():
                    self._idle.set()
                self._wake.wait(wait)

    def _trouble(self, problem: str) -> None:
        status = self.status
        self.status = CourierStatus(
            self._webhook, status.delivered, status.attempts, status.refused, problem
        )
