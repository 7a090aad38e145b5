"""Each tap over real sockets, with real speech, from a client that its vendor would know."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from twilio.request_validator import RequestValidator
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from emolive.server.settings import ServerSettings
from tests.models import LABELS
from tests.server.running import Running, Watch, serving, speech, tiny, two_parties
from tests.server.test_signatures import KEY, SECRET, signed_for
from tests.server.vendors import (
    HOOK_CONVERSATION,
    HOOK_SESSION,
    AudioHook,
    AudioSocket,
    TwilioStream,
    linear,
    paced,
)
from tests.waiting import until

SECONDS = 5.0
TWILIO_SECRET = "the auth token of an account"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    settings = ServerSettings(
        model=tiny(folder),
        provider="cpu",
        library=folder / "library",
        audiosocket_port=0,
        measured=False,
    )
    with serving(settings) as running:
        # Its threads belong to all of the tests.
        with running.connect("/v1/taps/pcm") as socket:
            socket.send('{"sampling_rate": 8000, "call": "first"}')
            socket.recv(timeout=60)
        until(lambda: running.call("first")["state"] == "stopped")
        yield running


def ended(watch: Watch, call_id: str, seconds: float = SECONDS) -> dict[str, Any]:
    """The call's end, after the customer was answered all along."""
    info: dict[str, Any] = watch.until("call_ended", call=call_id)["info"]
    assert info["elapsed_s"] == pytest.approx(seconds, abs=0.03)
    answers = watch.of("prediction", call=call_id, stream="customer")
    (last,) = (
        one
        for one in watch.of("status", call=call_id)[-1]["streams"]
        if one["stream"] == "customer"
    )
    # A busy machine may skip some.
    assert len(answers) == last["windows"]
    assert last["windows"] + last["windows_skipped"] == 1 + int((seconds - 3.0) / 0.5 + 0.1)
    assert any(one["label"] == LABELS[-1] for one in answers)
    return info


def test_twilio_both_tracks(running: Running) -> None:
    with running.watching() as watch, running.connect("/v1/taps/twilio") as socket:
        stream = TwilioStream(socket, "CA" + "1" * 32, title="From Twilio")
        stream.start()
        stream.talk(two_parties(SECONDS, 8_000))
        stream.stop()
        info = ended(watch, "CA" + "1" * 32)
    assert info["name"] == "From Twilio"
    assert [one["stream"] for one in info["streams"]] == ["customer", "agent"]
    assert info["streams"][0]["native_rate"] == 8_000
    assert info["streams"][0]["band"] == "narrow"
    assert info["audio"] == {
        "gaps": 0,
        "lost_s": 0.0,
        "late_packets": 0,
        "stray_packets": 0,
        "held_back_s": 0.0,
    }
    assert not any(one["probabilities"] for one in watch.of("prediction", stream="agent"))


@pytest.mark.parametrize("together", [True, False])
def test_twilio_packets_that_are_lost_are_gaps_and_move_nothing(
    running: Running, together: bool
) -> None:
    lost = frozenset({40, 41, 42, 100, 180})
    with running.watching() as watch, running.connect("/v1/taps/twilio") as socket:
        stream = TwilioStream(socket, f"CA2{together}")
        stream.together = together
        stream.start()
        stream.talk(two_parties(SECONDS, 8_000), lost)
        stream.stop()
        info = ended(watch, f"CA2{together}")
    assert info["audio"]["gaps"] == 3
    assert info["audio"]["lost_s"] == pytest.approx(0.1)


def test_twilio_the_token_as_a_parameter_of_the_stream(running: Running) -> None:
    for token, taken in [(running.token, True), ("a wrong token, a wrong one", False)]:
        with connect(running.ws + "/v1/taps/twilio") as socket:
            stream = TwilioStream(socket, f"CA{taken}", token=token)
            stream.start()
            if taken:
                until(lambda: any(one["id"] == "CATrue" for one in running.calls()))
                stream.stop()
            else:
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=60)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008
                assert "not known" in closed.value.rcvd.reason


