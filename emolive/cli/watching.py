"""Rules and metrics beside the live runs of a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emolive.alerts.dispatch import Dispatcher, DispatchStatus
from emolive.alerts.rule_file import exposed_secrets, load_rules
from emolive.alerts.service import AlertService
from emolive.cli.outcome import tell
from emolive.metrics.collector import Metrics
from emolive.metrics.server import Endpoint, MetricsServer
from emolive.session.recorded_run import WatchedRun


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Which rules, in which library their outbox is, and where metrics are served."""

    rules: Path | None = None
    library: Path | None = None
    metrics: str | None = None


class Watching:
    """Rules and metrics of a command's runs: begin before them, end after them."""

    def __init__(
        self, options: WatchOptions, session: Callable[[], str | None] = lambda: None
    ) -> None:
        """Read the rules and get ready; `session` tells the session that is recorded.

        Raises:
            EmoliveError: a rules file or a port that cannot be used.
        """
        self._session = session
        self._told: set[str] = set()
        endpoint = None if options.metrics is None else Endpoint.parse(options.metrics)
        self._alerts: AlertService | None = None
        if options.rules is not None:
            rules = load_rules(options.rules)
            for sentence in exposed_secrets(rules, options.rules):
                tell(sentence)
            self._alerts = AlertService(rules, Dispatcher(rules, options.library))
        self._metrics: Metrics | None = None
        self._server: MetricsServer | None = None
        if endpoint is not None:
            self._metrics = Metrics(self._alerts)
            self._server = MetricsServer(self._metrics, endpoint)

    def start(self, runs: Mapping[str, WatchedRun]) -> None:
        """Watch runs, by what they are called in messages and metrics, from now on."""
        if self._alerts is not None:
            for call_id, run in runs.items():
                self._alerts.watch(run, call_id, session=self._session)
            self._alerts.start()
        if self._metrics is not None and self._server is not None:
            for call_id, run in runs.items():
                self._metrics.watch(run, call_id)
            self._server.start()
            tell(f"Metrics are at {self._server.url}.")

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps alerts from anybody now."""
        return () if self._alerts is None else self._alerts.problems()

    def tick(self) -> None:
        """Tell what keeps alerts from anybody, each time that something does."""
        problems = self.problems
        for sentence in problems:
            if sentence not in self._told:
                tell(sentence)
        self._told = set(problems)

    def end_rules(self) -> None:
        """The runs are over: raise what is left to raise, deliver what can be delivered now."""
        if self._alerts is not None:
            self.tick()
            self._alerts.close()

    def finish(self) -> None:
        """Stop everything; tell what became of the alerts."""
        if self._metrics is not None and self._server is not None:
            self._server.close()
            self._metrics.close()
        if self._alerts is None:
            return
        for sentence in self._alerts.problems(over=True):
            if sentence not in self._told:
                tell(sentence)
        raised = sum(n for watch in self._alerts.watches for _, n in watch.status.raised)
        tell(f"{raised or 'No'} alert{'' if raised == 1 else 's'}.")
        for sentence in left_over(self._alerts.dispatcher.status()):
            tell(sentence)


def left_over(status: DispatchStatus) -> list[str]:
    """What did not get through, as sentences."""
    sentences = []
    problems = {courier.webhook: courier.problem for courier in status.couriers}
    for webhook, count in status.waiting:
        wait = f"{_messages(count)} for webhook {webhook!r} wait{'s' if count == 1 else ''}"
        if webhook not in problems:
            out = "the rules name no such webhook, add it and run `emolive alerts deliver`"
            sentences.append(f"{wait} in the library: {out}.")
            continue
        why = f" ({problem})" if (problem := problems[webhook]) else ""
        sentences.append(
            f"{wait} in the library{why}: the next start goes on, or `emolive alerts deliver`."
        )
    depth = status.depth
    if depth is not None and depth.failed:
        sentences.append(
            f"{_messages(depth.failed)} {'was' if depth.failed == 1 else 'were'} refused by a "
            "server: see `emolive alerts outbox`."
        )
    if status.lost or (depth is not None and depth.dropped):
        lost = status.lost + (depth.dropped if depth is not None else 0)
        sentences.append(f"{_messages(lost)} had no room in the outbox and got lost, in all.")
    return sentences


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
