"""Asterisk AudioSocket: frames of three bytes and a payload, over TCP.

https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from emolive.server.placement import Packet
from emolive.server.taps.tap import (
    Began,
    Closing,
    Encoding,
    Ended,
    Reply,
    Tap,
    TapError,
    TapEvent,
    decode,
)
from emolive.types import Role

_HEADER = 3
_HANGUP, _UUID, _DTMF, _SLIN, _ERROR = 0x00, 0x01, 0x03, 0x10, 0xFF
_RATES = {
    0x10: 8_000,
    0x11: 12_000,
    0x12: 16_000,
    0x13: 24_000,
    0x14: 32_000,
    0x15: 44_100,
    0x16: 48_000,
    0x17: 96_000,
    0x18: 192_000,
}
# Bits, of which several may be set.
_ERRORS = {0x01: "the caller hung up", 0x02: "a frame could not be forwarded", 0x04: "no memory"}


class AudioSocketTap(Tap):
    """One connection: one party's voice, the customer's unless told otherwise.

    Key presses are not looked at. The call begins with its first audio, whose type says the rate.
    """

    def __init__(
        self,
        role: Role = Role.CUSTOMER,
        *,
        slin_rate: int = 8_000,
        name: str | None = None,
        consent: bool | None = None,
    ) -> None:
        """`slin_rate`: of type 0x10; older versions of Asterisk send every rate as that."""
        self._role = role
        self._name = name
        self._consent = consent
        self._rates = {**_RATES, _SLIN: slin_rate}
        self._held = bytearray()
        self.id: uuid.UUID | None = None  # the call's, once the client has told it
        self._kind: int | None = None
        self._over = False

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take what the socket brought, whatever its pieces.

        Buffer: one frame, 65,538 bytes.
        """
        assert isinstance(data, bytes)
        self._held += data
        at = 0
        while not self._over and len(self._held) - at >= _HEADER:
            kind = self._held[at]
            end = at + _HEADER + int.from_bytes(self._held[at + 1 : at + 3])
            if len(self._held) < end:
                break
            yield from self._frame(kind, bytes(self._held[at + _HEADER : end]))
            at = end
        del self._held[:at]

    def close(self, closing: Closing, reason: str) -> Iterable[Reply]:  # noqa: ARG002
        """Have Asterisk hang up this socket."""
        return (Reply(bytes(_HEADER)),)

    def _frame(self, kind: int, payload: bytes) -> Iterable[TapEvent]:
        if kind in (_HANGUP, _ERROR):
            self._over = True
            yield Ended(None if kind == _HANGUP else _error(payload))
        elif kind == _UUID:
            if self.id is not None or len(payload) != 16:
                raise TapError("A connection has one UUID, of 16 bytes.")
            self.id = uuid.UUID(bytes=payload)
        elif kind in self._rates:
            yield from self._audio(kind, payload)
        elif self.id is None and kind != _DTMF:
            raise TapError("An AudioSocket connection begins with a UUID.")

    def _audio(self, kind: int, payload: bytes) -> Iterable[TapEvent]:
        if self.id is None:
            raise TapError("Audio came before the UUID.")
        if self._kind is None:
            self._kind = kind
            yield Began(
                str(self.id),
                self._name or f"Asterisk {str(self.id)[:8]}",
                self._rates[kind],
                (self._role.value,),
                (self._role,),
                self._consent,
            )
        if kind != self._kind:
            raise TapError("The sampling rate changed in the middle of a call.")
        try:
            yield Packet(decode(payload, Encoding.S16))
        except ValueError as error:
            raise TapError("Audio has to be of whole 16-bit samples.") from error


def _error(payload: bytes) -> str:
    code = payload[0] if len(payload) == 1 else 0
    known = [text for bit, text in _ERRORS.items() if code & bit]
    return f"Asterisk: {', '.join(known) or f'error {payload[:8].hex()}'.strip()}."
