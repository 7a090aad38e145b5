"""Calls too many, clients that take their time, and connections too many: over real sockets."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from emolive.server import ingest, protocols
from emolive.server.protocols import ConnectionLimits
from emolive.server.settings import ServerSettings
from tests.server.running import TOKEN, Running, serving, tiny
from tests.server.vendors import HOOK_SESSION, AudioHook, AudioSocket, TwilioStream
from tests.waiting import until

MOST = 6


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    settings = ServerSettings(
        model=tiny(folder),
        provider="cpu",
        library=folder / "library",
        audiosocket_port=0,
        max_calls=1,
        measured=False,
        max_connections=MOST,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ingest, "_FIRST_WORDS_S", 1.0)
        patched.setattr(ingest, "_BEGUN_WITHIN_S", 1.5)
        patched.setattr(protocols, "_REQUEST_S", 1.0)
        with serving(settings) as running:
            # Its threads belong to all of the tests.
            with running.connect("/v1/taps/pcm") as client:
                client.send('{"sampling_rate": 8000, "call": "first"}')
                client.recv(timeout=60)
            until(lambda: running.http.get("/v1/ready?room=true").status_code == 200)
            yield running


def plain(port: int) -> socket.socket:
    """A connection that says nothing yet."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def asterisk(running: Running, known: bytes = b"") -> AudioSocket:
    assert running.server.audiosocket_port is not None
    return AudioSocket(running.server.audiosocket_port, known or uuid.uuid4().bytes)


def end_of(client: ClientConnection) -> tuple[int, str]:
    """How the server closes it."""
    with pytest.raises(ConnectionClosed) as closed:
        [client.recv(timeout=60) for _ in range(3)]
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize("tap", ["twilio", "audiohook", "freeswitch", "pcm"])
def test_a_call_too_many_is_refused_before_its_socket_opens(running: Running, tap: str) -> None:
    with running.connect("/v1/taps/pcm") as first:
        first.send('{"sampling_rate": 8000}')
        first.recv(timeout=60)
        with pytest.raises(InvalidStatus) as refused, running.connect(f"/v1/taps/{tap}"):
            pass
        response = refused.value.response
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert b"carries no more" in response.body
        assert asterisk(running).ended() == b"\0\0\0", "Asterisk is told to hang up"
    until(lambda: running.http.get("/v1/ready?room=true").status_code == 200)


def test_a_call_that_finds_no_room_when_it_begins(running: Running) -> None:
    """The sockets open while there is room, and begin when there is none any more."""
    with (
        running.connect("/v1/taps/audiohook", headers={"Audiohook-Session-Id": HOOK_SESSION}) as a,
        running.connect("/v1/taps/twilio") as b,
        running.connect("/v1/taps/freeswitch") as c,
        running.connect("/v1/taps/pcm") as first,
    ):
        first.send('{"sampling_rate": 8000}')
        first.recv(timeout=60)
        hook = AudioHook(a)
        told = hook.open()
        assert (told["type"], told["parameters"]["reason"]) == ("disconnect", "error")
        assert "carries no more" in told["parameters"]["info"]
        hook.send("close", {"reason": "disconnect"})
        assert hook.receive()["type"] == "closed"
        TwilioStream(b, "CA" + "5" * 32).start()
        c.send(bytes(320))
        for client in (b, c):
            code, reason = end_of(client)
            assert code == 1011, "one that FreeSWITCH's client knows"
            assert "carries no more" in reason
    assert a.close_code == 1000, "it was the client that closed it"
    until(lambda: running.http.get("/v1/ready?room=true").status_code == 200)


def test_who_begins_nothing_is_sent_away_whatever_it_says(running: Running) -> None:
    before = len(running.calls())
    with (
        connect(running.ws + "/v1/taps/twilio") as stranger,  # whose token comes later, it says
        running.connect("/v1/taps/freeswitch") as known,
    ):
        third = asterisk(running)
        for _ in range(50):
            with contextlib.suppress(ConnectionClosed, OSError):
                stranger.send('{"event": "connected"}')
            with contextlib.suppress(ConnectionClosed, OSError):
                known.send("metadata, and no sound")
            with contextlib.suppress(OSError):
                third.send(0x03, b"1")
            time.sleep(0.05)
        assert end_of(stranger) == (1008, "No call began in 1 seconds.")
        assert end_of(known) == (1008, "No call began in 1.5 seconds.")
        with contextlib.suppress(ConnectionError):
            assert third.ended() == b"\0\0\0"
    assert len(running.calls()) == before


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /v1/taps/pcm HTTP/1.1\r\nHost: x\r\nUpgrade: webso",
        b"POST /v1/taps/twilio/answer HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/he",
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(running: Running, begun: bytes) -> None:
    with plain(running.server.port) as client, contextlib.suppress(ConnectionError):
        client.sendall(begun)
        while client.recv(10_000):
            pass


