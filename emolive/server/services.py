"""What a running server consists of, handed to every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection, Request

from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.server.access import Access
from emolive.server.audiosocket import AudioSocketCalls
from emolive.server.history import LibraryHistory
from emolive.server.ingest import Sessions
from emolive.server.prometheus import Exposition
from emolive.server.recordings import RecordingMover
from emolive.server.settings import ServerSettings
from emolive.server.signatures import AudioHookSignatures
from emolive.server.switchboard import Switchboard
from emolive.server.tokens import Grant, Scope

if TYPE_CHECKING:
    from emolive.central.search import CentralSearch
    from emolive.central.store import CentralStore
    from emolive.central.writer import HistoryWriter
    from emolive.server.central_past import CentralPast


class CentralHistory:
    """Both ends of it."""

    store: CentralStore
    writer: HistoryWriter
    search: CentralSearch

    def __init__(self, address: str) -> None:
        """Open it, which has to be there at the start.

        Raises:
            EmoliveError: it is not, or the `cluster` extra is not installed.
        """
        try:
            from emolive.central.search import CentralSearch
            from emolive.central.store import CentralStore
            from emolive.central.writer import HistoryWriter
        except ImportError as error:
            raise EmoliveError(
                "A central history needs an extra ({error}): {way}.",
                error=error,
                way=way_to_get("cluster"),
            ) from error
        store = CentralStore(address)
        store.prepare()
        self.store = store
        self.search = CentralSearch(store)
        self.writer = HistoryWriter(store)

    def close(self) -> None:
        """Write what waits."""
        self.writer.close()


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a server; `name`: what it, or its cluster, is called."""

    settings: ServerSettings
    access: Access
    board: Switchboard
    sessions: Sessions
    history: LibraryHistory | CentralPast
    exposition: Exposition
    signatures: AudioHookSignatures
    audiosocket: AudioSocketCalls
    central: CentralHistory | None = None
    mover: RecordingMover | None = None
    name: str = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not work beside the calls: sentences."""
        found = self.mover and self.mover.problem
        return (found,) if found else ()

    @property
    def secure(self) -> bool:
        """Whether it is served with TLS."""
        return self.settings.certificate is not None

    def url(self, connection: HTTPConnection, scheme: str) -> str:
        """The address of a request as its sender wrote it, whatever proxies there are."""
        target = connection.url.path + (f"?{query}" if (query := connection.url.query) else "")
        public = self.settings.public_url
        if public is not None:
            rest = public.split("://", 1)[-1].rstrip("/")
            secure = public.startswith(("https", "wss"))
        else:
            rest, secure = connection.headers.get("host", ""), self.secure
        return f"{scheme}{'s' if secure else ''}://{rest}{target}"


def services(connection: HTTPConnection) -> Services:
    """The server's parts."""
    found: Services = connection.app.state.services
    return found


Parts = Annotated[Services, Depends(services)]

_bearer = HTTPBearer(auto_error=False, description="Or `?token=`, or the cookie of a log-in.")


def _granted(scope: Scope) -> object:
    def check(request: Request, parts: Parts, _: Annotated[object, Security(_bearer)]) -> Grant:
        if request.method not in ("GET", "HEAD"):
            parts.access.check_origin(request.headers)
        return parts.access.require(parts.access.grant(request), scope)

    return Depends(check)


Watching = Annotated[Grant, _granted(Scope.WATCH)]
Ingesting = Annotated[Grant, _granted(Scope.INGEST)]
Administering = Annotated[Grant, _granted(Scope.ADMIN)]
