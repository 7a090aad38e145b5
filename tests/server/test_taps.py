"""Each vendor's messages as its documentation shows them, and everything else a client may send."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import canonicalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.server.placement import Packet, Placement
from emolive.server.taps.audiohook import AudioHookTap
from emolive.server.taps.audiosocket import AudioSocketTap
from emolive.server.taps.freeswitch import FreeSwitchTap
from emolive.server.taps.pcm import PcmTap
from emolive.server.taps.tap import (
    Began,
    Closing,
    Encoding,
    Ended,
    Paused,
    Reply,
    Skipped,
    Tap,
    TapError,
    TapEvent,
    decode,
)
from emolive.server.taps.twilio import TwilioTap, answer
from emolive.types import Role

TAPS: list[Callable[[], Tap]] = [TwilioTap, AudioHookTap, AudioSocketTap, FreeSwitchTap, PcmTap]

# The messages of https://www.twilio.com/docs/voice/media-streams/websocket-messages
TWILIO_CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
TWILIO_START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "streamSid": "MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "callSid": "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"FirstName": "Jane", "LastName": "Doe", "RemoteParty": "Bob"},
    },
    "streamSid": "MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
}


def twilio_media(track: str, chunk: int, timestamp: int, payload: bytes) -> str:
    media = {
        "track": track,
        "chunk": str(chunk),
        "timestamp": str(timestamp),
        "payload": base64.b64encode(payload).decode(),
    }
    sid = TWILIO_START["streamSid"]
    number = str(chunk + 1)
    return json.dumps(
        {"event": "media", "sequenceNumber": number, "media": media, "streamSid": sid}
    )


def one(events: Any) -> TapEvent:
    (event,) = events
    return event


def test_twilio_both_tracks() -> None:
    tap = TwilioTap()
    assert not list(tap.receive(json.dumps(TWILIO_CONNECTED)))
    began = one(tap.receive(json.dumps(TWILIO_START)))
    assert isinstance(began, Began)
    assert began.key == "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
    assert began.rate == 8_000
    assert began.roles == (Role.CUSTOMER, Role.AGENT)
    packet = one(tap.receive(twilio_media("outbound", 2, 25, b"\xff" * 160)))
    assert isinstance(packet, Packet)
    assert (packet.channel, packet.position, packet.number) == (1, 200, 2)
    assert not packet.samples.any()
    dtmf = {
        "event": "dtmf",
        "streamSid": "MZX",
        "sequenceNumber": "5",
        "dtmf": {"track": "inbound_track", "digit": "1"},
    }
    assert not list(tap.receive(json.dumps(dtmf)))
    mark = {"event": "mark", "sequenceNumber": "4", "streamSid": "MZX", "mark": {"name": "label"}}
    assert not list(tap.receive(json.dumps(mark)))
    stop = {"event": "stop", "sequenceNumber": "5", "streamSid": "MZX", "stop": {"callSid": "CA"}}
    assert one(tap.receive(json.dumps(stop))) == Ended()


def test_twilio_bidirectional_and_outbound_calls() -> None:
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["tracks"] = ["inbound"]
    began = one(TwilioTap().receive(json.dumps(start)))
    assert isinstance(began, Began)
    assert (began.streams, began.roles) == (("customer",), (Role.CUSTOMER,))
    start["start"] |= {
        "tracks": ["inbound", "outbound"],
        "customParameters": {"customer": "outbound", "consent": "true", "title": "A\nB"},
    }
    began = one(TwilioTap().receive(json.dumps(start)))
    assert isinstance(began, Began)
    assert began.roles == (Role.AGENT, Role.CUSTOMER)
    assert began.consent is True
    assert began.name == "A B"


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("lost", [frozenset(), frozenset({7, 8, 40}), frozenset({9, 12, 80})])
def test_twilio_chunks_however_they_are_counted(together: bool, lost: frozenset[int]) -> None:
    """The documentation's examples: outbound is chunk 1, inbound chunk 2, both at 5 ms."""
    tap = TwilioTap()
    one(tap.receive(json.dumps(TWILIO_START)))
    placement = Placement(8_000, 2)
    sound = np.random.default_rng(1).integers(0, 255, (2, 100, 160), np.uint8)
    blocks = []
    for message in range(200):
        number, which = divmod(message, 2)
        if message in lost:
            continue
        packet = one(
            tap.receive(
                twilio_media(
                    ("outbound", "inbound")[which],
                    (message if together else number) + 1,
                    5 + 20 * number + 9 * (message % 3 - 1) * (number > 0),  # it wobbles
                    sound[which, number].tobytes(),
                )
            )
        )
        assert isinstance(packet, Packet)
        blocks += list(placement.accept(packet, 8_000 * 60))
    blocks += list(placement.finish())
    heard = np.concatenate(blocks)
    assert placement.status.lost_samples == 160 * len(lost)
    assert placement.status.late_packets == 0
    for which, channel in ((0, 1), (1, 0)):
        whole_track = sound[which].copy()
        for message in lost:
            if message % 2 == which:
                whole_track[message // 2] = 0xFF  # mu-law's silence
        expected = decode(whole_track.tobytes(), Encoding.MULAW)[:, 0]
        offset = len(heard) - len(expected)
        assert 0 <= offset <= 5 * 8
        np.testing.assert_array_equal(heard[offset:, channel], expected)


def test_twiml_that_starts_a_stream() -> None:
    xml = ElementTree.fromstring(
        answer("wss://example.com/v1/taps/twilio", parameters={"title": "O'\"<&"})
    )
    stream = xml.find("./Start/Stream")
    assert stream is not None
    assert stream.get("url") == "wss://example.com/v1/taps/twilio"
    assert stream.get("track") == "both_tracks"
    assert [(p.get("name"), p.get("value")) for p in stream] == [("title", "O'\"<&")]


def test_twiml_is_what_twilios_own_library_writes() -> None:
    from twilio.twiml.voice_response import Dial, Start, VoiceResponse

    url = "wss://example.com/v1/taps/twilio"
    number, client, sip = Dial("+15558675310"), Dial(), Dial()
    client.client("joey")
    sip.sip("sip:kate@example.com?a=1&b=2")
    for dial, dialled in [
        ("+15558675310", number),
        ("client:joey", client),
        ("sip:kate@example.com?a=1&b=2", sip),
    ]:
        start = Start()
        start.stream(url=url, track="both_tracks").parameter(name="title", value="A & B")
        response = VoiceResponse()
        response.append(start)
        response.append(dialled)
        ours = answer(url, parameters={"title": "A & B"}, dial=dial)
        assert canonicalize(ours) == canonicalize(response.to_xml())


HOOK_ID = "e160e428-53e2-487c-977d-96989bf5c99d"
MEDIA = [
    {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000},
    {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000},
    {"type": "audio", "format": "L16", "channels": ["external", "internal"], "rate": 8000},
    {"type": "audio", "format": "L16", "channels": ["internal"], "rate": 8000},
]


class Hook:
    """Genesys' side of the conversation."""

    def __init__(self) -> None:
        self.tap = AudioHookTap(HOOK_ID)
        self.seq = self.server_seq = 0

    def say(self, kind: str, parameters: dict[str, Any], **changes: Any) -> list[TapEvent]:
        self.seq += 1
        message = {
            "version": "2",
            "id": HOOK_ID,
            "type": kind,
            "seq": self.seq,
            "serverseq": self.server_seq,
            "position": "PT0S",
            "parameters": parameters,
        }
        events = list(self.tap.receive(json.dumps(message | changes)))
        self.server_seq += sum(isinstance(event, Reply) for event in events)
        return events

    def open(self, media: Any = MEDIA, **changes: Any) -> list[TapEvent]:
        parameters = {
            "organizationId": "d7934305-0972-4844-938e-9060eef73d05",
            "conversationId": "090eaa2f-72fa-480a-83e0-8667ff89c0ec",
            "participant": {
                "id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0",
                "ani": "+1-555-555-1234",
                "aniName": "John Doe",
                "dnis": "+1-800-555-6789",
            },
            "media": media,
        }
        return self.say("open", parameters | changes)


def said(event: TapEvent) -> dict[str, Any]:
    assert isinstance(event, Reply)
    message: dict[str, Any] = json.loads(event.data)
    return message


def test_audiohook_session() -> None:
    hook = Hook()
    began, opened = hook.open()
    assert isinstance(began, Began)
    assert began.roles == (Role.CUSTOMER, Role.AGENT)
    assert said(opened) == {
        "version": "2",
        "type": "opened",
        "seq": 1,
        "clientseq": 1,
        "id": HOOK_ID,
        "parameters": {"media": [MEDIA[2]], "startPaused": False},
    }
    (pong,) = hook.say("ping", {"rtt": "PT0.03S"})
    assert said(pong)["type"] == "pong"
    assert said(pong)["clientseq"] == 2
    samples = np.array([[1, -1], [2, -2]], "<i2")
    packet = one(hook.tap.receive(samples.tobytes()))
    assert isinstance(packet, Packet)
    np.testing.assert_array_equal(packet.samples * 32_768, samples)
    assert hook.say("discarded", {"start": "PT1S", "discarded": "PT0.5S"}) == [Skipped(0.5)]
    assert hook.say("paused", {}) == [Paused(True)]
    assert not list(hook.tap.receive(samples.tobytes())), "what comes in a pause is not heard"
    resumed = hook.say("resumed", {"start": "PT2S", "discarded": "PT2.25S"})
    assert resumed == [Skipped(2.25), Paused(False)]
    closed, ended = hook.say("close", {"reason": "end"})
    assert said(closed)["type"] == "closed"
    assert ended == Ended()
    assert not list(hook.tap.close(Closing.ERROR, "after the end there is nothing to say"))


def test_audiohook_probe_monitors_nothing() -> None:
    hook = Hook()
    (opened,) = hook.open(conversationId="00000000-0000-0000-0000-000000000000")
    assert said(opened)["type"] == "opened"
    assert not list(hook.tap.receive(bytes(320)))


def test_audiohook_server_ends_it() -> None:
    for closing, reason in [
        (Closing.ERROR, "error"),
        (Closing.BUSY, "error"),
        (Closing.REFUSED, "unauthorized"),
        (Closing.COMPLETED, "completed"),
    ]:
        hook = Hook()
        hook.open()
        told = said(one(hook.tap.close(closing, "because")))
        assert told["type"] == "disconnect"
        assert told["parameters"] == {"reason": reason, "info": "because"}
        assert not list(hook.tap.close(closing, "once is enough"))
        # Its numbers may be what was wrong: it is let go all the same.
        hook.seq += 5
        closed, ended = hook.say("close", {"reason": "disconnect"}, serverseq=99)
        assert said(closed)["type"] == "closed"
        assert said(closed)["clientseq"] == hook.seq
        assert ended == Ended()


def test_audiohook_a_client_that_cannot_come_back_is_asked_to_close() -> None:
    hook = Hook()
    hook.open()
    assert said(one(hook.tap.close(Closing.DRAINING, "because")))["type"] == "reconnect"
    hook.server_seq += 1
    assert said(one(hook.say("ping", {})))["type"] == "pong", "until then it goes on"
    told = said(one(hook.tap.close(Closing.COMPLETED, "because")))
    assert (told["type"], told["seq"]) == ("disconnect", 4)


def test_audiohook_what_went_wrong_at_genesys_is_the_reason() -> None:
    hook = Hook()
    hook.open()
    assert not hook.say("error", {"code": 408, "message": "Timeout waiting for pong"})
    _, ended = hook.say("close", {"reason": "error"})
    assert ended == Ended("Genesys: Timeout waiting for pong (error 408).")


def test_audiohook_pauses_are_of_open_sessions() -> None:
    hook = Hook()
    assert not hook.say("paused", {})
    assert not hook.say("resumed", {"start": "PT0S", "discarded": "PT9S"})
    began, _ = hook.open()
    assert isinstance(began, Began)
    assert isinstance(one(hook.tap.receive(bytes(320))), Packet)
    nanoseconds = {"start": "PT1.000000001S", "discarded": "PT0.30000000000000004S"}
    assert hook.say("discarded", nanoseconds) == [Skipped(0.30000000000000004)]


def test_audiohook_channels_in_the_other_order() -> None:
    hook = Hook()
    media = [{**MEDIA[0], "channels": ["internal", "external"]}]
    began, opened = hook.open(media)
    assert isinstance(began, Began)
    assert began.roles == (Role.AGENT, Role.CUSTOMER)
    assert said(opened)["parameters"]["media"] == media
    for channels in (["external", "external"], [], ["external", 1], [["external"]]):
        with pytest.raises(TapError, match="None of the media"):
            Hook().open([{**MEDIA[0], "channels": channels}])


@pytest.mark.parametrize(
    "changes",
    [{"seq": 7}, {"serverseq": 3}, {"id": "another"}, {"version": "1"}],
)
def test_audiohook_broken_bookkeeping(changes: dict[str, Any]) -> None:
    hook = Hook()
    hook.open()
    with pytest.raises(TapError):
        hook.say("ping", {}, **changes)


@pytest.mark.parametrize(("medium", "channels"), [(MEDIA[0], 2), (MEDIA[1], 1), (MEDIA[3], 1)])
def test_audiohook_media(medium: dict[str, Any], channels: int) -> None:
    hook = Hook()
    began, opened = hook.open([medium])
    assert isinstance(began, Began)
    assert len(began.roles) == channels
    assert said(opened)["parameters"]["media"] == [medium]
    with pytest.raises(TapError, match="opened once"):
        hook.open([medium])
    with pytest.raises(TapError, match="None of the media"):
        Hook().open([{"type": "audio", "format": "OPUS", "channels": ["external"], "rate": 48000}])


def frame(kind: int, payload: bytes = b"") -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2) + payload


