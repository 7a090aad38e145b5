from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from emolive import __version__
from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError
from emolive.metrics.collector import Metrics, check_metrics
from emolive.metrics.server import Endpoint, MetricsServer
from emolive.types import AlertEnded, EngineState
from tests.alerts.calls import windows
from tests.alerts.runs import FakeRun
from tests.alerts.server import SECRET, WebhookServer

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

LOCAL = Endpoint("127.0.0.1", 0)


def scrape(url: str) -> Samples:
    """Every sample, read by the reference parser."""
    with urllib.request.urlopen(url, timeout=60) as response:
        text = response.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return f"emolive_{name}", tuple(sorted(labels.items()))


@pytest.fixture
def serving() -> Iterator[list[object]]:
    """Things to close in the end."""
    made: list[object] = []
    yield made
    for one in reversed(made):
        one.close()  # type: ignore[attr-defined]


def serve(serving: list[object], metrics: Metrics, endpoint: Endpoint = LOCAL) -> MetricsServer:
    server = MetricsServer(metrics, endpoint)
    serving += [metrics, server]
    server.start()
    return server


def test_a_run_with_alerts_as_prometheus_sees_it(
    serving: list[object], library: Path, server: WebhookServer
) -> None:
    server.answer = lambda _: 404
    rules = RuleSet(
        rules=(
            EmotionRule(
                name='up"set\\',
                emotions=("angry",),
                probability=0.6,
                for_s=1,
                webhooks=("team",),
            ),
        ),
        webhooks=(Webhook(name="team", url=server.url, secret=SECRET),),
    )
    service = AlertService(rules, Dispatcher(rules, library))
    serving.append(service)
    service.start()
    metrics = Metrics(service)
    endpoint = serve(serving, metrics)
    run = FakeRun()
    metrics.watch(run, "c1")
    service.watch(run, "c1")
    run.start()
    run.say(*windows([0.9] * 4, "customer"), *windows([None] * 3, "agent"))
    run.alert()
    service.dispatcher._couriers["team"].wait_idle(10)
    wanted = {
        key("info", version=__version__): 1,
        key("engine_state", call="c1", state="running"): 1,
        key("engine_state", call="c1", state="failed"): 0,
        key("streams", call="c1"): 2,
        key("lag_seconds", call="c1"): 0,
        key("overflows_total", call="c1"): 0,
        key("windows_skipped_total", call="c1", stream="agent"): 0,
        key("predictions_total", call="c1", stream="customer", label="uncertain"): 4,
        key("predictions_total", call="c1", stream="agent", label="silence"): 3,
        key("alerts_total", call="c1", rule='up"set\\'): 1,
        key("alerts_active", call="c1"): 1,
        key("alert_problems"): 1,  # the webhook refuses
        key("outbox_messages", state="waiting"): 0,
        key("outbox_messages", state="failed"): 1,
        key("outbox_messages", state="unstored"): 0,
        key("outbox_dropped_total"): 0,
        key("webhook_deliveries_total", webhook="team", result="refused"): 1,
        key("webhook_deliveries_total", webhook="team", result="delivered"): 0,
        key("webhook_attempts_total", webhook="team"): 1,
    }
    for _ in range(200):  # the counting thread may be a moment behind
        found = scrape(endpoint.url)
        if wanted.items() <= found.items():
            break
    assert {name: found.get(name) for name in wanted} == wanted
    run.enter(EngineState.STOPPED)
    run.heard(lambda event: isinstance(event, AlertEnded))


def test_a_run_that_is_gone_is_not_told_of(serving: list[object]) -> None:
    metrics = Metrics()
    endpoint = serve(serving, metrics)
    meter = metrics.watch(FakeRun(), "gone")
    assert key("streams", call="gone") in scrape(endpoint.url)
    metrics.forget(meter)
    assert key("streams", call="gone") not in scrape(endpoint.url)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("9464", Endpoint("127.0.0.1", 9464)),
        ("localhost:9464", Endpoint("127.0.0.1", 9464)),
        ("127.0.0.2:80", Endpoint("127.0.0.2", 80)),
        ("[::1]:9464", Endpoint("::1", 9464)),
    ],
)
def test_places_to_listen_at(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "[::]", "example.org", "localhost.x"])
def test_anything_but_this_computer_is_refused(host: str) -> None:
    with pytest.raises(EmoliveError, match="Metrics are for this computer only"):
        Endpoint.parse(f"{host}:9464")


