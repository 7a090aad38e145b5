"""WebSockets that are read a few times a second, so that small packets cost less.

A telephone sends fifty packets a second. Read as they come, each wakes the process; read every
tenth of a second, several come at once. What waits meanwhile waits in the system's buffers.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

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