SOCKET_ID = uuid.UUID("40325ec2-5efd-4bd3-805f-53576e581d13")


@pytest.mark.parametrize(
    ("kind", "rate"), [(0x10, 8_000), (0x12, 16_000), (0x13, 24_000), (0x16, 48_000)]
)
@given(st.data())
@settings(max_examples=20)
def test_audiosocket_in_any_pieces(kind: int, rate: int, data: st.DataObject) -> None:
    voice = np.arange(640, dtype="<i2").tobytes()
    stream = (
        frame(0x01, SOCKET_ID.bytes)
        + frame(kind, voice[:640])
        + frame(0x03, b"5")
        + frame(kind, voice[640:])
        + frame(0x00)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    tap = AudioSocketTap()
    events = [
        event
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for event in tap.receive(stream[begin:end])
    ]
    began, *packets, ended = events
    assert isinstance(began, Began)
    assert (began.key, began.rate) == (str(SOCKET_ID), rate)
    assert ended == Ended()
    heard = np.concatenate([p.samples for p in packets if isinstance(p, Packet)])
    np.testing.assert_array_equal(heard[:, 0] * 32_768, np.arange(640))


def test_audiosocket_wrong_order_and_error_frames() -> None:
    with pytest.raises(TapError, match="before the UUID"):
        list(AudioSocketTap().receive(frame(0x10, bytes(320))))
    with pytest.raises(TapError, match="begins with a UUID"):
        list(AudioSocketTap().receive(b"GET / HTTP/1.1\r\n" + b"x" * 70_000))
    tap = AudioSocketTap()
    list(tap.receive(frame(0x01, SOCKET_ID.bytes) + frame(0x10, bytes(320))))
    with pytest.raises(TapError, match="sampling rate changed"):
        list(tap.receive(frame(0x12, bytes(640))))
    tap = AudioSocketTap(slin_rate=16_000)
    began, _ = tap.receive(frame(0x01, SOCKET_ID.bytes) + frame(0x10, bytes(640)))
    assert isinstance(began, Began)
    assert began.rate == 16_000
    assert one(tap.receive(frame(0xFF, b"\x01"))) == Ended("Asterisk: the caller hung up.")
    for payload, told in [
        (b"\x06", "a frame could not be forwarded, no memory"),
        (b"\x40", "error 40"),
        (b"\x00\x01\x02", "error 000102"),
        (b"", "error"),
    ]:
        tap = AudioSocketTap()
        assert one(tap.receive(frame(0xFF, payload))) == Ended(f"Asterisk: {told}.")
    assert one(tap.close(Closing.DRAINING, "")) == Reply(b"\0\0\0")


@pytest.mark.parametrize(
    ("query", "metadata", "streams"),
    [
        ({}, None, ("customer",)),
        ({"mix": "stereo", "rate": "16k"}, '{"title": "Line 2"}', ("customer", "agent")),
        ({}, '{"mix": "stereo", "rate": 16000, "agent": "left"}', ("agent", "customer")),
        ({"mix": "mixed"}, "no JSON at all", ("mixed",)),
    ],
)
def test_freeswitch(query: dict[str, str], metadata: str | None, streams: tuple[str, ...]) -> None:
    tap = FreeSwitchTap(query)
    if metadata is not None:
        assert not list(tap.receive(metadata))
    samples = np.arange(320 * len(streams), dtype="<i2")
    cut = 333  # in the middle of a sample
    began, first = tap.receive(samples.tobytes()[:cut])
    second = one(tap.receive(samples.tobytes()[cut:]))
    assert isinstance(began, Began)
    assert isinstance(first, Packet)
    assert isinstance(second, Packet)
    assert began.streams == streams
    assert began.rate == (16_000 if len(streams) == 2 else 8_000)
    heard = np.concatenate([first.samples, second.samples]).reshape(-1)
    np.testing.assert_array_equal(heard * 32_768, samples)
    if streams == ("mixed",):
        assert began.roles == (Role.AGENT,), "an agent's voice is in it"
    assert not list(tap.receive("text in the middle"))


def test_pcm() -> None:
    tap = PcmTap()
    header = {"type": "start", "sampling_rate": 16_000, "channels": 2, "call": "c-1", "title": "T"}
    began = one(tap.receive(json.dumps(header)))
    assert began == Began("c-1", "T", 16_000, ("agent", "customer"), (Role.AGENT, Role.CUSTOMER))
    assert json.loads(one(tap.began("c-1")).data) == {"type": "started", "call": "c-1"}  # type: ignore[union-attr]
    assert not list(tap.receive('{"type": "position", "sample": 480}'))
    packet = one(tap.receive(bytes(1280)))
    assert isinstance(packet, Packet)
    assert packet.position == 480
    assert packet.samples.shape == (320, 2)
    following = one(tap.receive(bytes(1280)))
    assert isinstance(following, Packet)
    assert following.position is None
    assert one(tap.receive('{"type": "pause"}')) == Paused(True)
    assert one(tap.receive('{"type": "stop"}')) == Ended()


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"sampling_rate": 16_000, "channels": 3},
        {"sampling_rate": 10},
        {"sampling_rate": 16_000, "encoding": "mp3"},
        {"sampling_rate": 16_000, "roles": ["boss"]},
        {"sampling_rate": 16_000, "channels": 2, "roles": ["agent", "agent"]},
        {"sampling_rate": 16_000, "channels": 2, "roles": ["agent", "mixed"]},
        {"sampling_rate": 16_000, "channels": 2, "roles": ["agent"]},
    ],
)
def test_pcm_headers_that_cannot_be(header: dict[str, Any]) -> None:
    with pytest.raises(TapError):
        list(PcmTap().receive(json.dumps(header)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        *("event", "start", "media", "stop", "type", "open", "version", "2", "seq", "id"),
        *("parameters", "payload", "track", "inbound", "timestamp", "chunk", "sampling_rate"),
        *("tracks", "mediaFormat", "serverseq", "channels", "roles", "encoding", "position"),
    ]
)
LIKELY = st.dictionaries(WORDS, JSON | WORDS | st.dictionaries(WORDS, JSON | WORDS))
MESSAGES = st.one_of(
    st.binary(max_size=700),
    st.text(max_size=200),
    JSON.map(json.dumps),
    LIKELY.map(json.dumps),
    st.just("[" * 5_000),
    st.just("9" * 70_000),
)


