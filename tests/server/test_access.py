"""Who may do what: tokens, scopes, cookies, origins, limits, TLS; and no secret in the logs."""

from __future__ import annotations

import datetime
import logging
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from emolive.errors import EmoliveError
from emolive.server.access import Access, RateLimiter, Refused
from emolive.server.serving import EmoliveServer
from emolive.server.settings import ServerSettings
from emolive.server.tokens import Scope, TokenFile, Tokens
from tests.server.running import TOKEN, Running, serving, tiny
from tests.server.vendors import AudioSocket
from tests.waiting import until

WRONG = "a-token-that-nobody-has-made"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    settings = ServerSettings(
        model=tiny(folder),
        provider="cpu",
        library=folder / "library",
        measured=False,
        origins=("https://dashboard.example.com",),
    )
    with serving(settings) as running:
        # Its threads belong to all of the tests.
        with running.connect("/v1/taps/pcm") as socket:
            socket.send('{"sampling_rate": 8000, "call": "first"}')
            socket.recv(timeout=60)
        until(lambda: running.call("first")["state"] == "stopped")
        assert running.http.get("/metrics").is_success
        yield running


def bare(running: Running) -> httpx.Client:
    """A client without a token."""
    return httpx.Client(base_url=running.server.url, timeout=60)


def test_everything_but_health_needs_a_token(running: Running) -> None:
    document = running.get("/openapi.json")
    with bare(running) as client:
        for open_to_all in ("/v1/health", "/v1/ready", "/v1/texts", "/docs", "/openapi.json"):
            assert client.get(open_to_all).status_code == 200
        checked = 0
        for path, operations in document["paths"].items():
            if path in ("/v1/health", "/v1/ready", "/v1/texts", "/v1/login", "/v1/logout"):
                continue
            address = path.format(call_id="x", session_id="x", stream="x", uuid="0" * 32)
            for method in operations:
                body = {"json": {}} if method in ("post", "put") else {}
                answer = client.request(method, address, **body)
                assert answer.status_code == 401, (method, path)
                assert answer.json()["error"]
                assert answer.headers["www-authenticate"] == "Bearer"
                checked += 1
        assert checked >= 15


def test_scopes(running: Running, folder: Path) -> None:
    file = TokenFile(folder / "library")
    tokens = {scope: file.add(f"of {scope}", frozenset({scope})) for scope in Scope}
    asked = {
        "/v1/calls": ("get", {Scope.WATCH, Scope.ADMIN}),
        "/v1/calls/none": ("delete", {Scope.ADMIN}),
        "/v1/sessions/none": ("delete", {Scope.ADMIN}),
        "/v1/taps/twilio/answer": ("post", {Scope.INGEST, Scope.ADMIN}),
        "/metrics": ("get", {Scope.WATCH, Scope.ADMIN}),
    }
    with bare(running) as client:
        for scope, token in tokens.items():
            for path, (method, permitted) in asked.items():
                answer = client.request(method, path, headers={"Authorization": f"Bearer {token}"})
                assert (answer.status_code != 403) == (scope in permitted), (scope, path)
            me = client.get("/v1/me", params={"token": token})
            assert me.json() == {"name": f"of {scope}", "scopes": [scope.value]}
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{running.ws}/v1/taps/pcm?token={tokens[Scope.WATCH]}")
    assert refused.value.response.status_code == 403
    with (
        connect(f"{running.ws}/v1/watch?token={tokens[Scope.INGEST]}") as socket,
        pytest.raises(ConnectionClosed) as closed,
    ):
        socket.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


def test_a_revoked_token_holds_no_longer_and_closes_what_it_opened(
    running: Running, folder: Path
) -> None:
    file = TokenFile(folder / "library")
    token = file.add("to be revoked", frozenset({Scope.WATCH, Scope.INGEST}))
    with (
        connect(f"{running.ws}/v1/watch?token={token}") as watcher,
        connect(f"{running.ws}/v1/taps/pcm?token={token}") as tap,
        bare(running) as client,
    ):
        tap.send('{"sampling_rate": 8000, "call": "revoked"}')
        tap.recv(timeout=60)
        client.post("/v1/login", json={"token": token})
        assert client.get("/v1/me").status_code == 200, "with the cookie"
        file.revoke("to be revoked")
        assert client.get("/v1/me").status_code == 401
        assert client.get("/v1/me", params={"token": token}).status_code == 401
        for socket, code in ((watcher, 4401), (tap, 1008)):
            with pytest.raises(ConnectionClosed) as closed:
                [socket.recv(timeout=60) for _ in range(1_000)]
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code


