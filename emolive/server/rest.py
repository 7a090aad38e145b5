"""What can be asked over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, WebSocket
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from emolive import __version__
from emolive.i18n import tr
from emolive.inference.bundled import BUNDLED
from emolive.inference.model_files import read_metadata
from emolive.server.access import COOKIE, SESSION_S, Refused
from emolive.server.audiosocket import ExpectedCall, PartiesWire
from emolive.server.page_facts import appearance, wall_texts
from emolive.server.served_call import ServedCall
from emolive.server.services import Administering, Ingesting, Parts, Watching, services
from emolive.server.taps.tap import Closing, name_of, sampling_rate
from emolive.server.tokens import Grant
from emolive.server.watchers import serve_watcher
from emolive.types import Role

Json = dict[str, Any]
router = APIRouter()


class LogIn(BaseModel):
    """A token, to be exchanged for a cookie."""

    token: str = Field(min_length=1, max_length=1_000)


class Who(BaseModel):
    """Whose a token is, and what it permits."""

    name: str
    scopes: list[Literal["ingest", "watch", "admin"]]


class Acknowledgement(BaseModel):
    """Alerts of a call that somebody has seen to; null: all of them."""

    numbers: list[int] | None = Field(default=None, max_length=1_000)


class Announcement(BaseModel):
    """What Asterisk's UUID stands for."""

    title: str | None = None
    role: Role = Role.CUSTOMER
    rate: int = Field(8_000, description="In Hz, of frames of type 0x10.")
    consent: bool | None = None
    other: UUID | None = Field(
        None, description="Of the other party's connection: both bring one call, on two streams."
    )


class Health(BaseModel):
    """The server runs."""

    status: Literal["ok"]
    version: str


class Readiness(BaseModel):
    """Whether the server can do its work, and takes another call.

    A `full` one is ready: it serves the calls that it has, and those who watch them.
    """

    status: Literal["ready", "full", "unable", "draining"]
    reason: str | None
    calls: int
    capacity: int


def _who(grant: Grant) -> Who:
    return Who(name=grant.name, scopes=sorted(scope.value for scope in grant.scopes))


def _call(parts: Parts, call_id: str) -> ServedCall:
    call = parts.board.call(call_id)
    if call is None:
        raise Refused(
            404,
            tr("There is no call {call_id}: it may be over for long.", call_id=repr(call_id[:70])),
        )
    return call


# The server itself.


@router.get("/v1/health", tags=["server"])
async def health() -> Health:
    """Whether the server runs; needs no token."""
    return Health(status="ok", version=__version__)


@router.get("/v1/ready", tags=["server"], responses={503: {"model": Readiness}})
async def ready(parts: Parts, room: bool = False) -> Response:
    """Whether it serves: 200, or 503 while it goes down or can run no call; needs no token.

    For orchestrators, which take a server that is not ready from everybody. A full one answers 200,
    with the reason; with `room=true` 503, for balancers that bring new calls to one of several.
    """
    board = parts.board
    reason = board.refusal()
    status: Literal["ready", "full", "unable", "draining"] = "ready"
    if board.draining:
        status = "draining"
    elif board.host.unable() is not None:
        status = "unable"
    elif reason is not None:
        status = "full"
    found = Readiness(
        status=status, reason=reason, calls=len(board.running), capacity=board.load.capacity
    )
    serves = status == "ready" or (status == "full" and not room)
    headers = {} if serves else {"Retry-After": "5"}
    return JSONResponse(found.model_dump(), 200 if serves else 503, headers)


@router.get("/v1/server", tags=["server"])
async def server(parts: Parts, _: Watching) -> Json:
    """How busy the server is, and what does not work beside the calls."""
    board, load, settings = parts.board, parts.board.load, parts.settings
    return {
        "version": __version__,
        "name": parts.name,
        "started_at": board.started_at.isoformat(),
        "calls": load.calls,
        "capacity": load.capacity,
        "cost_per_call": round(load.cost_per_call, 4),
        "load": {"cores": round(load.cores, 3), "limit": round(load.limit, 3)},
        "windows": load.windows,
        "windows_skipped": load.windows_skipped,
        "latency_ms": {"p50": round(load.latency_p50_ms, 1), "p99": round(load.latency_p99_ms, 1)},
        "opened": board.opened,
        "refused": board.refused,
        "watchers": board.watchers,
        "recording": settings.keeping.value,
        "only_consented": settings.only_consented,
        "problems": [*load.problems, *parts.problems],
    }


