"""The WebSockets that telephone systems open, and Twilio's question what to do with a call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, WebSocket
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.websockets import WebSocketDisconnect

from emolive.server.access import Refused
from emolive.server.ingest import TapSession
from emolive.server.services import Parts, Services, services
from emolive.server.signatures import is_from_twilio
from emolive.server.taps import twilio
from emolive.server.taps.audiohook import AudioHookTap
from emolive.server.taps.freeswitch import FreeSwitchTap
from emolive.server.taps.pcm import PcmTap
from emolive.server.taps.tap import Closing, Tap, name_of
from emolive.server.taps.twilio import TwilioTap
from emolive.server.tokens import Grant, Scope

# Not 1012 and 1013: FreeSWITCH's client knows none beyond 1011, and would lose the reason, too.
_CODES = {
    Closing.REFUSED: 1008,
    Closing.BUSY: 1011,
    Closing.ERROR: 1008,
    Closing.DRAINING: 1001,
    Closing.COMPLETED: 1000,
}
_LONGEST_REASON = 120
_RETRY_S = 5.0
_TWILIO = "twilio"

router = APIRouter()


class _SocketWire:
    """A WebSocket as a `Wire`."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes | None:
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            return None
        data: bytes | str | None = message.get("bytes")
        return data if data is not None else message.get("text", "")

    async def send(self, data: str | bytes) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
            if isinstance(data, str):
                await self._socket.send_text(data)
            else:
                await self._socket.send_bytes(data)

    async def close(self, closing: Closing, reason: str) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
            await self._socket.close(_CODES[closing], _short(reason))


def _short(reason: str) -> str:
    """A reason that a closing frame has room for."""
    return reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


async def _serve(
    socket: WebSocket, name: str, tap: Tap, who: Callable[[WebSocket, Services], Grant | None]
) -> None:
    """Serve one client; whoever may not, or finds no room, is told before its socket opens."""
    parts = services(socket)
    try:
        parts.access.check_origin(socket.headers)
        grant = who(socket, parts)
        if grant is not None:
            parts.access.require(grant, Scope.INGEST)
        if (reason := parts.board.refusal()) is not None:
            parts.board.refused += 1
            raise Refused(503, reason, _RETRY_S)
        elsewhere = parts.board.host.elsewhere()
    except Refused as refused:
        await socket.send_denial_response(
            JSONResponse({"error": refused.sentence}, refused.status, refused.headers)
        )
        return
    if elsewhere is not None:
        target = urlsplit(elsewhere)._replace(path=socket.url.path, query=socket.url.query)
        moved = RedirectResponse(target.geturl(), 307)
        await socket.send_denial_response(moved)
        return
    await socket.accept()
    address = socket.client.host if socket.client else ""
    wire = _SocketWire(socket)
    session = TapSession(parts.board, parts.access, tap, name, wire, grant, address)
    await parts.sessions.serve(session)


def _by_token(socket: WebSocket, parts: Services) -> Grant | None:
    return parts.access.grant(socket)


def _by_twilio(socket: WebSocket, parts: Services) -> Grant | None:
    """Twilio's signature where there is a secret to check it; otherwise a token.

    Addresses of streams have no query, so the token may also come as a custom parameter.
    """
    if (auth_token := parts.settings.twilio_auth_token) is not None:
        if not is_from_twilio(auth_token, parts.url(socket, "ws"), socket.headers):
            raise Refused(403, "This request was not signed by Twilio, or not for this address.")
        return Grant("Twilio", frozenset({Scope.INGEST}))
    if "authorization" in socket.headers or "token" in socket.query_params:
        return parts.access.grant(socket)
    return None


def _by_audiohook(socket: WebSocket, parts: Services) -> Grant | None:
    """Genesys' signature where its API key has a secret; otherwise the API key is the token."""
    organization = socket.headers.get("audiohook-organization-id", "").strip().lower()
    known = parts.settings.audiohook_organizations
    if known and organization not in known:
        raise Refused(403, "Calls of this organization of Genesys Cloud are not taken here.")
    api_key = socket.headers.get("x-api-key")
    if parts.settings.audiohook_secrets and (api_key is None or parts.signatures.knows(api_key)):
        problem = parts.signatures.problem(parts.url(socket, "ws"), socket.headers)
        if problem is not None:
            raise Refused(401, problem)
        return Grant("AudioHook", frozenset({Scope.INGEST}))
    return parts.access.grant(socket, given=api_key)


@router.websocket("/v1/taps/twilio")
async def tap_twilio(socket: WebSocket) -> None:
    """Twilio Media Streams."""
    await _serve(socket, _TWILIO, TwilioTap(), _by_twilio)


@router.websocket("/v1/taps/audiohook")
async def tap_audiohook(socket: WebSocket) -> None:
    """Genesys Cloud AudioHook."""
    told = (socket.headers.get(f"audiohook-{of}-id", "") for of in ("session", "organization"))
    tap = AudioHookTap(*told)
    await _serve(socket, "audiohook", tap, _by_audiohook)


@router.websocket("/v1/taps/freeswitch")
async def tap_freeswitch(socket: WebSocket) -> None:
    """FreeSWITCH mod_audio_stream."""
    await _serve(socket, "freeswitch", FreeSwitchTap(socket.query_params), _by_token)


@router.websocket("/v1/taps/pcm")
async def tap_pcm(socket: WebSocket) -> None:
    """The plain tap."""
    await _serve(socket, "pcm", PcmTap(), _by_token)


@router.post(
    "/v1/taps/twilio/answer",
    tags=["taps"],
    response_class=Response,
    responses={200: {"content": {"application/xml": {}}}},
    summary="TwiML that sends a call here",
)
async def twilio_answer(
    request: Request, parts: Parts, title: str | None = None, dial: str | None = None
) -> Response:
    """Answer Twilio's webhook for a call: both tracks of it are streamed here while it goes on.

    `dial` is whom the caller is connected with: a number, `client:NAME` or `sip:ADDRESS`; `title`
    is what the call is called here. Signed by Twilio where its auth token is known; otherwise a
    token is needed (`?token=`), which the stream then carries as a parameter.
    """
    fields = parse_qsl((await request.body()).decode(errors="replace"), True)
    auth_token = parts.settings.twilio_auth_token
    parameters = {"title": called} if (called := name_of(title, "")) else {}
    if auth_token is not None:
        if not is_from_twilio(auth_token, parts.url(request, "http"), request.headers, fields):
            raise Refused(403, "This request was not signed by Twilio, or not for this address.")
    else:
        parts.access.require(parts.access.grant(request), Scope.INGEST)
        if "token" in request.query_params:
            parameters["token"] = request.query_params["token"]
    here = parts.board.host.elsewhere() or parts.url(request, "ws")
    stream = urlsplit(here)._replace(path="/v1/taps/twilio", query="")
    return Response(
        twilio.answer(stream.geturl(), parameters=parameters, dial=dial),
        media_type="application/xml",
    )
