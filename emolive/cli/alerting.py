"""Rules and metrics beside the live runs of a command."""

from __future__ import annotations

from collections.abc import Sequence

from emolive.alerts.dispatch import DispatchStatus
from emolive.alerts.rule_file import exposed_secrets, load_rules
from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService
from emolive.cli.options import WatchOptions
from emolive.cli.outcome import tell
from emolive.i18n import ntr, tr
from emolive.metrics.collector import Metrics
from emolive.metrics.server import Endpoint, MetricsServer
from emolive.monitoring import MonitoredRun


class Watching:
    """Rules and metrics of a command's runs, as a person is told of them."""

    def __init__(self, options: WatchOptions) -> None:
        """Read the rules; `rules` are for the descriptions of the runs.

        Raises:
            EmoliveError: a rules file or a port that cannot be used.
        """
        self.rules: RuleSet | None = None
        endpoint = None if options.metrics is None else Endpoint.parse(options.metrics)
        if options.alerts is not None:
            self.rules = load_rules(options.alerts)
            for sentence in exposed_secrets(self.rules, options.alerts):
                tell(sentence)
        self._told: set[str] = set()
        self._runs: Sequence[MonitoredRun] = ()
        self._alerts: AlertService | None = None
        self._metrics: Metrics | None = None
        self._server: MetricsServer | None = None
        if endpoint is not None:
            self._metrics = Metrics()
            self._server = MetricsServer(self._metrics, endpoint)

    def start(self, runs: Sequence[MonitoredRun]) -> None:
        """Look after runs, which were described with these rules and have not begun."""
        self._runs = runs
        self._alerts = runs[0].alerts.service  # which they share
        if self._metrics is not None and self._server is not None:
            self._metrics.alerts = self._alerts
            for run in runs:
                self._metrics.watch(run.live, run.live.id)
            self._server.start()
            tell("Metrics are at {url}.", url=self._server.url)

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps alerts from anybody now."""
        unusable = dict.fromkeys(run.alerts.unusable for run in self._runs)
        found = () if self._alerts is None else self._alerts.problems()
        return (*(one for one in unusable if one is not None), *found)

    def tick(self) -> None:
        """Tell what keeps alerts from anybody, each time that something does."""
        problems = self.problems
        for sentence in problems:
            if sentence not in self._told:
                tell(sentence)
        self._told = set(problems)

    def finish(self) -> None:
        """The runs are over, and their rules: tell what became of the alerts."""
        if self._metrics is not None and self._server is not None:
            self._server.close()
            self._metrics.close()
        if self._alerts is None:
            return
        for sentence in self._alerts.problems(over=True):
            if sentence not in self._told:
                tell(sentence)
        raised = sum(n for watch in self._alerts.watches for _, n in watch.status.raised)
        tell(ntr("{count} alert.", "{count} alerts.", raised) if raised else tr("No alerts."))
        for sentence in left_over(self._alerts.dispatcher.status()):
            tell(sentence)


def left_over(status: DispatchStatus) -> list[str]:
    """What did not get through, as sentences."""
    sentences = []
    problems = {courier.webhook: courier.problem for courier in status.couriers}
    for webhook, count in status.waiting:
        wait = ntr(
            "{count} message for webhook {webhook} waits in the library",
            "{count} messages for webhook {webhook} wait in the library",
            count,
            webhook=repr(webhook),
        )
        if webhook not in problems:
            out = tr(
                "{wait}: the rules name no such webhook, add it and run `emolive alerts deliver`.",
                wait=wait,
            )
        else:
            why = f" ({problem})" if (problem := problems[webhook]) else ""
            out = tr(
                "{wait}{why}: the next start goes on, or `emolive alerts deliver`.",
                wait=wait,
                why=why,
            )
        sentences.append(out)
    depth = status.depth
    if depth is not None and depth.failed:
        sentences.append(
            ntr(
                "{count} message was refused by a server: see `emolive alerts outbox`.",
                "{count} messages were refused by a server: see `emolive alerts outbox`.",
                depth.failed,
            )
        )
    if status.lost or (depth is not None and depth.dropped):
        lost = status.lost + (depth.dropped if depth is not None else 0)
        sentences.append(
            ntr(
                "{count} message had no room in the outbox and got lost, in all.",
                "{count} messages had no room in the outbox and got lost, in all.",
                lost,
            )
        )
    return sentences
