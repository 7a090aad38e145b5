"""The application: routes, pages, and what is answered when something is wrong."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from emolive import __version__
from emolive.errors import EmoliveError
from emolive.i18n import in_language, tr
from emolive.server import central_routes, rest, tap_routes
from emolive.server.access import Refused
from emolive.server.history import NoSuchSession
from emolive.server.page_facts import language_of
from emolive.server.services import Services
from emolive.server.shell import Shell
from emolive.wording import complaint

_log = logging.getLogger(__name__)

WEB = Path(__file__).resolve().parent / "web"
_DOCS = Path(__file__).resolve().parent / "docs_page"
_ABOUT = """
Calls from telephone systems in, results to watchers. A token goes with every request, as
`Authorization: Bearer TOKEN`, as `?token=TOKEN`, or as the cookie of a log-in; its scope is
`ingest`, `watch` or `admin`. Errors are `{"error": "one sentence"}`.

WebSockets, which OpenAPI does not describe: the taps `/v1/taps/twilio`, `/v1/taps/audiohook`,
`/v1/taps/freeswitch` and `/v1/taps/pcm`; the watchers `/v1/watch` (every call) and
`/v1/calls/{id}/watch`, each message of which is one JSON object, as `emolive live --json` prints,
plus `call`.
"""


def build(services: Services) -> Shell:
    """The application of a server that consists of `services`."""
    app = FastAPI(
        title="emolive",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.services = services
    app.include_router(rest.router)
    app.include_router(tap_routes.router)
    if services.central is not None:
        app.include_router(central_routes.router)
    app.mount("/docs/ui", StaticFiles(directory=_swagger_ui()))
    app.mount("/docs/page", StaticFiles(directory=_DOCS))
    if WEB.is_dir():
        app.mount("/web", StaticFiles(directory=WEB))
    app.add_route("/docs", _page(_DOCS / "index.html"), include_in_schema=False)
    app.add_route("/", _page(WEB / "index.html"), include_in_schema=False)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NoSuchSession, _no_such_session)
    app.add_exception_handler(EmoliveError, _wrong)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)
    return Shell(app, tls=services.secure)


def _swagger_ui() -> Path:
    """Swagger UI's own files, in the package that carries them."""
    found = importlib.util.find_spec("fastapi_swagger")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "resources"


def _page(path: Path) -> Any:
    async def page(_: Request) -> Response:
        return FileResponse(path, media_type="text/html; charset=utf-8")

    return page


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _told(request, error.sentence, error.status, error.headers)


async def _no_such_session(request: Request, error: Exception) -> Response:
    return _told(request, str(error), 404)


async def _wrong(request: Request, error: Exception) -> Response:
    return _told(request, str(error), 400)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    loc = first["loc"] if first["type"] != "json_invalid" else ()
    where = ".".join(str(part) for part in loc if part not in ("body", "query", "path"))
    wrong = complaint(first, tr("JSON object"))
    told = tr("{field} {problem}.", field=where or tr("The request"), problem=wrong)
    return _told(request, told, 400)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {
        404: tr("There is nothing here: see /docs."),
        405: tr("That cannot be done here."),
    }
    sentence = sentences.get(error.status_code, str(error.detail))
    return _told(request, sentence, error.status_code, error.headers)


async def _internal(request: Request, error: Exception) -> Response:
    _log.error("A request could not be answered", exc_info=error)
    return _told(request, tr("The server met an error; its log has more."), 500)


def _told(
    request: Request, sentence: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem, in the language that the request asks for; English without one."""
    language = language_of(request.headers.get("accept-language", ""))
    return JSONResponse({"error": in_language(language, sentence)}, status, headers)
