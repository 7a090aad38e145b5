"""Clients as the vendors' documentation describes them; they know nothing of the server's code."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection

from emolive.types import FloatArray

PACKET = 160
HOOK_SESSION = "e160e428-53e2-487c-977d-96989bf5c99d"
HOOK_CONVERSATION = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"


def mulaw(samples: FloatArray) -> bytes:
    """G.711 mu-law, as libsndfile writes it."""
    import io

    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, 8_000, format="RAW", subtype="ULAW")
    return file.getvalue()


def linear(samples: FloatArray) -> bytes:
    """16-bit, little-endian, interleaved."""
    return (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()


def paced(count: int, packet_s: float = 0.02) -> Iterator[int]:
    """0, 1, 2 ... in real time."""
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number * packet_s - time.monotonic()))
        yield number


class TwilioStream:
    """https://www.twilio.com/docs/voice/media-streams/websocket-messages"""

    # Whether the chunks of both tracks are counted in one, as in the documentation's examples.
    together = True

    def __init__(self, socket: ClientConnection, call_sid: str, **parameters: str) -> None:
        self.socket = socket
        self.sequence = 0
        self.call_sid = call_sid
        self.stream_sid = "MZ" + "0" * 32
        socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        self.tracks = ["inbound", "outbound"]
        self.parameters = parameters

    def _send(self, event: str, **fields: Any) -> None:
        self.sequence += 1
        message = {"event": event, "sequenceNumber": str(self.sequence), **fields}
        self.socket.send(json.dumps(message | {"streamSid": self.stream_sid}))

    def start(self) -> None:
        self._send(
            "start",
            start={
                "accountSid": "AC" + "0" * 32,
                "streamSid": self.stream_sid,
                "callSid": self.call_sid,
                "tracks": self.tracks,
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self.parameters,
            },
        )

    def media(self, track: str, chunk: int, payload: bytes, timestamp: int | None = None) -> None:
        self._send(
            "media",
            media={
                "track": track,
                "chunk": str(chunk),
                "timestamp": str(20 * (chunk - 1) if timestamp is None else timestamp),
                "payload": base64.b64encode(payload).decode(),
            },
        )

    def talk(self, parties: FloatArray, lost: frozenset[int] = frozenset()) -> None:
        """Both tracks in real time; some packets of the inbound one get lost, or are swapped."""
        tracks = [mulaw(parties[:, channel]) for channel in (0, 1)]
        for number in paced(len(parties) // PACKET):
            for which, (track, sound) in enumerate(
                zip(("outbound", "inbound"), tracks, strict=True)
            ):
                if track == "inbound" and number in lost:
                    continue
                piece = sound[number * PACKET : (number + 1) * PACKET]
                chunk = 2 * number + which + 1 if self.together else number + 1
                self.media(track, chunk, piece, 20 * number)

    def stop(self) -> None:
        self._send("stop", stop={"accountSid": "AC" + "0" * 32, "callSid": self.call_sid})


class AudioHook:
    """https://developer.genesys.cloud/devapps/audiohook/session-walkthrough"""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seq = self.server_seq = 0
        self.samples = 0

    def send(self, kind: str, parameters: dict[str, Any]) -> None:
        self.seq += 1
        message = {
            "version": "2",
            "id": HOOK_SESSION,
            "type": kind,
            "seq": self.seq,
            "serverseq": self.server_seq,
            "position": f"PT{self.samples / 8_000:g}S",
            "parameters": parameters,
        }
        self.socket.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=60))
        assert message["seq"] == self.server_seq + 1
        assert message["clientseq"] <= self.seq
        assert message["id"] == HOOK_SESSION
        self.server_seq = message["seq"]
        return message

    def open(self, formats: tuple[str, ...] = ("PCMU", "L16")) -> dict[str, Any]:
        media = [
            {"type": "audio", "format": form, "channels": channels, "rate": 8000}
            for form in formats
            for channels in (["external", "internal"], ["external"], ["internal"])
        ]
        self.send(
            "open",
            {
                "organizationId": "d7934305-0972-4844-938e-9060eef73d05",
                "conversationId": HOOK_CONVERSATION,
                "participant": {
                    "id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0",
                    "ani": "+1-555-555-1234",
                    "aniName": "John Doe",
                    "dnis": "+1-800-555-6789",
                },
                "media": media,
                "language": "en-US",
            },
        )
        return self.receive()

    def talk(self, parties: FloatArray, form: str) -> None:
        """External first, 100 ms to a frame."""
        for number in paced(len(parties) // 800, 0.1):
            piece = parties[number * 800 : (number + 1) * 800, ::-1]
            data = linear(piece) if form == "L16" else mulaw(piece)
            self.socket.send(data)
            self.samples += len(piece)


class AudioSocket:
    """https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/"""

    def __init__(self, port: int, uuid: bytes, tls: Any = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
        self.send(0x01, uuid)

    def send(self, kind: int, payload: bytes = b"") -> None:
        self.socket.sendall(bytes([kind]) + len(payload).to_bytes(2, "big") + payload)

    def talk(self, samples: FloatArray, kind: int, rate: int) -> None:
        step = rate // 50
        for number in paced(len(samples) // step):
            self.send(kind, linear(samples[number * step : (number + 1) * step]))

    def ended(self) -> bytes:
        """What the server says until it closes."""
        found = b""
        with self.socket:
            while data := self.socket.recv(4_096):
                found += data
        return found