@pytest.mark.parametrize("make", TAPS)
@given(messages=st.lists(MESSAGES, max_size=12), known=st.booleans())
def test_whatever_comes_is_an_event_or_a_sentence(
    make: Callable[[], Tap], messages: list[str | bytes], known: bool
) -> None:
    tap = make()
    if known:
        messages = [*_beginning(tap), *messages]
    for message in messages:
        if isinstance(tap, AudioSocketTap) and isinstance(message, str):
            message = message.encode(errors="replace")
        try:
            events = list(tap.receive(message))
        except TapError:
            break
        assert all(isinstance(event, TapEvent) for event in events)
    list(tap.close(Closing.ERROR, "over"))


def _beginning(tap: Tap) -> list[str | bytes]:
    if isinstance(tap, TwilioTap):
        return [json.dumps(TWILIO_START)]
    if isinstance(tap, PcmTap):
        return ['{"sampling_rate": 8000}']
    if isinstance(tap, AudioSocketTap):
        return [frame(0x01, SOCKET_ID.bytes), frame(0x10, bytes(320))]
    if isinstance(tap, AudioHookTap):
        message = {"version": "2", "id": HOOK_ID, "type": "open", "seq": 1, "serverseq": 0}
        return [json.dumps(message | {"parameters": {"conversationId": "c", "media": MEDIA}})]
    return ["{}", bytes(320)]
