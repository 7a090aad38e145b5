"""FreeSWITCH mod_audio_stream: metadata, then linear 16-bit audio over a WebSocket.

https://github.com/amigniter/mod_audio_stream
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from emolive.server.placement import Packet
from emolive.server.taps.tap import (
    MIXED,
    Began,
    Closing,
    Encoding,
    Reply,
    Tap,
    TapError,
    TapEvent,
    decode,
    key_of,
    name_of,
    sampling_rate,
    yes_or_no,
)
from emolive.types import Role

_RATES = {"8k": 8_000, "16k": 16_000}
_LONGEST_METADATA = 65_536


class FreeSwitchTap(Tap):
    """One stream: mono is the caller alone, stereo the caller and who was called, mixed is both.

    The module does not say which it sends, nor at what rate. The address does
    (``?rate=16000&mix=stereo``), or the metadata as JSON, whose fields go before: `rate`, `mix`,
    `agent` ("left" or "right"; the caller is on the left and the customer, unless this says
    otherwise), `call`, `title`, `consent`. Any other metadata are not looked at.
    """

    def __init__(self, query: Mapping[str, str] | None = None) -> None:
        """`query`: of the address."""
        self._about: dict[str, Any] = dict(query or {})
        self._channels = 0
        self._rest = b""

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take one message."""
        if isinstance(data, str):
            if not self._channels and len(data) <= _LONGEST_METADATA:
                self._about |= _metadata(data)
            return
        if not self._channels:
            yield self._began()
        frame = 2 * self._channels
        held = self._rest + data
        whole = len(held) - len(held) % frame
        self._rest = held[whole:]
        yield Packet(decode(held[:whole], Encoding.S16, self._channels))

    def began(self, call_id: str) -> Iterable[Reply]:
        """FreeSWITCH makes an event of it, which the dialplan may use."""
        return (Reply(json.dumps({"type": "started", "call": call_id})),)

    def close(self, closing: Closing, reason: str) -> Iterable[Reply]:
        """Likewise."""
        return (Reply(json.dumps({"type": closing.value, "reason": reason})),)

    def _began(self) -> Began:
        about = self._about
        rate = about.get("rate", 8_000)
        rate = _RATES.get(str(rate), int(rate) if str(rate).isdecimal() else rate)
        mix = str(about.get("mix", "mono"))
        agent = about.get("agent")
        streams: tuple[str, ...]
        roles: tuple[Role, ...]
        if mix == "stereo":
            left_is_agent = agent == "left"
            roles = (Role.AGENT, Role.CUSTOMER) if left_is_agent else (Role.CUSTOMER, Role.AGENT)
            streams = tuple(role.value for role in roles)
        elif mix == MIXED:
            # The agent is in it, so what holds for agents holds for all of it.
            roles, streams = (Role.AGENT,), (MIXED,)
        elif mix == "mono":
            roles = (Role.AGENT if agent else Role.CUSTOMER,)
            streams = (roles[0].value,)
        else:
            raise TapError("mix has to be mono, mixed or stereo.")
        self._channels = len(roles)
        key = key_of(about.get("call"))
        return Began(
            key,
            name_of(about.get("title"), f"FreeSWITCH {key[:8]}".strip()),
            sampling_rate(rate),
            streams,
            roles,
            yes_or_no(about.get("consent")),
        )


def _metadata(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
