"""HTTP connections that are limited in number, and in the time that a request may take to come."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from emolive.server.connections import ConnectionLimits

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
