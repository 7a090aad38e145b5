"""Numbers about live runs and alerts, for a wallboard. They tell nothing about what was said."""

from __future__ import annotations

import importlib.util
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emolive import __version__
from emolive.alerts.service import AlertService
from emolive.engine.run import LiveRun
from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.types import Alert, EngineState, Prediction

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_MAILBOX_EVENTS = 5_000
_COUNT_EVERY_S = 1.0
_MOST_RULES = 200


def check_metrics() -> None:
    """Make sure that the library for metrics is there.

    Raises:
        EmoliveError: it is not installed.
    """
    if importlib.util.find_spec("prometheus_client") is None:
        raise EmoliveError(
            "Metrics need an extra: {way}, or leave out --metrics.", way=way_to_get("metrics")
        )


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What has come out of a run: predictions by stream and answer, alerts by rule."""

    predictions: tuple[tuple[tuple[str, str], int], ...] = ()
    alerts: tuple[tuple[str, int], ...] = ()


class RunMeter:
    """Counts what a run says, whenever it is looked at.

    It reads from a mailbox of 5,000 events; overflow policy: the oldest are dropped, which the
    run's own status counts.
    """

    def __init__(self, run: LiveRun, call_id: str) -> None:
        self.run = run
        self.call_id = call_id
        self._mailbox = run.hub.subscribe(_MAILBOX_EVENTS, kinds=(Prediction, Alert))
        self._lock = threading.Lock()
        self._predictions: Counter[tuple[str, str]] = Counter()
        self._alerts: Counter[str] = Counter()

    def look(self) -> None:
        """Count what has come."""
        with self._lock:
            for event in self._mailbox.drain():
                if isinstance(event, Prediction):
                    self._predictions[event.stream, event.label or event.state.value] += 1
                elif isinstance(event, Alert) and (
                    event.rule in self._alerts or len(self._alerts) < _MOST_RULES
                ):
                    self._alerts[event.rule] += 1

    def counts(self) -> RunCounts:
        """What was counted so far."""
        self.look()
        with self._lock:
            return RunCounts(
                tuple(sorted(self._predictions.items())), tuple(sorted(self._alerts.items()))
            )

    def close(self) -> None:
        """Count no more."""
        self.run.hub.unsubscribe(self._mailbox)


class Metrics:
    """All numbers, as Prometheus knows them; a collector for its client library.

    Each look takes fresh snapshots, so nothing has to be kept up to date; between looks one thread
    counts what comes. Any thread may use it.
    """

    def __init__(self, alerts: AlertService | None = None) -> None:
        """Tell about runs, and about `alerts` if there are rules."""
        self.alerts = alerts
        self._lock = threading.Lock()
        self._meters: tuple[RunMeter, ...] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._count, name="emolive metrics", daemon=True)

    def watch(self, run: LiveRun, call_id: str) -> RunMeter:
        """Tell about a run, too."""
        meter = RunMeter(run, call_id)
        with self._lock:
            self._meters = (*self._meters, meter)
            if self._thread.ident is None:
                self._thread.start()
        return meter

    def forget(self, meter: RunMeter) -> None:
        """Tell about a run no more."""
        with self._lock:
            self._meters = tuple(one for one in self._meters if one is not meter)
        meter.close()

    def close(self) -> None:
        """Tell about no run any more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)
        for meter in self._meters:
            self.forget(meter)

    def collect(self) -> Iterator[Metric]:
        """The numbers now."""
        from prometheus_client.core import GaugeMetricFamily

        info = GaugeMetricFamily("emolive_info", "The running program.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from self._runs()
        if self.alerts is not None:
            yield from _alerting(self.alerts)

    def _count(self) -> None:
        while not self._stopping.wait(_COUNT_EVERY_S):
            for meter in self._meters:
                meter.look()

    def _runs(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"emolive_{name}", text, labels=["call", *labels])

        def counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
            return CounterMetricFamily(f"emolive_{name}", text, labels=["call", *labels])

        state = gauge("engine_state", "1 for the state that the engine is in.", "state")
        streams = gauge("streams", "Streams that are monitored.")
        lag = gauge("lag_seconds", "How far the newest answer is behind what could be answered.")
        latency = gauge("latency_seconds", "From a window's last sample to its answer, newest.")
        elapsed = gauge("elapsed_seconds", "How long the call has been monitored.")
        overflows = counter("overflows", "Blocks lost by the audio driver or the ring.")
        dropped = counter("events_dropped", "Events that a slow consumer lost.")
        reconnects = counter("reconnects", "Times that the input came back.")
        windows = counter("windows", "Windows that were answered.", "stream")
        skipped = counter("windows_skipped", "Windows jumped over to catch up.", "stream")
        lost = counter("samples_lost", "Samples of audio that never came.", "stream")
        predictions = counter("predictions", "Answers by what they say.", "stream", "label")
        alerts = counter("alerts", "Alerts by rule.", "rule")
        for meter in self._meters:
            call, status, counts = meter.call_id, meter.run.status(), meter.counts()
            for known in EngineState:
                state.add_metric([call, known.value], float(known is status.state))
            streams.add_metric([call], len(status.streams))
            lag.add_metric([call], status.lag_s)
            latency.add_metric([call], status.latency_ms / 1000)
            elapsed.add_metric([call], status.elapsed_s)
            overflows.add_metric([call], status.overflows)
            dropped.add_metric([call], status.events_dropped)
            reconnects.add_metric([call], status.reconnects)
            for stream in status.streams:
                windows.add_metric([call, stream.name], stream.windows)
                skipped.add_metric([call, stream.name], stream.windows_skipped)
                lost.add_metric([call, stream.name], stream.samples_lost)
            for (name, label), count in counts.predictions:
                predictions.add_metric([call, name, label], count)
            for rule, count in counts.alerts:
                alerts.add_metric([call, rule], count)
        yield from (state, streams, lag, latency, elapsed, overflows, dropped, reconnects)
        yield from (windows, skipped, lost, predictions, alerts)


def _alerting(service: AlertService) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    active = GaugeMetricFamily(
        "emolive_alerts_active", "Alerts that are not over.", labels=["call"]
    )
    for watch in service.watches:
        watched = watch.status
        active.add_metric([watched.call_id], len(watched.active))
    status = service.dispatcher.status()
    yield active
    yield GaugeMetricFamily(
        "emolive_alert_problems",
        "What keeps rules from firing or alerts from anybody now.",
        len(service.problems()),
    )
    outbox = GaugeMetricFamily(
        "emolive_outbox_messages",
        "Messages for webhooks by state; unstored: the database could not take them yet.",
        labels=["state"],
    )
    outbox.add_metric(["unstored"], status.unstored)
    if status.depth is not None:
        outbox.add_metric(["waiting"], status.depth.waiting)
        outbox.add_metric(["failed"], status.depth.failed)
    yield outbox
    dropped = status.lost + (status.depth.dropped if status.depth else 0)
    yield CounterMetricFamily("emolive_outbox_dropped", "Messages there was no room for.", dropped)
    results = CounterMetricFamily(
        "emolive_webhook_deliveries",
        "Messages by result since the start.",
        labels=["webhook", "result"],
    )
    attempts = CounterMetricFamily(
        "emolive_webhook_attempts", "Requests since the start.", labels=["webhook"]
    )
    for courier in status.couriers:
        results.add_metric([courier.webhook, "delivered"], courier.delivered)
        results.add_metric([courier.webhook, "refused"], courier.refused)
        attempts.add_metric([courier.webhook], courier.attempts)
    yield from (results, attempts)