def test_twilio_signs_what_it_sends(tmp_path: Path) -> None:
    settings = ServerSettings(
        model=tiny(tmp_path),
        provider="cpu",
        library=tmp_path / "library",
        twilio_auth_token=TWILIO_SECRET,
        public_url="https://calls.example.com",
    )
    validator = RequestValidator(TWILIO_SECRET)
    with serving(settings) as running:
        url = "wss://calls.example.com/v1/taps/twilio"
        signature = validator.compute_signature(url, {})
        address = running.ws + "/v1/taps/twilio"
        with connect(address, additional_headers={"X-Twilio-Signature": signature}) as socket:
            stream = TwilioStream(socket, "CA3")
            stream.start()
            until(lambda: running.calls())
            stream.stop()
        for headers in ({}, {"X-Twilio-Signature": validator.compute_signature(url + "x", {})}):
            with pytest.raises(InvalidStatus) as refused:
                connect(address, additional_headers=headers)
            assert refused.value.response.status_code == 403

        fields = {"CallSid": "CA4", "From": "+14158675309"}
        page = "https://calls.example.com/v1/taps/twilio/answer?title=A&dial=%2B1555"
        signature = validator.compute_signature(page, fields)
        answer = running.http.post(
            "/v1/taps/twilio/answer?title=A&dial=%2B1555",
            data=fields,
            headers={"X-Twilio-Signature": signature},
        )
        assert answer.status_code == 200
        xml = ElementTree.fromstring(answer.text)
        found = xml.find("./Start/Stream")
        assert found is not None
        assert found.get("url") == url
        assert xml.findtext("./Dial") == "+1555"
        assert running.http.post("/v1/taps/twilio/answer", data=fields).status_code == 403


@pytest.mark.parametrize("form", ["L16", "PCMU"])
def test_audiohook(running: Running, form: str) -> None:
    headers = {"Audiohook-Session-Id": HOOK_SESSION}
    known = {one["id"] for one in running.calls()}
    with (
        running.watching() as watch,
        running.connect("/v1/taps/audiohook", headers=headers) as socket,
    ):
        hook = AudioHook(socket)
        opened = hook.open((form,))
        assert opened["type"] == "opened"
        assert opened["parameters"]["media"][0]["format"] == form
        hook.send("ping", {})
        assert hook.receive()["type"] == "pong"
        hook.talk(two_parties(3.0, 8_000), form)
        hook.send("paused", {})
        hook.send("resumed", {"start": "PT3S", "discarded": "PT0.5S"})
        hook.talk(two_parties(1.5, 8_000), form)
        hook.send("close", {"reason": "end"})
        assert hook.receive()["type"] == "closed"
        call_id = next(one["id"] for one in running.calls() if one["id"] not in known)
        info = ended(watch, call_id)
    assert call_id.startswith(HOOK_CONVERSATION), "two of one conversation are told apart"
    assert [one["role"] for one in info["streams"]] == ["customer", "agent"]
    assert info["audio"]["gaps"] == 0, "what was discarded in a pause is none"


def test_audiohook_signatures(tmp_path: Path) -> None:
    settings = ServerSettings(
        model=tiny(tmp_path),
        provider="cpu",
        library=tmp_path / "library",
        audiohook_secrets={KEY: SECRET},
        public_url="wss://audiohook.example.com",
    )
    with serving(settings) as running:
        address = running.ws + "/v1/taps/audiohook"
        good = signed_for("/v1/taps/audiohook")
        with connect(address, additional_headers=good) as socket:
            socket.send("{}")
            assert json.loads(socket.recv(timeout=60))["type"] == "disconnect"
        for headers in (good, {"X-API-KEY": "another"}, {}):
            with pytest.raises(InvalidStatus) as refused:
                connect(address, additional_headers=headers)
            assert refused.value.response.status_code == 401


