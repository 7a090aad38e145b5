"""Twilio Media Streams: JSON over a WebSocket, mu-law at 8 kHz, one track or both.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from emolive.server.placement import Packet
from emolive.server.taps.tap import (
    Began,
    Encoding,
    Ended,
    Tap,
    TapError,
    TapEvent,
    decode,
    json_object,
    key_of,
    name_of,
    whole,
    yes_or_no,
)
from emolive.types import Role

_RATE = 8_000
_PER_MS = _RATE // 1_000
_TRACKS = ("inbound", "outbound")
# Time stamps count from the stream's start, as long as the first is near it.
_NEAR_START_MS = 1_000


class _Chunks:
    """Counts the packets of each track.

    The documentation's examples count the chunks of both tracks in one; others count each track's.
    Which it is shows when the second track begins. Counted in one, a chunk that is missing may have
    been of either: time stamps tell whose.
    """

    def __init__(self) -> None:
        self._together = False
        self._newest = 0
        # Of each track: how many so far, where the newest began, and how many may be missing since.
        self._tracks: dict[str, tuple[int, int, int]] = {}

    def number(self, track: str, chunk: int, position: int, length: int) -> int | None:
        """A packet's number within its track; None: it came late, and only its time is known."""
        if track not in self._tracks:
            self._together |= bool(self._tracks) and chunk > self._newest
            self._tracks[track] = chunk - 1, position, 0
        elif self._together and chunk <= self._newest:
            return None
        if not self._together:
            self._newest = max(self._newest, chunk)
            self._tracks[track] = chunk, position, 0
            return chunk
        skipped = chunk - self._newest - 1
        self._newest = chunk
        for one, (count, at, missing) in self._tracks.items():
            self._tracks[one] = count, at, missing + skipped
        count, at, missing = self._tracks[track]
        steps = min(max(1, round((position - at) / max(1, length))), 1 + missing)
        expected = at + steps * length
        # Time stamps wobble.
        at = expected if abs(position - expected) <= length // 2 else position
        self._tracks[track] = count + steps, at, 0
        return count + steps


class TwilioTap(Tap):
    """One Media Stream, unidirectional or bidirectional.

    Inbound is who called; that is the customer, unless the custom parameter `customer` says
    "outbound". Other custom parameters: `title`, `consent`, `token`. Key presses are not looked at.
    """

    def __init__(self) -> None:
        self._stream = ""
        self._tracks: tuple[str, ...] = ()
        self._first_ms: int | None = None
        self._chunks = _Chunks()

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take one message."""
        if isinstance(data, bytes):
            raise TapError("Twilio sends text messages: a binary one came.")
        message = json_object(data)
        event = message.get("event")
        if event == "media":
            return self._media(message)
        if event == "start":
            return (self._start(message),)
        if event == "stop":
            return (Ended(),)
        return ()

    def _start(self, message: dict[str, Any]) -> Began:
        start = message.get("start")
        if self._stream or not isinstance(start, dict):
            raise TapError("A stream has one start message, which has a start object.")
        form = start.get("mediaFormat")
        if not isinstance(form, dict) or (
            form.get("encoding"),
            form.get("sampleRate"),
            form.get("channels"),
        ) != ("audio/x-mulaw", _RATE, 1):
            raise TapError("Only audio/x-mulaw at 8000 Hz with one channel per track is known.")
        tracks = start.get("tracks")
        if not isinstance(tracks, list) or not tracks or any(t not in _TRACKS for t in tracks):
            raise TapError("The tracks of a stream are inbound, outbound, or both.")
        self._tracks = tuple(track for track in _TRACKS if track in tracks)
        self._stream = str(start.get("streamSid") or message.get("streamSid") or "stream")
        given = start.get("customParameters")
        parameters: dict[str, Any] = given if isinstance(given, dict) else {}
        customer = parameters.get("customer", "inbound")
        roles = tuple(Role.CUSTOMER if t == customer else Role.AGENT for t in self._tracks)
        key = key_of(start.get("callSid"))
        token = parameters.get("token")
        return Began(
            key,
            name_of(parameters.get("title"), key or "Twilio call"),
            _RATE,
            tuple(role.value for role in roles),
            roles,
            yes_or_no(parameters.get("consent")),
            token if isinstance(token, str) else None,
        )

    def _media(self, message: dict[str, Any]) -> Iterable[TapEvent]:
        media = message.get("media")
        if not self._stream or not isinstance(media, dict):
            raise TapError("A media message comes after the start message and has a media object.")
        track = media.get("track", "inbound")
        if track not in self._tracks:
            raise TapError("A media message is of a track that the start message did not name.")
        payload = media.get("payload")
        try:
            audio = base64.b64decode(payload, validate=True)  # type: ignore[arg-type]
        except (binascii.Error, ValueError, TypeError) as error:
            raise TapError("The payload of a media message has to be base64.") from error
        at = whole(media, "timestamp")
        if self._first_ms is None:
            self._first_ms = 0 if at <= _NEAR_START_MS else at
        position = max(0, at - self._first_ms) * _PER_MS
        number = None
        if "chunk" in media:
            number = self._chunks.number(track, whole(media, "chunk"), position, len(audio))
        channel = self._tracks.index(track) if len(self._tracks) > 1 else None
        return (Packet(decode(audio, Encoding.MULAW), channel, position, number),)


def answer(
    stream_url: str, *, parameters: dict[str, str] | None = None, dial: str | None = None
) -> str:
    """TwiML that has Twilio send both tracks of a call to `stream_url` while the call goes on.

    `dial`: whom the caller is then connected with, a number, `client:NAME` or `sip:ADDRESS`; None:
    nobody, and the line stays open for as long as Twilio lets it.
    """
    lines = "".join(
        f"<Parameter name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in (parameters or {}).items()
    )
    then = '<Pause length="14400"/>' if dial is None else f"<Dial>{_whom(dial)}</Dial>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Response><Start><Stream url={quoteattr(stream_url)} track="both_tracks">{lines}'
        f"</Stream></Start>{then}</Response>"
    )


def _whom(dial: str) -> str:
    """What stands within <Dial>: only numbers may stand there by themselves."""
    scheme, _, rest = dial.partition(":")
    if scheme == "client":
        return f"<Client>{escape(rest)}</Client>"
    return f"<Sip>{escape(dial)}</Sip>" if scheme in ("sip", "sips") else escape(dial)
