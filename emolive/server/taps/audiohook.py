"""Genesys Cloud AudioHook, version 2: JSON and audio over a WebSocket.

https://developer.genesys.cloud/devapps/audiohook/protocol-reference
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from emolive.server.placement import Packet
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
    json_object,
    key_of,
    name_of,
    whole,
    yes_or_no,
)
from emolive.types import Role

_FORMATS = {"L16": Encoding.S16, "PCMU": Encoding.MULAW}
_ROLES = {"external": Role.CUSTOMER, "internal": Role.AGENT}
_CHANNELS = (["external", "internal"], ["external"], ["internal"])  # in either order
_RATE = 8_000
_NOBODY = "00000000-0000-0000-0000-000000000000"
_DURATION = re.compile(r"PT(\d{1,9}(?:\.\d{0,18})?|\.\d{1,18})S")


class AudioHookTap(Tap):
    """One AudioHook session: external is the customer, internal the agent.

    Asked for media, it takes both channels if it can, and linear samples before mu-law ones. A
    probe (no conversation) is answered and monitors nothing. The custom configuration may have
    `title` and `consent`.
    """

    def __init__(self, session_id: str = "", organization: str = "") -> None:
        """Both from the request's headers; "": the first message says."""
        self._id = session_id
        self._organization = organization.strip().lower()
        self._seq = self._client_seq = 0
        self._channels = 0
        self._encoding = Encoding.MULAW
        self._opened = self._paused = self._closed = self._probe = False
        self._disconnected = False
        self._problem: str | None = None

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take one message."""
        if self._closed:
            return ()
        if isinstance(data, bytes):
            return self._audio(data)
        message = json_object(data)
        if self._disconnected:
            return self._farewell(message)
        parameters = message.get("parameters")
        if message.get("version") != "2" or not isinstance(parameters, dict):
            raise TapError("A message needs version 2 and parameters.")
        if whole(message, "seq") != self._client_seq + 1:
            raise TapError("The messages' seq has to go up by one.")
        if whole(message, "serverseq") > self._seq:
            raise TapError("serverseq is beyond what was sent.")
        session = message.get("id")
        self._id = self._id or str(session)
        if session != self._id:
            raise TapError("The session's id changed.")
        self._client_seq += 1
        return self._message(str(message.get("type")), parameters)

    def close(self, closing: Closing, reason: str) -> Iterable[Reply]:
        """Ask the client to close, or to come back on another connection."""
        if self._closed or self._disconnected:
            return
        if closing is Closing.DRAINING:
            yield self._reply("reconnect", {"info": reason})
            return
        self._disconnected = True
        reasons = {Closing.REFUSED: "unauthorized", Closing.COMPLETED: "completed"}
        yield self._reply(
            "disconnect", {"reason": reasons.get(closing, "error"), "info": reason[:256]}
        )

    def _farewell(self, message: dict[str, Any]) -> Iterable[TapEvent]:
        """Once it was asked to close, its close is answered, whatever was wrong before."""
        if message.get("type") in ("ping", "close"):
            self._client_seq = whole(message, "seq")
            yield from self._message(str(message["type"]), {})

    def _message(self, kind: str, parameters: dict[str, Any]) -> Iterable[TapEvent]:
        if kind == "open":
            yield from self._open(parameters)
        elif kind == "ping":
            yield self._reply("pong", {})
        elif kind == "update":
            yield self._reply("updated", {})
        elif kind == "close":
            self._closed = True
            yield self._reply("closed", {})
            yield Ended(self._problem if parameters.get("reason") == "error" else None)
        elif kind == "error":
            told = name_of(parameters.get("message"), "no reason")
            self._problem = f"Genesys: {told} (error {whole(parameters, 'code')})."
        elif kind == "paused" and self._opened:
            self._paused = True
            yield Paused(True)
        elif kind == "resumed" and self._opened:
            self._paused = False
            yield Skipped(_seconds(parameters, "discarded"))
            yield Paused(False)
        elif kind == "discarded" and self._opened:
            yield Skipped(_seconds(parameters, "discarded"))

    def _open(self, parameters: dict[str, Any]) -> Iterable[TapEvent]:
        if self._opened:
            raise TapError("A session is opened once.")
        told = parameters.get("organizationId")
        if self._organization and told and str(told).lower() != self._organization:
            raise TapError("The organization's id is not that of the request.")
        chosen = _chosen(parameters.get("media"))
        self._opened = True
        self._encoding = _FORMATS[chosen["format"]]
        roles = tuple(_ROLES[channel] for channel in chosen["channels"])
        self._channels = len(roles)
        opened: dict[str, Any] = {"media": [chosen], "startPaused": False}
        if parameters.get("supportedLanguages"):
            opened["supportedLanguages"] = []
        conversation = key_of(parameters.get("conversationId"))
        self._probe = conversation in ("", _NOBODY)
        if not self._probe:
            given = parameters.get("customConfig")
            custom: dict[str, Any] = given if isinstance(given, dict) else {}
            yield Began(
                conversation,
                name_of(custom.get("title"), f"Genesys {conversation[:8]}"),
                _RATE,
                tuple(role.value for role in roles),
                roles,
                yes_or_no(custom.get("consent")),
            )
        # Only now, when whoever monitors it has said yes.
        yield self._reply("opened", opened)

    def _audio(self, data: bytes) -> Iterable[TapEvent]:
        if not self._opened:
            raise TapError("Audio came before the session was opened.")
        if self._probe or self._paused:
            return ()
        try:
            return (Packet(decode(data, self._encoding, self._channels)),)
        except ValueError as error:
            raise TapError(f"The audio does not fit its format: {error}.") from error

    def _reply(self, kind: str, parameters: dict[str, Any]) -> Reply:
        self._seq += 1
        return Reply(
            json.dumps(
                {
                    "version": "2",
                    "type": kind,
                    "seq": self._seq,
                    "clientseq": self._client_seq,
                    "id": self._id,
                    "parameters": parameters,
                }
            )
        )


def _chosen(offered: object) -> dict[str, Any]:
    """The best medium that is offered."""
    usable = [
        one
        for one in (offered if isinstance(offered, list) else [])
        if isinstance(one, dict)
        and one.get("type") == "audio"
        and one.get("format") in _FORMATS
        and one.get("rate") == _RATE
        and isinstance(one.get("channels"), list)
        and sorted(map(str, one["channels"])) in _CHANNELS
    ]
    if not usable:
        raise TapError("None of the media that are offered can be used.")
    return max(usable, key=lambda one: (len(one["channels"]), one["format"] == "L16"))


def _seconds(parameters: dict[str, Any], key: str) -> float:
    """An ISO 8601 duration as AudioHook writes it."""
    match = _DURATION.fullmatch(str(parameters.get(key)))
    if match is None:
        raise TapError(f"{key!r} has to be a duration such as PT1.5S.")
    return float(match[1])
