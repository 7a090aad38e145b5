"""The plain tap: a JSON header, then raw samples, over a WebSocket. `docs/server.md` describes it.

`emolive.server.client` speaks it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from emolive.server.placement import Packet
from emolive.server.taps.tap import (
    MIXED,
    Began,
    Closing,
    Encoding,
    Ended,
    Paused,
    Reply,
    Tap,
    TapError,
    TapEvent,
    decode,
    json_object,
    key_of,
    name_of,
    sampling_rate,
    whole,
    yes_or_no,
)
from emolive.types import Role

_ROLES: dict[str, Role] = {**{role.value: role for role in Role}, MIXED: Role.AGENT}


class PcmTap(Tap):
    """One call of one or two parties, samples interleaved."""

    def __init__(self) -> None:
        self._channels = 0
        self._encoding = Encoding.S16
        self._position: int | None = None

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take one message."""
        if isinstance(data, bytes):
            return (self._audio(data),)
        message = json_object(data)
        kind = message.get("type", "start")
        if kind == "start":
            return (self._start(message),)
        if not self._channels:
            raise TapError("A call begins with a start message.")
        if kind == "position":
            self._position = whole(message, "sample")
            return ()
        if kind in ("pause", "resume"):
            return (Paused(kind == "pause"),)
        if kind == "stop":
            return (Ended(),)
        raise TapError("The type of a message is start, position, pause, resume or stop.")

    def began(self, call_id: str) -> Iterable[Reply]:
        """Tell the call's id."""
        return (Reply(json.dumps({"type": "started", "call": call_id})),)

    def close(self, closing: Closing, reason: str) -> Iterable[Reply]:
        """Tell why."""
        return (Reply(json.dumps({"type": closing.value, "reason": reason})),)

    def _start(self, header: dict[str, Any]) -> Began:
        if self._channels:
            raise TapError("A call has one start message.")
        channels = header.get("channels", 1)
        if channels not in (1, 2) or isinstance(channels, bool):
            raise TapError("A call has one channel or two: set channels to 1 or 2.")
        roles = header.get("roles", ["customer"] if channels == 1 else ["agent", "customer"])
        if not isinstance(roles, list) or any(role not in _ROLES for role in roles):
            raise TapError('roles is a list of "agent", "customer", or "mixed" for both in one.')
        if len(roles) != channels or len({_ROLES[role] for role in roles}) != channels:
            raise TapError("Each channel needs a role of its own.")
        try:
            self._encoding = Encoding(header.get("encoding", Encoding.S16))
        except ValueError as error:
            known = ", ".join(Encoding)
            raise TapError(f"The encoding is one of {known}.") from error
        rate = sampling_rate(header.get("sampling_rate"))
        self._channels = channels
        key = key_of(header.get("call"))
        return Began(
            key,
            name_of(header.get("title"), key or "Call"),
            rate,
            tuple(roles),
            tuple(_ROLES[role] for role in roles),
            yes_or_no(header.get("consent")),
        )

    def _audio(self, data: bytes) -> Packet:
        if not self._channels:
            raise TapError("A call begins with a start message.")
        position, self._position = self._position, None
        try:
            return Packet(decode(data, self._encoding, self._channels), None, position)
        except ValueError as error:
            raise TapError("A message has to hold whole frames of samples.") from error
