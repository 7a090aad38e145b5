"""Uvicorn's protocols: HTTP requests that are bounded, WebSockets that are read unhurriedly.

A telephone sends fifty packets a second. Read as they come, each wakes the process; read every
tenth of a second, several come at once. What waits meanwhile waits in the system's buffers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from typing import Any, cast

import h11
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from emolive.i18n import tr

# Who is refused is told so, while there are no more than so many beyond what is allowed.
_TOLD = 64


class ConnectionLimits:
    """Says why there is no room for a connection, and counts those that found none."""

    def __init__(self, most: int, per_address: int) -> None:
        """`most` connections in all, `per_address` of them from one address, at each port."""
        self.most = most
        self.per_address = per_address
        self.refused = {"all": 0, "address": 0}

    def refusal(self, address: str, there: Collection[str]) -> str | None:
        """Why the newest connection is one too many; None: it is not.

        `there`: the addresses of all connections of its port, its own among them.
        """
        if len(there) > self.most:
            self.refused["all"] += 1
            return tr(
                "The server has {most} connections, and takes no more: try again later.",
                most=self.most,
            )
        mine = network(address)
        if sum(network(one) == mine for one in there) > self.per_address:
            self.refused["address"] += 1
            return tr(
                "One address may have {per_address} connections here, and yours has "
                "them: close some, or raise --max-per-address.",
                per_address=self.per_address,
            )
        return None

    def overrun(self, connections: int) -> bool:
        """Whether there are so many that those beyond are not even told."""
        return connections > self.most + _TOLD


def network(address: str) -> str:
    """What counts as one address: of version 6 a whole /64, which one customer has."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    mapped = found.ipv4_mapped
    return found.exploded[:19] if mapped is None else str(mapped)


# A request has to be here as a whole within this.
_REQUEST_S = 15.0
_COMING = (h11.IDLE, h11.SEND_BODY)
_RETRY_S = 5


class BoundedHttp(H11Protocol):
    """Uvicorn's HTTP, which waits for no request forever, and takes no connection too many.

    Uvicorn itself counts connections only where they ask for pages, says nothing about why one is
    refused, and gives a client that says nothing, or a letter now and then, all the time it likes.
    """

    _patience: asyncio.TimerHandle | None = None
    _refused = False

    def __init__(self, *arguments: Any, limits: ConnectionLimits, **more: Any) -> None:
        """`limits` are those of all connections of the server."""
        super().__init__(*arguments, **more)
        self._limits = limits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect()
        # Those that have become WebSockets are among them.
        clients = [getattr(one, "client", None) for one in self.connections]
        there = [client[0] if client else "" for client in clients]
        reason = self._limits.refusal(self.client[0] if self.client else "", there)
        if reason is None:
            return
        self._refused = True
        self.app = JSONResponse(
            {"error": reason}, 503, {"Retry-After": str(_RETRY_S), "Connection": "close"}
        )
        if self._limits.overrun(len(self.connections)):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop_expecting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP: say so, unless an answer has begun.

        Whoever works on an answer learns that nobody waits for it; Uvicorn lets it fail.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """It was answered, and may ask again."""
        self._expect()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """From now on it is a WebSocket's."""
        self._stop_expecting()
        super().handle_websocket_upgrade(event)

    def _should_upgrade(self) -> bool:
        return not self._refused and super()._should_upgrade()

    def _expect(self) -> None:
        self._stop_expecting()
        self._patience = self.loop.call_later(_REQUEST_S, self._expected)

    def _stop_expecting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _expected(self) -> None:
        self._patience = None
        if self.conn.their_state in _COMING and not self.transport.is_closing():
            self.transport.abort()


EVERY_S = 0.1


class _Unhurried:
    """A transport that goes on reading no sooner than a while after it last did."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._resumed_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def resume_reading(self) -> None:
        """Go on, now or a little later."""
        if self._timer is None:
            wait_s = self._resumed_at + EVERY_S - self._loop.time()
            self._timer = self._loop.call_later(max(0.0, wait_s), self._resume)

    def pause_reading(self) -> None:
        """Read no more for now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.pause_reading()

    def _resume(self) -> None:
        self._timer = None
        self._resumed_at = self._loop.time()
        if not self._transport.is_closing():
            self._transport.resume_reading()


class UnhurriedWebSocket(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket, which stops reading at each message until the application takes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        unhurried = _Unhurried(cast(asyncio.Transport, transport), self.loop)
        super().connection_made(cast(asyncio.BaseTransport, unhurried))
