"""Sockets of those who watch."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect

from emolive.server.access import Access, Refused
from emolive.server.switchboard import Switchboard, Watcher
from emolive.server.tokens import Grant, Scope

LOG_IN_AGAIN = 4401
FORBIDDEN = 4403
NO_SUCH_CALL = 4404
GOING_DOWN = 1012
TRY_LATER = 1013
_LOOK_EVERY_S = 1.0
_CODES = {401: LOG_IN_AGAIN, 403: FORBIDDEN, 429: TRY_LATER}


async def serve_watcher(
    socket: WebSocket, board: Switchboard, access: Access, call_id: str | None
) -> None:
    """Tell somebody what happens, until one of both goes.

    A page cannot see why a socket did not open, so it is opened first and then closed with a code.
    """
    try:
        access.check_origin(socket.headers)
        grant = access.require(access.grant(socket), Scope.WATCH)
    except Refused as refused:
        await socket.accept()
        await socket.close(_CODES.get(refused.status, FORBIDDEN), refused.sentence)
        return
    await socket.accept()
    if call_id is not None and board.call(call_id) is None:
        await socket.close(NO_SUCH_CALL, "There is no such call.")
        return
    watcher = board.watch(call_id)
    tasks = [
        asyncio.create_task(_tell(socket, watcher)),
        asyncio.create_task(_until_gone(socket)),
        asyncio.create_task(_guard(socket, board, access, grant)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        board.leave(watcher)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # a socket that broke is no news


async def _tell(socket: WebSocket, watcher: Watcher) -> None:
    while True:
        for text in await watcher.take():
            await socket.send_text(text)


async def _until_gone(socket: WebSocket) -> None:
    """What a watcher says is not looked at."""
    with contextlib.suppress(WebSocketDisconnect):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass


async def _guard(socket: WebSocket, board: Switchboard, access: Access, grant: Grant) -> None:
    """Close the socket when its token is revoked, or the server goes down."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        if not access.holds(grant):
            await socket.close(LOG_IN_AGAIN, "The token was revoked.")
            return
        if board.closed:
            await socket.close(GOING_DOWN, "The server is going down.")
            return