@router.get("/v1/models", tags=["server"])
def models(parts: Parts, _: Watching) -> Json:
    """The model that runs, and those that come with emolive."""
    running = parts.board.host.model
    described = [(model, read_metadata(model.path)) for model in BUNDLED]
    return {
        "running": {
            "name": running.name,
            "provider": running.provider,
            "provider_note": running.provider_note,
            "labels": list(running.labels),
            "hop_s": running.hop_s,
            "window_s": running.window_s,
        },
        "models": [
            {
                "name": model.name,
                "about": model.about,
                "file": model.path.name,
                "size_mb": round(model.path.stat().st_size / 1e6, 1),
                "labels": list(metadata.labels),
                "scores": metadata.scores,
                "licence": metadata.licence,
            }
            for model, metadata in described
        ],
    }


@router.get("/v1/appearance", tags=["server"])
async def look(parts: Parts, _: Watching, labels: str = "") -> Json:
    """Names, colours and definitions for a page; of these labels (a,b,c), or of the model's."""
    wanted = [label for label in labels.split(",") if label][:100]
    return appearance(parts.board.host.model, wanted)


@router.get("/v1/texts", tags=["server"])
def texts(request: Request, language: str = "") -> Response:
    """What the wall says in a language, or in the browser's; needs no token."""
    found = wall_texts(language or request.headers.get("accept-language", ""))
    return JSONResponse(found, headers={"Vary": "Accept-Language"})