def test_log_in_with_a_cookie(running: Running) -> None:
    with bare(running) as client:
        answer = client.post("/v1/login", json={"token": TOKEN})
        assert answer.json() == {"name": "command line", "scopes": ["admin"]}
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert client.get("/v1/calls").status_code == 200
        session = client.cookies["emolive_session"]
        own = {"Cookie": f"emolive_session={session}"}
        with connect(running.ws + "/v1/watch", additional_headers=own) as socket:
            assert "snapshot" in str(socket.recv(timeout=60))
        for origin, code in (
            ("https://evil.example.com", 4403),
            (running.server.url, None),
            ("https://dashboard.example.com", None),
        ):
            with connect(running.ws + "/v1/watch", additional_headers=own, origin=origin) as socket:  # type: ignore[arg-type]
                if code is None:
                    assert "snapshot" in str(socket.recv(timeout=60))
                    continue
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=60)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == code
        evil = client.delete("/v1/calls/x", headers={"Origin": "https://evil.example.com"})
        assert evil.status_code == 403
        assert client.post("/v1/logout").status_code == 204
        assert client.get("/v1/calls").status_code == 401
        client.cookies.set("emolive_session", session)
        assert client.get("/v1/calls").status_code == 401, "the session is over, not the cookie"


def test_a_tap_takes_no_pages_of_other_sites(running: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{running.ws}/v1/taps/pcm?token={TOKEN}", origin="https://evil.example.com")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


def test_headers_of_every_answer(running: Running) -> None:
    for path in ("/docs", "/v1/health", "/v1/nothing"):
        headers = running.http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src 'self';" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
    assert running.http.get("/v1/calls").headers["cache-control"] == "no-store"


def test_the_api_page_needs_no_other_server(running: Running) -> None:
    page = running.http.get("/docs").text
    assert "http" not in page.replace("https://", "http").split("<body>")[1]
    for part in ("/docs/ui/swagger-ui-bundle.js", "/docs/ui/swagger-ui.css", "/docs/page/start.js"):
        assert part.lstrip("/") in page
        assert running.http.get(part).status_code == 200
    document = running.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert "/v1/calls/{call_id}" in document["paths"]
    assert "HTTPBearer" in document["components"]["securitySchemes"]


def test_bodies_and_questions_that_cannot_be(running: Running) -> None:
    for answer, status in [
        (running.http.post("/v1/login", content=b"x" * 70_000), 413),
        (running.http.post("/v1/login", json={}), 400),
        (running.http.post("/v1/login", content=b"\xff\xfe"), 400),
        (running.http.get("/v1/sessions?limit=-1"), 400),
        (running.http.get("/v1/sessions?query=longer than 5 s and shorter than"), 200),
        (running.http.get("/v1/sessions/..%2f..%2fetc"), 404),
        (running.http.get("/v1/calls/nothing"), 404),
        (running.http.get("/v1/sessions/last"), 404),
        (running.http.put("/v1/audiosocket/no-uuid", json={}), 400),
        (running.http.put(f"/v1/audiosocket/{uuid4()}", content=b"["), 400),
        (running.http.get("/v1/ready?room=maybe"), 400),
        (running.http.patch("/v1/calls"), 405),
        (running.http.get("/web/../serving.py"), 404),
    ]:
        assert answer.status_code == status, answer.text
        if status != 200:
            assert answer.json()["error"].strip().endswith((".", ")"))
            assert "Input should" not in answer.text
            assert "decode error" not in answer.text


def test_wrong_tokens_are_limited_and_never_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = ServerSettings(model=tiny(tmp_path), provider="cpu", library=tmp_path / "library")
    with serving(settings) as running, bare(running) as client:
        found = [client.get(f"/v1/calls?token={WRONG}").status_code for _ in range(12)]
        assert found == [401] * 10 + [429] * 2
        # Behind a proxy all have one address: who tries shuts nobody out, and gets no further.
        assert client.get(f"/v1/calls?token={TOKEN}").status_code == 200
        made = TokenFile(tmp_path / "library").add("wall", frozenset({Scope.WATCH}))
        assert client.post("/v1/login", json={"token": made}).status_code == 200
        client.cookies.clear()
        answer = client.post("/v1/login", json={"token": WRONG})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{running.ws}/v1/taps/pcm?token={WRONG}")
        assert refused.value.response.status_code == 429
    server = [r.getMessage() for r in caplog.records if r.name.startswith(("emolive", "uvicorn"))]
    assert not any(secret in line for line in server for secret in (WRONG, TOKEN, made))


@pytest.mark.parametrize(("token", "passes"), [("letmein", False), ("x" * 16, True)])
def test_a_token_that_may_be_guessed_waits_for_the_limit(
    tmp_path: Path, token: str, passes: bool
) -> None:
    access = Access(Tokens(TokenFile(tmp_path), token))
    assert access.token_grant(token, "a").name == "command line"
    for i in range(12):
        with pytest.raises(Refused) as refused:
            access.token_grant(f"guess {i}", "a")
    assert refused.value.status == 429
    assert access.token_grant(token, "b").name == "command line"
    if passes:
        assert access.token_grant(token, "a").name == "command line"
    else:
        with pytest.raises(Refused, match="Too many wrong tokens"):
            access.token_grant(token, "a")


def test_buckets_fill_again_and_do_not_grow() -> None:
    now = [0.0]
    limiter = RateLimiter(0.5, 2, clock=lambda: now[0])
    assert [limiter.take("a") for _ in range(3)] == [True, True, False]
    assert limiter.wait_s("a") == pytest.approx(2.0)
    assert limiter.take("b")
    now[0] = 2.0
    assert [limiter.take("a"), limiter.take("a")] == [True, False]
    for i in range(20_000):
        limiter.take(str(i))
    assert len(limiter._buckets) == 10_000


def test_tokens_are_kept_as_hashes_for_their_owner(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "library")
    token = file.add("wall", frozenset({Scope.WATCH}))
    text = file.path.read_text()
    assert token not in text
    assert token.removeprefix("emolive_") not in text
    assert file.path.stat().st_mode & 0o077 == 0
    tokens = Tokens(file)
    grant = tokens.grant(token)
    assert grant is not None
    assert (grant.name, grant.permits(Scope.WATCH), grant.permits(Scope.INGEST)) == (
        "wall",
        True,
        False,
    )
    with pytest.raises(EmoliveError, match="already"):
        file.add("wall", frozenset({Scope.WATCH}))
    with pytest.raises(EmoliveError, match="no token 'nobody'"):
        file.revoke("nobody")
    file.path.write_text("{")
    with pytest.raises(EmoliveError, match="damaged"):
        file.tokens()
    assert tokens.grant(token) is None, "what cannot be read lets nobody in"


def test_many_hands_make_tokens_at_once(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "library")
    hands = [
        threading.Thread(target=file.add, args=(f"hand {i}", frozenset({Scope.WATCH})))
        for i in range(8)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert len(file.tokens()) == 8


def test_nothing_is_open_to_others_without_a_certificate_and_a_token(tmp_path: Path) -> None:
    certificate, key = pem(tmp_path)
    for settings, sentence in [
        (ServerSettings(host="0.0.0.0", token=TOKEN), "give --tls-certificate"),
        (ServerSettings(host="0.0.0.0", certificate=certificate), "needs its key"),
        (ServerSettings(host="0.0.0.0", certificate=key, private_key=key), "cannot be used"),
        (
            ServerSettings(host="0.0.0.0", certificate=certificate, private_key=key),
            "make a token first",
        ),
        (ServerSettings(host="no such host.", token=TOKEN), "give --tls-certificate"),
        (
            ServerSettings(host="0.0.0.0", token="short", certificate=certificate, private_key=key),
            "16 letters",
        ),
        (ServerSettings(host="127.0.0.1", token="\u00fc\n"), "letters, digits and signs"),
    ]:
        with pytest.raises(EmoliveError, match=sentence):
            EmoliveServer(
                ServerSettings(
                    host=settings.host,
                    port=0,
                    token=settings.token,
                    certificate=settings.certificate,
                    private_key=settings.private_key,
                    library=tmp_path / "library",
                ),
                print,
            )


@pytest.mark.parametrize(
    "wrong", ["calls.example.com", "calls", "ftp://calls", "https://", "https://a b", "https://["]
)
def test_a_site_is_an_address(tmp_path: Path, wrong: str) -> None:
    for settings in (ServerSettings(public_url=wrong), ServerSettings(origins=(wrong,))):
        with pytest.raises(EmoliveError, match=r"such as https://calls\.example\.com"):
            EmoliveServer(replace(settings, port=0, library=tmp_path), print)


def test_with_a_certificate(tmp_path: Path) -> None:
    certificate, key = pem(tmp_path)
    settings = ServerSettings(
        host="0.0.0.0",
        model=tiny(tmp_path),
        provider="cpu",
        library=tmp_path / "library",
        certificate=certificate,
        private_key=key,
        audiosocket_port=0,
    )
    context = ssl.create_default_context(cafile=certificate)
    with serving(settings) as running:
        address = f"https://localhost:{running.server.port}"
        with httpx.Client(base_url=address, verify=context, timeout=60) as client:
            answer = client.post("/v1/login", json={"token": TOKEN})
            assert answer.status_code == 200
            assert "Secure" in answer.headers["set-cookie"]
            assert "max-age" in answer.headers["strict-transport-security"]
        with connect(
            f"wss://localhost:{running.server.port}/v1/taps/pcm?token={TOKEN}", ssl=context
        ) as socket:
            socket.send('{"sampling_rate": 8000, "call": "secure"}')
            assert "started" in str(socket.recv(timeout=60))
        # Asterisk has no token: only calls that were announced are taken from others.
        port = running.server.audiosocket_port
        assert port is not None
        stranger = AudioSocket(port, b"\1" * 16, context)
        assert stranger.ended() == b"\0\0\0"
        stranger.socket.close()
        with httpx.Client(base_url=address, verify=context, timeout=60) as client:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            uuid = "01020304-0506-0708-090a-0b0c0d0e0f10"
            assert client.put(f"/v1/audiosocket/{uuid}", json={}, headers=headers).is_success
            known = AudioSocket(port, bytes(range(1, 17)), context)
            known.send(0x10, bytes(320))
            until(lambda: client.get(f"/v1/calls/{uuid}", headers=headers).is_success)
            known.send(0x00)
            known.socket.close()


def pem(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
