"""What all taps have in common, and telephone audio decoded to float32 at full scale 1."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from emolive.errors import EmoliveError
from emolive.plain_text import plain
from emolive.server.placement import Packet
from emolive.types import FloatArray, Role


class Encoding(StrEnum):
    """How samples are written; linear ones are little-endian."""

    MULAW = "mulaw"
    ALAW = "alaw"
    S16 = "s16le"
    F32 = "f32le"


_WIDTH = {Encoding.MULAW: 1, Encoding.ALAW: 1, Encoding.S16: 2, Encoding.F32: 4}
_S16_SCALE = np.float32(1 / 32_768)


def _g711(subtype: str) -> FloatArray:
    """What each byte of ITU-T G.711 stands for."""
    codes = io.BytesIO(bytes(range(256)))
    values: FloatArray
    values, _ = soundfile.read(
        codes, dtype="float32", samplerate=8_000, channels=1, subtype=subtype, format="RAW"
    )
    return values


_TABLES = {Encoding.MULAW: _g711("ULAW"), Encoding.ALAW: _g711("ALAW")}


def decode(data: bytes, encoding: Encoding, channels: int = 1) -> FloatArray:
    """Interleaved samples as float32 ``(n, channels)``.

    Numbers that are none (NaN, infinite) become silence; what exceeds full scale is clipped.

    Raises:
        ValueError: the bytes are no whole number of frames.
    """
    frame = _WIDTH[encoding] * channels
    if len(data) % frame:
        raise ValueError(f"{len(data)} bytes are no whole number of frames of {frame} bytes")
    samples: npt.NDArray[np.float32]
    if encoding is Encoding.S16:
        samples = np.frombuffer(data, "<i2").astype(np.float32)
        samples *= _S16_SCALE
    elif encoding is Encoding.F32:
        samples = np.nan_to_num(np.frombuffer(data, "<f4"), nan=0.0, posinf=0.0, neginf=0.0)
        samples = samples.clip(-1.0, 1.0).astype(np.float32, copy=False)
    else:
        samples = _TABLES[encoding][np.frombuffer(data, np.uint8)]
    return samples.reshape(-1, channels)


LONGEST_TEXT = 65_536
_RATES = range(4_000, 192_001)
_LONGEST_NAME = 200
_ID = re.compile(r"[A-Za-z0-9_.:@-]{1,64}")
MIXED = "mixed"


class Closing(StrEnum):
    """Why the server ends a call."""

    REFUSED = "refused"  # what the client may not
    BUSY = "busy"  # there is no room, or the server cannot: the client may try again later
    ERROR = "error"  # the client broke the protocol, or stalls
    DRAINING = "draining"  # the server goes down: the client may come back
    COMPLETED = "completed"  # somebody ended the call here


class TapError(EmoliveError):
    """A client broke its protocol; the message is told to it."""


@dataclass(frozen=True, slots=True)
class Began:
    """A call begins.

    `key` is the vendor's own id of it, `name` what people call it. Streams whose role is the
    agent's are not inferred without a permission. `consent`: whether the parties agreed to be
    recorded (None: not told). `token`: a token that came inside the protocol.
    """

    key: str
    name: str
    rate: int
    streams: tuple[str, ...]
    roles: tuple[Role, ...]
    consent: bool | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """`seconds` of the call were left out by its sender, which is no loss."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Paused:
    """The sender sends nothing for a while, or goes on."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """To be sent to the client."""

    data: str | bytes


TapEvent = Began | Packet | Skipped | Paused | Ended | Reply


class Tap(Protocol):
    """One connection of one vendor."""

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take a message, or what a socket brought.

        Raises:
            TapError: it breaks the protocol.
        """

    def began(self, call_id: str) -> Iterable[Reply]:  # noqa: ARG002
        """What the client is told once its call is monitored."""
        return ()

    def close(self, closing: Closing, reason: str) -> Iterable[Reply]:  # noqa: ARG002
        """What the client is told before the server ends it, beside the connection's closing."""
        return ()


def json_object(text: str) -> dict[str, Any]:
    """A message that has to be one JSON object.

    Raises:
        TapError: it is none, or too long.
    """
    if len(text) > LONGEST_TEXT:
        raise TapError(f"A message of {len(text)} letters is too long: {LONGEST_TEXT} are allowed.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TapError("A text message has to be one JSON object.") from error
    if not isinstance(found, dict):
        raise TapError("A text message has to be one JSON object.")
    return found


def whole(fields: Mapping[str, Any], key: str) -> int:
    """A whole number, written as such or as a string.

    Raises:
        TapError: it is none, negative, or beyond all reason.
    """
    value = fields.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**15:
        raise TapError(f"{key!r} has to be a whole number, not negative, of 15 digits at most.")
    return value


def sampling_rate(value: object) -> int:
    """A rate in Hz.

    Raises:
        TapError: speech cannot have it.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TapError("A sampling rate has to be a whole number: of samples a second.")
    if value not in _RATES:
        raise TapError(
            f"A sampling rate of {plain(str(value))[:20]} Hz cannot be used: {_RATES.start} to "
            f"{_RATES.stop - 1} can."
        )
    return value


def yes_or_no(value: object) -> bool | None:
    """Consent as vendors' free fields spell it; None: neither."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words.get(str(value).strip().casefold())


def name_of(value: object, otherwise: str) -> str:
    """A name for people: one line, no control characters, not endless."""
    text = " ".join(plain(value).split())[:_LONGEST_NAME] if isinstance(value, str) else ""
    return text or otherwise


def key_of(value: object) -> str:
    """An id that can stand in an address; "" where there is none."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
