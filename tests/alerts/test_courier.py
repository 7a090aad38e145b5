from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emolive.alerts.courier import Courier, back_off
from emolive.alerts.outbox import Outbox
from emolive.alerts.webhook import Answer, Delivered, Refused, Unreached, WebhookClient
from emolive.alerts.webhook_settings import Webhook
from tests.alerts.server import SECRET, WebhookServer

START = datetime(2025, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Script:
    """A server that answers as written down."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[str] = []

    def __call__(self, message_id: str, _payload: str, _now: datetime) -> Answer:
        self.sent.append(message_id)
        return self.answers.pop(0) if self.answers else Delivered()


def courier(outbox: Outbox, script: Script, clock: Clock) -> Courier:
    return Courier("team", outbox, script, 25.0, clock=clock, share=lambda: 1.0)


def put(outbox: Outbox, *ids: str) -> None:
    for message_id in ids:
        outbox.put(message_id, "team", "{}", START, None)


def test_the_wait_doubles_up_to_a_minute_with_jitter() -> None:
    assert [back_off(n, 1.0) for n in (1, 2, 3, 4, 7, 50)] == [1, 2, 4, 8, 60, 60]
    assert [back_off(n, 0.0) for n in (1, 2, 50)] == [0.5, 1, 30]


def test_what_fails_waits_longer_each_time_and_arrives(outbox: Outbox) -> None:
    clock, script = Clock(), Script(*[Unreached("down")] * 3)
    ours = courier(outbox, script, clock)
    put(outbox, "a")
    waits = []
    while outbox.depth().waiting:
        if wait := ours.step():
            waits.append(wait)
            clock.pass_s(wait)
    assert waits == [1, 2, 4]
    assert script.sent == ["a"] * 4
    assert (ours.status.delivered, ours.status.attempts, ours.status.problem) == (1, 4, None)


def test_a_failing_server_is_not_met_by_every_message(outbox: Outbox) -> None:
    clock, script = Clock(), Script(*[Unreached("down")] * 4)
    ours = courier(outbox, script, clock)
    put(outbox, *"abcdefgh")
    for _ in range(200):
        if not outbox.depth().waiting:
            break
        clock.pass_s(min(0.5, ours.step()))
    assert script.sent[:5] == ["a", "b", "c", "d", "e"]
    # Once it works again, all are there at once.
    assert sorted(script.sent[4:]) == list("abcdefgh")
    assert (clock.now - START).total_seconds() <= 1 + 2 + 4 + 8 + 4


def test_what_is_refused_stays_as_failed_and_others_go_on(outbox: Outbox) -> None:
    script = Script(Refused("answered 404 Not Found"))
    ours = courier(outbox, script, Clock())
    put(outbox, "a", "b")
    assert ours.step() == 0
    assert ours.status.problem == "answered 404 Not Found"
    assert ours.step() == 0
    assert ours.step() > 0
    assert script.sent == ["a", "b"]
    assert [m.id for m in outbox.messages() if m.state == "failed"] == ["a"]


def test_the_server_may_ask_for_patience(outbox: Outbox) -> None:
    clock, script = Clock(), Script(Unreached("answered 429", retry_after_s=120))
    ours = courier(outbox, script, clock)
    put(outbox, "a")
    ours.step()
    assert ours.step() == 120


def test_after_a_week_it_gives_up_visibly(outbox: Outbox) -> None:
    clock, script = Clock(), Script(Unreached("down"))
    ours = courier(outbox, script, clock)
    put(outbox, "a")
    clock.pass_s(8 * 86_400)
    ours.step()
    assert outbox.messages()[0].last_error == "given up after 7 days: down"


def client(server: WebhookServer, **fields: object) -> WebhookClient:
    return WebhookClient(
        Webhook(name="team", url=server.url, secret=SECRET, **fields)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Delivered), (202, Delivered), (204, Delivered),
        (301, Refused), (307, Refused), (400, Refused), (401, Refused), (404, Refused),
        (410, Refused),
        (408, Unreached), (425, Unreached), (429, Unreached), (500, Unreached), (503, Unreached),
    ],
)  # fmt: skip
def test_answers(server: WebhookServer, status: int, kind: type[Answer]) -> None:
    server.answer = lambda _: status
    answer = client(server).send("msg_1", "{}", START)
    assert isinstance(answer, kind)
    if not isinstance(answer, Delivered):
        assert str(status) in answer.reason


def test_a_redirect_is_never_followed(server: WebhookServer) -> None:
    with WebhookServer() as other:
        server.answer = lambda _: 307
        server.headers["Location"] = other.url
        answer = client(server).send("msg_1", "{}", START)
        assert answer == Refused(
            f"redirected (307) to {other.url}: set the url to where it should go"
        )
        assert other.received == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("99999", 300.0), ("-1", None), ("Sat, 1 Mar", None)]
)
def test_retry_after(server: WebhookServer, text: str, seconds: float | None) -> None:
    server.answer = lambda _: 503
    server.headers["Retry-After"] = text
    answer = client(server).send("msg_1", "{}", START)
    assert answer == Unreached("answered 503 Service Unavailable", seconds)


def test_a_server_that_hangs_dies_or_is_not_there(server: WebhookServer) -> None:
    ours = client(server, timeout_s=0.2)
    server.answer = lambda _: "hang"
    answer = ours.send("msg_1", "{}", START)
    assert isinstance(answer, Unreached)
    assert answer.reason.endswith("within 0.2 s")
    server.answer = lambda _: "cut"
    ours = client(server)
    answer = ours.send("msg_1", "{}", START)
    assert isinstance(answer, Unreached)
    assert answer.reason.startswith("the connection broke")
    server.answer = lambda _: "garbage"
    answer = ours.send("msg_1", "{}", START)
    assert isinstance(answer, Unreached)
    assert re.fullmatch(r"the connection broke \([ -~]{1,200}\)", answer.reason)
    server.close()
    answer = ours.send("msg_1", "{}", START)
    assert isinstance(answer, Unreached)
    assert answer.reason.startswith("no connection")


def test_a_secret_that_is_not_there_waits_for_a_person(
    server: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = WebhookClient(Webhook(name="team", url=server.url, secret_env="EMOLIVE_TEST_SECRET"))
    monkeypatch.delenv("EMOLIVE_TEST_SECRET", raising=False)
    assert isinstance(ours.send("msg_1", "{}", START), Unreached)
    monkeypatch.setenv("EMOLIVE_TEST_SECRET", SECRET)
    assert ours.send("msg_1", "{}", START) == Delivered()
    assert len(server.received) == 1


def test_certificates_that_are_not_there(server: WebhookServer, tmp_path: Path) -> None:
    answer = client(server, ca_file=tmp_path / "none.pem").send("msg_1", "{}", START)
    assert isinstance(answer, Unreached)
    assert "its certificates cannot be read from" in answer.reason


def test_https_needs_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=emolive test", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with WebhookServer(tls=tls) as server:
        answer = client(server).send("msg_1", "{}", START)
        assert isinstance(answer, Unreached)
        assert "certificate verify failed" in answer.reason
        assert client(server, ca_file=certificate).send("msg_1", "{}", START) == Delivered()
        assert [one.id for one in server.received] == ["msg_1"]


def test_others_can_check_the_signature(server: WebhookServer) -> None:
    """With the reference implementation of the specification."""
    from standardwebhooks.webhooks import Webhook as Verifier
    from standardwebhooks.webhooks import WebhookVerificationError

    body = '{"type": "alert", "message": "äöü"}'
    assert client(server).send("msg_1", body, datetime.now(UTC)) == Delivered()
    (received,) = server.received
    assert Verifier(SECRET).verify(received.body, received.headers)["message"] == "äöü"
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(received.body + b" ", received.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + "QUJD" * 6).verify(received.body, received.headers)
    later = {**received.headers, "webhook-timestamp": str(int(datetime.now(UTC).timestamp()) + 9)}
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(received.body, later)


@pytest.fixture
def running(outbox: Outbox, server: WebhookServer) -> Iterator[Courier]:
    """A courier on its thread, with quick waits, to a real server."""
    ours = Courier(
        "team", outbox, client(server, timeout_s=2.0).send, lease_s=4.0, share=lambda: 0.0
    )
    ours.start()
    yield ours
    ours.ask_to_stop()
    assert ours.join(60)


def test_no_message_is_lost_whatever_the_server_does(
    running: Courier, outbox: Outbox, server: WebhookServer
) -> None:
    """It answers 500, hangs, breaks off, dies and comes back."""
    moods: list[int | str] = [500, "hang", "cut", 503]
    server.answer = lambda n: moods[n] if n < len(moods) else 204
    ids = [f"m{i}" for i in range(12)]
    for message_id in ids[:6]:
        outbox.put(message_id, "team", "{}", datetime.now(UTC), None)
        running.wake()
    server.wait(lambda got: len(got) >= 2)
    server.close()
    for message_id in ids[6:]:
        outbox.put(message_id, "team", "{}", datetime.now(UTC), None)
        running.wake()
    server.open()
    server.wait(lambda got: {one.id for one in got if one.answered == 204} == set(ids), 60)
    deadline = time.monotonic() + 10
    while outbox.depth().waiting and time.monotonic() < deadline:
        running.wait_idle(0.1)
    assert outbox.depth().waiting == 0
    # One that was not cut off arrives once.
    taken = [one.id for one in server.taken()]
    assert sorted(taken) == sorted(ids)
