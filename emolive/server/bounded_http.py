"""HTTP connections that are limited in number, and in the time that a request may take to come."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A request has to be here as a whole within this.
_REQUEST_S = 15.0
_COMING = (h11.IDLE, h11.SEND_BODY)


class BoundedHttp(H11Protocol):
    """Uvicorn's HTTP, which waits for no request forever, and opens no WebSocket too many.

    Uvicorn itself counts connections only where they ask for pages, and gives a client that says
    nothing, or a letter now and then, all the time it likes.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop_expecting()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """It was answered, and may ask again."""
        self._expect()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """From now on it is a WebSocket's."""
        self._stop_expecting()
        super().handle_websocket_upgrade(event)

    def _should_upgrade(self) -> bool:
        # What does not become a WebSocket is answered with 503 when there are too many.
        most = self.limit_concurrency
        return (most is None or len(self.connections) < most) and super()._should_upgrade()

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
