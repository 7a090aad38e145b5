"""A request has one deadline, whatever the server does with it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from emolive.alerts import timed_http
from emolive.alerts.webhook import Answer, Delivered, Refused, Unreached, WebhookClient
from emolive.alerts.webhook_settings import Webhook
from tests.alerts.server import SECRET, WebhookServer

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
TIMEOUT_S = 0.5


@contextmanager
def serving(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server on this computer that talks as told to each who calls; its port."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    talks: list[threading.Thread] = []

    def talk_to(peer: socket.socket) -> None:
        with peer, suppress(OSError):  # the client hangs up
            talk(peer, over)

    def serve() -> None:
        while not over.is_set():
            try:
                peer, _ = listening.accept()
            except TimeoutError:
                continue
            talks.append(threading.Thread(target=talk_to, args=(peer,)))
            talks[-1].start()

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        over.set()
        server.join()
        for one in talks:
            one.join()
        listening.close()


def dripping(head: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Answers `head`, and then a byte now and then, much more often than the timeout."""

    def talk(peer: socket.socket, over: threading.Event) -> None:
        peer.recv(65_536)
        peer.sendall(head)
        while not over.wait(0.05):
            peer.sendall(b"a")

    return talk


def send(url: str, timeout_s: float = TIMEOUT_S) -> Answer:
    webhook = Webhook(name="team", url=url, secret=SECRET, timeout_s=timeout_s)
    return WebhookClient(webhook).send("msg_1", '{"a": 1}', NOW)


def in_time(answer: Answer) -> bool:
    """Whether the deadline ended it; on a busy machine that may be before there is a connection."""
    return isinstance(answer, Unreached) and answer.reason.endswith("within 0.5 s")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\nZ: "])
def test_a_server_that_drips_is_left_in_time(head: bytes) -> None:
    """Without a deadline for the whole request this never ends, for a byte comes in time."""
    with serving(dripping(head)) as port:
        assert in_time(send(f"http://127.0.0.1:{port}/"))


def test_a_refusal_whose_reason_drips_is_a_refusal() -> None:
    with serving(dripping(b"HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\n")) as port:
        answer = send(f"http://127.0.0.1:{port}/", timeout_s=3)
    assert answer == Refused("answered 404 Not Found")


def test_a_tls_greeting_that_drips_is_left_in_time() -> None:
    # The head of a TLS record that promises 16 kB.
    with serving(dripping(b"\x16\x03\x03\x40\x00")) as port:
        assert in_time(send(f"https://127.0.0.1:{port}/"))


def test_a_resolver_that_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])
    try:
        assert send("https://example.org/") == Unreached("no connection within 0.5 s")
    finally:
        over.set()


def test_an_address_that_says_nothing_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch, server: WebhookServer
) -> None:
    # One whose queue is full says nothing to whoever comes next.
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    time.sleep(0.05)
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*kind, full.getsockname()), (*kind, ("127.0.0.1", server.port))]
    monkeypatch.setattr(timed_http.socket, "getaddrinfo", lambda *_, **__: found)
    webhook = Webhook(name="team", url=server.url, secret=SECRET, timeout_s=6)
    assert WebhookClient(webhook).send("msg_1", "{}", NOW) == Delivered()
    for one in (*waiting, full):
        one.close()
