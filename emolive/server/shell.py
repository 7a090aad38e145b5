"""What goes for every request: headers that keep a page to itself, and sizes that are bounded."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

_LONGEST_BODY = 65_536
# Addresses are made of it, which others would fail on.
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]*)(?::\d{0,5})?")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Swagger UI writes styles into its elements.
_DOCS_CSP = CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Shell:
    """Around the application."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        """`tls`: browsers are told to stay with it."""
        self._app = app
        self._headers = dict(_HEADERS)
        if tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        kind = scope["type"]
        broken = kind != "lifespan" and not _HOST.fullmatch(Headers(scope=scope).get("host", ""))
        refusal = JSONResponse({"error": "The Host header is no name or address."}, 400)
        if kind == "websocket" and broken:
            await WebSocket(scope, receive, send).send_denial_response(refusal)
            return
        if kind != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > _LONGEST_BODY:
                raise HTTPException(413, f"A request may have {_LONGEST_BODY} bytes.")
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["Content-Security-Policy"] = _DOCS_CSP if path == "/docs" else CSP
                headers.setdefault(
                    "Cache-Control", "no-store" if path.startswith("/v1") else "no-cache"
                )
            await send(message)

        await (refusal if broken else self._app)(scope, bounded, guarded)
