"""Alert rules of one run."""

from __future__ import annotations

from pathlib import Path

from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.rule_file import load_rules
from emolive.alerts.service import AlertService
from emolive.engine import LiveRun
from emolive.errors import EmoliveError

_CALL = "live"


class RunAlerts:
    """Watches one run. Rules that cannot be used stop nothing else: `problem` says why."""

    def __init__(self, run: LiveRun, rules_file: Path, library: Path | None) -> None:
        """Read the rules for `run`, which has not begun; the outbox lies in `library`."""
        self._unusable: str | None = None
        self._run = run
        self._service: AlertService | None = None
        try:
            rules = load_rules(rules_file)
        except EmoliveError as error:
            self._unusable = str(error)
        else:
            self._service = AlertService(rules, Dispatcher(rules, library))

    @property
    def problem(self) -> str | None:
        """What keeps alerts from anybody now, as sentences; None: nothing."""
        found = self._service.problems() if self._service is not None else ()
        return self._unusable or " ".join(found) or None

    def start(self) -> None:
        """Begin to watch."""
        if self._service is not None:
            self._service.start()
            self._service.watch(self._run, _CALL)

    def close(self, timeout: float) -> None:
        """Deliver what is due, for at most `timeout` seconds."""
        if self._service is not None:
            self._service.close(timeout)
            self._service = None