@pytest.mark.parametrize("text", ["", "port", "127.0.0.1", "127.0.0.1:x", "99999", "a:b:1"])
def test_nonsense_is_one_sentence(text: str) -> None:
    with pytest.raises(EmoliveError, match="is no place to listen at"):
        Endpoint.parse(text)


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EmoliveError, match=r"Metrics cannot listen at .* choose another port"):
            MetricsServer(Metrics(), Endpoint("127.0.0.1", taken.getsockname()[1]))


def test_other_names_for_this_computer_and_other_paths(serving: list[object]) -> None:
    """A web page cannot read it by pointing a name of its own here."""
    server = serve(serving, Metrics())
    port = int(server.url.split(":")[2].split("/")[0])
    for host, path, status in [
        ("evil.example", "/metrics", 403),
        ("localhost", "/metrics", 200),
        (f"127.0.0.1:{port}", "/metrics", 200),
        ("localhost", "/other", 404),
    ]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path, headers={"Host": host})
        assert connection.getresponse().status == status
        connection.close()


def test_it_is_over_when_closed() -> None:
    server = MetricsServer(Metrics(), LOCAL)
    server.start()
    scrape(server.url)
    server.close()
    with pytest.raises(urllib.error.URLError):
        scrape(server.url)


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmoliveError, match=r"run `pip install 'emolive\[metrics\]'`"):
        check_metrics()


def ask(server: MetricsServer, request: bytes, *, leave: bool = False) -> bytes:
    """Send raw bytes; the answer, or with `leave` nothing: the connection is torn down at once."""
    port = int(server.url.rsplit(":", 1)[1].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        if leave:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def wait_for_requests() -> None:
    """Until no thread answers a request any more."""
    deadline = time.monotonic() + 20
    while any("process_request" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    "host",
    [
        "[::1",
        "[",
        "]",
        "[1.2.3.4]",
        "a]b",
        "localhost:x",
        "\u2100".encode().decode("latin-1"),
        "@",
        " ",
    ],
)
def test_a_broken_host_is_refused_without_a_word(
    serving: list[object], capsys: pytest.CaptureFixture[str], host: str
) -> None:
    server = serve(serving, Metrics())
    answer = ask(server, f"GET /metrics HTTP/1.0\r\nHost: {host}\r\n\r\n".encode("latin-1"))
    wait_for_requests()
    assert answer.startswith(b"HTTP/1.0 200" if host == "localhost:x" else b"HTTP/1.0 403")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"GET",
        b"GET /metrics HTTP/1.0\r\nHost: loc",
        b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n",
    ],
)
def test_a_client_that_leaves_is_no_reason_for_a_word(
    serving: list[object], capsys: pytest.CaptureFixture[str], request_: bytes
) -> None:
    server = serve(serving, Metrics())
    for _ in range(4):
        ask(server, request_, leave=True)
    assert scrape(server.url)
    wait_for_requests()
    assert capsys.readouterr() == ("", "")


@given(
    line=st.binary(max_size=40),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"Host", b"Accept", b"Accept-Encoding", b"Content-Length", b"X"]),
            st.binary(max_size=30) | st.sampled_from([b"application/openmetrics-text; version=a"]),
        ),
        max_size=4,
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_nothing_is_printed(
    serving: list[object],
    capsys: pytest.CaptureFixture[str],
    line: bytes,
    headers: list[tuple[bytes, bytes]],
) -> None:
    server = serving[-1] if serving else serve(serving, Metrics())
    assert isinstance(server, MetricsServer)
    for first in (line, b"GET /metrics?" + line + b" HTTP/1.0"):
        lines = [first, b"Host: localhost", *(b": ".join(header) for header in headers)]
        with contextlib.suppress(ConnectionError):
            ask(server, b"\r\n".join(lines) + b"\r\n\r\n")
    wait_for_requests()
    assert capsys.readouterr() == ("", "")
