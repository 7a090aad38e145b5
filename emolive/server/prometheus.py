"""Numbers about the server, beside those about its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from emolive.server.protocols import ConnectionLimits
from emolive.server.switchboard import Switchboard

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector


class Exposition:
    """Everything that Prometheus is told."""

    def __init__(
        self,
        board: Switchboard,
        calls: Callable[[], Collector],
        limits: ConnectionLimits,
        connections: Callable[[], int],
    ) -> None:
        """`calls`: what tells about the calls themselves; `connections`: how many there are."""
        self._board = board
        self._limits = limits
        self._connections = connections
        self._calls = calls

    def text(self) -> bytes:
        """The numbers now, in Prometheus' text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        registry.register(self._calls())
        return generate_latest(registry)

    def describe(self) -> list[Metric]:
        """Nothing beforehand."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The server's numbers now."""
        board, load = self._board, self._board.load
        gauges = {
            "calls": ("Calls that are monitored now.", len(board.running)),
            "capacity": ("Calls that this machine carries.", load.capacity),
            "cost_per_call_cores": ("Measured cost of a call, in cores.", load.cost_per_call),
            "cores": ("Cores in use.", load.cores),
            "watchers": ("Sockets of those who watch.", board.watchers),
            "connections": ("Connections, of all kinds.", self._connections()),
            "draining": ("1 while the server goes down.", float(board.draining)),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"emolive_server_{name}", text, value)
        for name, text, value in (
            ("calls_opened", "Calls that were taken.", board.opened),
            ("calls_refused", "Calls that there was no room for.", board.refused),
        ):
            yield CounterMetricFamily(f"emolive_server_{name}", text, value)
        refused = CounterMetricFamily(
            "emolive_server_connections_refused",
            "Connections too many, in all or from their address.",
            labels=["limit"],
        )
        for limit, number in self._limits.refused.items():
            refused.add_metric([limit], number)
        yield refused

        def of_calls(name: str, text: str) -> CounterMetricFamily:
            return CounterMetricFamily(f"emolive_tap_{name}", text, labels=["call"])

        gaps = of_calls("gaps", "Stretches that never came.")
        lost = of_calls("lost_seconds", "Their length in all.")
        late = of_calls("late_packets", "Packets that came too late or twice.")
        for call in board.running:
            placement = call.placement
            gaps.add_metric([call.id], placement.gaps)
            lost.add_metric([call.id], placement.lost_samples / call.request.rate)
            late.add_metric([call.id], placement.late_packets)
        yield from (gaps, lost, late)
