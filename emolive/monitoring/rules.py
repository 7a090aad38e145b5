"""Alert rules in use: what watches runs for them, and the couriers of their alerts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.rule_file import load_rules
from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService, CallWatch
from emolive.engine import LiveRun
from emolive.errors import EmoliveError


@dataclass(slots=True)
class _Held:
    rules: RuleSet
    outbox: Path | None
    service: AlertService
    users: int = 1


class SharedRules:
    """All rules in use: runs described with one and the same `RuleSet` share its couriers.

    Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[_Held] = []

    def hold(self, rules: RuleSet, outbox: Path | None) -> AlertService:
        """Begin to use rules; what is left in the outbox of this library is delivered, too."""
        with self._lock:
            for held in self._held:
                if held.rules is rules and held.outbox == outbox:
                    held.users += 1
                    return held.service
            service = AlertService(rules, Dispatcher(rules, outbox))
            service.start()
            self._held.append(_Held(rules, outbox, service))
            return service

    def release(self, service: AlertService, timeout: float) -> None:
        """Use them no more; the last user delivers what is due, for at most `timeout` seconds."""
        with self._lock:
            held = next((one for one in self._held if one.service is service), None)
            if held is None:
                return
            held.users -= 1
            if held.users:
                return
            self._held.remove(held)
        service.close(timeout)

    def close(self, timeout: float) -> None:
        """End all, whoever uses them."""
        with self._lock:
            going, self._held = self._held, []
        for held in going:
            held.service.close(timeout)


class RunAlerts:
    """Watches one run for rules. Those that cannot be used stop nothing else: `unusable` says why.

    One thread at a time uses it.
    """

    def __init__(
        self, shared: SharedRules, run: LiveRun, call_id: str, session: Callable[[], str | None]
    ) -> None:
        """`call_id`: what webhooks call it; `session` tells the one it is being recorded into."""
        self.unusable: str | None = None
        self.service: AlertService | None = None
        self.watch: CallWatch | None = None
        self._shared = shared
        self._run = run
        self._call_id = call_id
        self._session = session

    @property
    def problem(self) -> str | None:
        """What keeps alerts from anybody now, as sentences; None: nothing."""
        found = self.service.problems() if self.service is not None else ()
        return self.unusable or " ".join(found) or None

    def use(self, rules: RuleSet | Path | None, outbox: Path | None) -> None:
        """Watch for these rules, or those in a file, instead of the ones before.

        `start` follows. Their outbox lies in the library `outbox` (None: the usual one).
        """
        self.close(0.0)
        self.unusable = None
        try:
            rules = load_rules(rules) if isinstance(rules, Path) else rules
        except EmoliveError as error:
            self.unusable = str(error)
        else:
            self.service = None if rules is None else self._shared.hold(rules, outbox)

    def start(self) -> None:
        """Begin to watch, before the run begins or in the middle of it."""
        if self.service is None or self.watch is not None:
            return
        try:
            self.watch = self.service.watch(
                self._run, self._call_id, name=self._run.name, session=self._session
            )
        except EmoliveError as error:  # rules for another model
            self.unusable = str(error)

    def close(self, timeout: float) -> None:
        """Watch no more; deliver what is due, for at most `timeout` seconds."""
        watch, self.watch = self.watch, None
        service, self.service = self.service, None
        if service is not None:
            if watch is not None:
                service.forget(watch)
            self._shared.release(service, timeout)