def test_audiohook_of_other_organizations_is_not_taken(tmp_path: Path) -> None:
    own, other = "d7934305-0972-4844-938e-9060eef73d05", "11111111-0972-4844-938e-9060eef73d05"
    settings = ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library",
        audiohook_organizations=frozenset({own}),
    )  # fmt: skip
    session = {"Audiohook-Session-Id": HOOK_SESSION}
    with serving(settings) as running:
        for headers in ({}, {"Audiohook-Organization-Id": other}):
            with pytest.raises(InvalidStatus) as refused:
                running.connect("/v1/taps/audiohook", headers=session | headers)
            assert refused.value.response.status_code == 403
            assert b"this organization of Genesys Cloud" in refused.value.response.body
        headers = session | {"Audiohook-Organization-Id": own.upper()}
        with running.connect("/v1/taps/audiohook", headers=headers) as socket:
            hook = AudioHook(socket)
            assert hook.open()["type"] == "opened"
            hook.send("close", {"reason": "end"})
            assert hook.receive()["type"] == "closed"


@pytest.mark.parametrize(
    ("kind", "rate"), [(0x10, 8_000), (0x12, 16_000), (0x13, 24_000), (0x16, 48_000)]
)
def test_audiosocket(running: Running, kind: int, rate: int) -> None:
    port = running.server.audiosocket_port
    assert port is not None
    known = uuid.uuid4()
    with running.watching() as watch:
        client = AudioSocket(port, known.bytes)
        client.talk(speech(4.0, rate), kind, rate)
        client.send(0x03, b"1")
        client.send(0x00)
        info = ended(watch, str(known), 4.0)
        client.socket.close()
    assert info["tap"] == "audiosocket"
    assert info["streams"][0]["native_rate"] == rate


def test_audiosocket_announced_calls_have_names_and_roles(running: Running) -> None:
    port = running.server.audiosocket_port
    assert port is not None
    known = uuid.uuid4()
    answer = running.http.put(
        f"/v1/audiosocket/{known}", json={"title": "Extension 12", "role": "agent", "rate": 16000}
    )
    assert answer.status_code == 204
    client = AudioSocket(port, known.bytes)
    client.talk(speech(0.5, 16_000), 0x10, 16_000)
    info = until(lambda: next((c for c in running.calls() if c["id"] == str(known)), None))
    assert info["name"] == "Extension 12"
    assert info["streams"] == [
        {
            "stream": "agent",
            "role": "agent",
            "emotion": False,
            "native_rate": 16_000,
            "band": None,
        }
    ]
    assert running.http.delete(f"/v1/calls/{known}").status_code == 202
    assert client.ended() == b"\0\0\0", "the server hangs up"
    client.socket.close()


def test_audiosocket_that_is_none(running: Running) -> None:
    import socket

    port = running.server.audiosocket_port
    assert port is not None
    before = len(running.calls())
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100) == b"\0\0\0"
        assert client.recv(100) == b""
    assert len(running.calls()) == before


def test_freeswitch_stereo(running: Running) -> None:
    about = {"mix": "stereo", "rate": "16k", "call": "fs-1", "title": "From FreeSWITCH"}
    with (
        running.watching() as watch,
        running.connect("/v1/taps/freeswitch") as socket,
    ):
        socket.send(json.dumps(about))
        parties = two_parties(SECONDS, 16_000)[:, ::-1]
        for number in paced(250):
            socket.send(linear(parties[number * 320 : (number + 1) * 320]))
        assert json.loads(socket.recv(timeout=60)) == {"type": "started", "call": "fs-1"}
        socket.send("sent when it stops")
        socket.close()
        info = ended(watch, "fs-1")
    assert info["name"] == "From FreeSWITCH"
    assert [one["stream"] for one in info["streams"]] == ["customer", "agent"]