@router.get(
    "/metrics",
    tags=["server"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(parts: Parts, _: Watching) -> Response:
    """Numbers for Prometheus."""
    return Response(parts.exposition.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


# Log-in.


@router.post("/v1/login", tags=["log-in"], responses={401: {}, 429: {}})
async def log_in(body: LogIn, request: Request, response: Response, parts: Parts) -> Who:
    """Exchange a token for a cookie, which lasts twelve hours."""
    parts.access.check_origin(request.headers)
    address = request.client.host if request.client else ""
    grant, session = parts.access.log_in(body.token, address)
    response.set_cookie(
        COOKIE,
        session,
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=parts.secure,
        path="/",
    )
    return _who(grant)


@router.post("/v1/logout", tags=["log-in"], status_code=204)
async def log_out(request: Request, parts: Parts) -> Response:
    """End the session of this cookie."""
    parts.access.check_origin(request.headers)
    parts.access.log_out(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@router.get("/v1/me", tags=["log-in"])
async def me(request: Request, parts: Parts) -> Who:
    """Who asks."""
    return _who(parts.access.grant(request))


# Calls.


@router.get("/v1/calls", tags=["calls"])
async def calls(parts: Parts, _: Watching) -> Json:
    """The calls that go on, then those that ended in the last ten minutes."""
    return {"calls": [call.info() for call in parts.board.calls]}


@router.get("/v1/calls/{call_id}", tags=["calls"])
async def call(call_id: str, parts: Parts, _: Watching) -> Json:
    """One call now."""
    return _call(parts, call_id).info()


@router.get("/v1/calls/{call_id}/history", tags=["calls"])
async def history(
    call_id: str, parts: Parts, _: Watching, since_s: Annotated[float, Query(ge=0)] = 0.0
) -> Json:
    """The last hour of a call, or what of it came after `since_s`."""
    return _call(parts, call_id).history(since_s)


@router.post("/v1/calls/{call_id}/acknowledge", tags=["calls"])
async def acknowledge(
    call_id: str, body: Acknowledgement, parts: Parts, _: Watching
) -> dict[str, list[int]]:
    """Say that somebody has seen to alerts of a call."""
    return {"numbers": parts.board.acknowledge(_call(parts, call_id), body.numbers)}


@router.delete("/v1/calls/{call_id}", tags=["calls"], status_code=202)
async def end(call_id: str, parts: Parts, grant: Administering) -> Json:
    """End a call here; the conversation itself goes on."""
    found = _call(parts, call_id)
    reason = tr("Ended by {name}.", name=grant.name)
    here = parts.sessions.end(found, Closing.COMPLETED, reason)
    if not here and not await parts.board.host.end(found.id, reason):
        raise Refused(409, tr("The call is over."))
    return {"call": call_id}


@router.get("/v1/alerts", tags=["calls"])
async def alerts(
    parts: Parts, _: Watching, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> Json:
    """The newest alerts of all calls, and what keeps alerts from anybody."""
    return {"alerts": parts.board.alerts[:limit], "problems": list(parts.board.load.problems)}


@router.get("/v1/taps/placement", tags=["taps"])
async def placement(request: Request, parts: Parts, _: Ingesting) -> dict[str, str]:
    """The server that is to take the next call: ask this first where a client follows no redirect.

    One server names itself; one of a cluster the worker with the most room.
    """
    if (reason := parts.board.refusal()) is not None:
        raise Refused(503, reason, 5.0)
    here = f"ws{'s' if parts.secure else ''}://{request.url.netloc}"
    return {"url": parts.board.host.elsewhere() or here}


@router.put("/v1/audiosocket/{uuid}", tags=["taps"], status_code=204)
async def announce(uuid: UUID, body: Announcement, parts: Parts, grant: Ingesting) -> Response:
    """Announce a call that Asterisk will send with this UUID, within the hour."""
    expected = ExpectedCall(
        grant,
        name_of(body.title, "") or None,
        body.role,
        sampling_rate(body.rate),
        body.consent,
    )
    if body.other is not None:
        if body.other == uuid:
            raise Refused(400, tr("Each party of a call has a UUID of its own."))
        expected = replace(expected, parties=PartiesWire(uuid))
        (others,) = set(Role) - {body.role}
        parts.audiosocket.expect(body.other, replace(expected, role=others))
    parts.audiosocket.expect(uuid, expected)
    return Response(status_code=204)


# Past calls.


@router.get("/v1/sessions", tags=["past calls"])
def sessions(
    parts: Parts,
    _: Watching,
    query: str = "",
    q: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Json:
    """Past calls that match `angry longer than 10 s last week`, newest first."""
    page = parts.history.find(query or q, limit, offset)
    return {
        "sessions": list(page.sessions),
        "total": page.total,
        "limit": limit,
        "offset": offset,
    }


@router.get("/v1/sessions/{session_id}", tags=["past calls"])
def session(session_id: str, parts: Parts, _: Watching) -> Json:
    """Everything about a past call but its sound."""
    return parts.history.session(session_id)


@router.get(
    "/v1/sessions/{session_id}/audio/{stream}",
    tags=["past calls"],
    response_class=FileResponse,
    responses={200: {"content": {"audio/flac": {}}}},
)
def sound(session_id: str, stream: str, parts: Parts, _: Watching) -> FileResponse:
    """One party's sound, where it is kept."""
    found = parts.history.sound(session_id, stream)
    gone = BackgroundTask(found.path.unlink, missing_ok=True) if found.temporary else None
    return FileResponse(found.path, media_type="audio/flac", background=gone)


@router.delete("/v1/sessions/{session_id}", tags=["past calls"], status_code=204)
def delete(session_id: str, parts: Parts, grant: Administering) -> Response:
    """Delete a past call for good."""
    parts.history.delete(session_id, grant.name)
    return Response(status_code=204)


# Watchers.


@router.websocket("/v1/watch")
async def watch(socket: WebSocket) -> None:
    """What every call says."""
    parts = services(socket)
    await serve_watcher(socket, parts.board, parts.access, None)


@router.websocket("/v1/calls/{call_id}/watch")
async def watch_call(socket: WebSocket, call_id: str) -> None:
    """What one call says."""
    parts = services(socket)
    await serve_watcher(socket, parts.board, parts.access, call_id)