@pytest.mark.parametrize(
    "broken",
    [
        b"\x16\x03\x01no HTTP\r\n\r\n",
        b"POST /v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nZZ",
        b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: [::\r\n\r\n",
        b"POST /v1/taps/twilio/answer?token=" + TOKEN.encode() + b" HTTP/1.1\r\nHost: [::\r\n"
        b"Content-Length: 0\r\n\r\n",
        b"GET /v1/calls HTTP/1.1\r\nHost: x\r\nOrigin: http://[::\r\n\r\n",
        b"GET /v1/calls HTTP/1.1\r\nHost: [::\r\nOrigin: http://[::\r\n\r\n",
        b"GET /v1/watch?token=" + TOKEN.encode() + b" HTTP/1.1\r\nHost: [::\r\nOrigin: http://[\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ],
)
def test_what_is_no_http_fails_nowhere(
    running: Running, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with plain(running.server.port) as client, contextlib.suppress(ConnectionError):
        client.settimeout(30)
        client.sendall(broken)
        client.shutdown(socket.SHUT_WR)
        while client.recv(10_000):
            pass
    running.calls()  # whoever fails has logged it by now
    assert not [record for record in caplog.records if record.exc_info]


def test_connections_too_many(running: Running) -> None:
    with contextlib.ExitStack() as opened:
        with pytest.raises(InvalidStatus) as refused:
            [opened.enter_context(running.connect("/v1/watch")) for _ in range(MOST + 1)]
        assert refused.value.response.status_code == 503
        assert f"has {MOST} connections".encode() in refused.value.response.body
    until(lambda: running.http.get("/v1/health").status_code == 200)

    with contextlib.ExitStack() as opened:
        for _ in range(MOST):
            opened.enter_context(asterisk(running, bytes(15)).socket)
        until(lambda: _closed_at_once(running.server.audiosocket_port or 0))


@pytest.mark.skipif(sys.platform != "linux", reason="others have one loopback address")
def test_one_address_does_not_shut_out_the_others(tmp_path: Path) -> None:
    settings = ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", audiosocket_port=0,
        max_connections=20, max_per_address=3,
    )  # fmt: skip
    with serving(settings) as running, contextlib.ExitStack() as opened:
        one, other = ({"source_address": (f"127.0.0.{n}", 0)} for n in (2, 3))
        for _ in range(3):
            opened.enter_context(running.connect("/v1/watch", **one))
        for path in ("/v1/watch", "/v1/taps/pcm"):
            with pytest.raises(InvalidStatus) as refused:
                running.connect(path, **one)
            assert refused.value.response.status_code == 503
            assert b"One address may have 3 connections here" in refused.value.response.body
        opened.enter_context(running.connect("/v1/watch", **other))
        port = running.server.audiosocket_port or 0
        for _ in range(3):
            opened.enter_context(plain(port))
        until(lambda: _closed_at_once(port))
        told = running.http.get("/metrics").text
        # Those who came to look whether they are closed are counted, too.
        assert 'emolive_server_connections_refused_total{limit="all"} 0.0' in told
        (refused_by_address,) = (
            float(line.split()[-1])
            for line in told.splitlines()
            if line.startswith('emolive_server_connections_refused_total{limit="address"}')
        )
        assert refused_by_address >= 3
        assert "emolive_server_connections 8.0" in told


def test_of_version_6_a_network_is_one_address() -> None:
    limits = ConnectionLimits(10, 2)
    there = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1"]
    assert limits.refusal(there[2], there) is None
    assert limits.refusal("::ffff:10.0.0.1", [*there, "10.0.0.1", "::ffff:10.0.0.1"]) is None
    assert limits.refusal("2001:db8:1:2::9", [*there, "2001:db8:1:2::9"])
    assert limits.refusal("fe80::1%eth0", [*there, "fe80::1%eth0"]) is None
    assert limits.refused == {"all": 0, "address": 1}
    assert ServerSettings().per_address == 1_000, "on this computer all come from one"
    assert ServerSettings(host="0.0.0.0").per_address == 500


def _closed_at_once(port: int) -> bool:
    with plain(port) as one:
        one.settimeout(0.5)
        try:
            return one.recv(1) == b""
        except TimeoutError:
            return False


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "calls.example.com:443"])
def test_freeswitchs_own_handshake(running: Running, host: str) -> None:
    """As libwsc writes it: no spaces, and an origin of http and a port, whatever the address."""
    host = host.format(running.server.port)
    with plain(running.server.port) as client:
        request = (
            f"GET /v1/taps/freeswitch?token={running.token} HTTP/1.1\r\nHost:{host}\r\n"
            "Upgrade:websocket\r\nConnection:upgrade\r\n"
            "Sec-WebSocket-Key:dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version:13\r\n"
            "Sec-WebSocket-Extensions:permessage-deflate; client_no_context_takeover; "
            f"server_no_context_takeover; client_max_window_bits=9\r\nOrigin:http://{host}\r\n\r\n"
        )
        client.sendall(request.encode())
        assert client.recv(1_000).startswith(b"HTTP/1.1 101")


def test_a_call_that_freeswitch_ends_as_it_does(running: Running) -> None:
    with running.connect("/v1/taps/freeswitch?call=fs-end") as client:
        client.send(bytes(320))
        client.recv(timeout=60)
    until(lambda: running.call("fs-end")["state"] == "stopped")
    assert running.call("fs-end")["reason"] is None