def test_freeswitch_mixed_sound_is_not_inferred_because_an_agent_is_in_it(running: Running) -> None:
    address = f"/v1/taps/freeswitch?mix=mixed&token={running.token}"
    with running.watching() as watch:
        with connect(running.ws + address) as socket:
            for number in paced(200):
                part = speech(4.0, 8_000)[number * 160 : (number + 1) * 160]
                socket.send(linear(part))
            call_id = json.loads(socket.recv(timeout=60))["call"]
        watch.until("call_ended", call=call_id)
        answers = watch.of("prediction", call=call_id)
        assert answers
        assert {one["state"] for one in answers} <= {"not_inferred", "silence"}
        assert not any(one["probabilities"] for one in answers)


def test_what_breaks_a_protocol_is_told_and_disturbs_nobody(running: Running) -> None:
    with running.watching() as watch, running.connect("/v1/taps/pcm") as good:
        good.send(json.dumps({"sampling_rate": 8_000, "call": "undisturbed"}))
        good.recv(timeout=60)
        for path, message in [
            ("/v1/taps/pcm", b"\0\0"),
            ("/v1/taps/pcm", "[" * 4_000),
            ("/v1/taps/twilio", '{"event": "media"}'),
            ("/v1/taps/twilio", b"\xff\xfe"),
            ("/v1/taps/audiohook", '{"version": "2"}'),
            ("/v1/taps/freeswitch?mix=wrong", b"\0\0\0\0"),
        ]:
            with running.connect(path) as socket:
                socket.send(message)
                with pytest.raises(ConnectionClosed) as closed:
                    [socket.recv(timeout=60) for _ in range(3)]
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
            assert closed.value.rcvd.reason.endswith((".", "has"))
        with running.connect("/v1/taps/pcm") as socket, pytest.raises(ConnectionClosed):
            _send_too_much(socket)
        for number in paced(200):
            good.send(linear(speech(4.0, 8_000)[number * 160 : (number + 1) * 160]))
        good.send('{"type": "stop"}')
        ended(watch, "undisturbed", 4.0)


def _send_too_much(socket: ClientConnection) -> None:
    """A message beyond what one may have; it may be cut off before it is through."""
    socket.send(bytes(2 << 20))
    socket.recv(timeout=60)


def test_a_client_that_is_too_fast_is_held_back(running: Running) -> None:
    """Ten seconds of sound at once: they are heard in about nine, and nothing is skipped of it."""
    with running.watching() as watch, running.connect("/v1/taps/pcm") as socket:
        socket.send(json.dumps({"sampling_rate": 8_000, "call": "hasty"}))
        socket.recv(timeout=60)
        begun = time.monotonic()
        sound = linear(np.tile(speech(5.0, 8_000), 2))
        for at in range(0, len(sound), 16_000):
            socket.send(sound[at : at + 16_000])
        socket.send('{"type": "stop"}')
        info = watch.until("call_ended", call="hasty")["info"]
        assert time.monotonic() - begun >= 8.0
    assert info["audio"]["held_back_s"] > 5.0
    assert info["elapsed_s"] == pytest.approx(10.0, abs=0.03)
    assert info["audio"]["gaps"] == 0


def test_a_client_that_stalls_is_sent_away_with_a_reason(tmp_path: Path) -> None:
    settings = ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", stall_s=1.5
    )
    with serving(settings) as running, running.connect("/v1/taps/pcm") as socket:
        socket.send(json.dumps({"sampling_rate": 8_000, "call": "stalling"}))
        assert json.loads(socket.recv(timeout=60))["type"] == "started"
        socket.send(bytes(16_000))
        assert json.loads(socket.recv(timeout=60)) == {
            "type": "error",
            "reason": "Nothing came for 1.5 seconds.",
        }
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=60)
        until(lambda: running.call("stalling")["state"] == "stopped")
        assert running.call("stalling")["reason"] == "Nothing came for 1.5 seconds."
