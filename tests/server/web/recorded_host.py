"""The real server, but calls are recordings: many at once, for a page to be tried with."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn

from emolive.server.access import Access
from emolive.server.app import build
from emolive.server.audiosocket import AudioSocketCalls
from emolive.server.history import LibraryHistory
from emolive.server.host import CallEvent, CallRequest, CallState, HostLoad, ModelFacts
from emolive.server.ingest import Sessions
from emolive.server.prometheus import Exposition
from emolive.server.protocols import ConnectionLimits
from emolive.server.services import Services
from emolive.server.settings import ServerSettings
from emolive.server.signatures import AudioHookSignatures
from emolive.server.switchboard import Switchboard
from emolive.server.tokens import TokenFile, Tokens
from emolive.session.library import Library
from emolive.types import EngineState, EngineStatus, FloatArray, Role
from tests.server.web.recorded import Recording

TOKEN = "a-token-for-the-wall"


class RecordedCall:
    """A `HostedCall` that began `ahead_s` ago."""

    def __init__(self, recording: Recording, ahead_s: float, *, recorded: bool) -> None:
        self.state = CallState(recording=recorded)
        self._told = recording.told
        self._began = time.monotonic() - ahead_s
        self._next = 0
        self._last: EngineStatus | None = None

    def write(self, block: FloatArray) -> None:
        """Nobody writes."""

    def finish(self, reason: str | None, gaps: int) -> None:  # noqa: ARG002
        """End it."""
        self.state = replace(self.state, over=True)

    def take(self) -> Sequence[CallEvent]:
        """What has happened since the last time."""
        found: list[CallEvent] = []
        passed = time.monotonic() - self._began
        while self._next < len(self._told) and self._told[self._next][0] <= passed:
            found.append(self._told[self._next][1])
            self._next += 1
        self._last = next((e for e in reversed(found) if isinstance(e, EngineStatus)), self._last)
        if (self.state.over or self._next == len(self._told)) and self._last is not None:
            self.finish(None, 0)
            found.append(replace(self._last, state=EngineState.STOPPED))
        return found


class RecordedHost:
    """A `CallHost`; which recording is next is told with `coming`."""

    def __init__(self, model: ModelFacts) -> None:
        self.model = model
        self.coming: RecordedCall | None = None

    def load(self) -> HostLoad:
        """Idle."""
        return HostLoad(0, 1_000, 0.01, 0.0, 2.0)

    def refusal(self) -> str | None:
        """Never."""
        return None

    def unable(self) -> str | None:
        """Nothing is missing."""
        return None

    def elsewhere(self) -> str | None:
        """Nowhere."""
        return None

    def arrivals(self) -> Sequence[tuple[CallRequest, RecordedCall]]:
        """None."""
        return ()

    async def end(self, call_id: str, reason: str) -> bool:  # noqa: ARG002
        """None goes on elsewhere."""
        return False

    def drain(self) -> None:
        """Nothing to do."""

    async def open(self, request: CallRequest) -> RecordedCall:  # noqa: ARG002
        """The one that is coming."""
        assert self.coming is not None
        return self.coming

    async def forget(self, call_id: str) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


class Wall:
    """The server. Its methods may be called from any thread."""

    def __init__(self, library: Library, folder: Path, model: ModelFacts) -> None:
        self.host = RecordedHost(model)
        self.library = library
        self.file = TokenFile(folder)
        self.access = Access(Tokens(self.file, TOKEN))
        self.port = 0
        self.board: Switchboard | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(
        self, recording: Recording, name: str, ahead_s: float = 60.0, *, recorded: bool = False
    ) -> str:
        """Begin a call; its id."""
        streams, roles = ("agent", "customer"), (Role.AGENT, Role.CUSTOMER)
        request = CallRequest(uuid4().hex, name, "pcm", 8_000, streams, roles)

        async def begin() -> None:
            assert self.board is not None
            self.host.coming = RecordedCall(recording, ahead_s, recorded=recorded)
            await self.board.open(request)

        self._do(begin())
        return request.id

    def end(self, call_id: str) -> None:
        """End a call."""
        assert self.board is not None
        call = self.board.call(call_id)
        assert call is not None
        call.hosted.finish(None, 0)

    def _do(self, work: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def serve(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Until it is told to stop."""
        self._loop = asyncio.get_running_loop()
        self.board = board = Switchboard(self.host)
        settings = ServerSettings()
        exposition = Exposition(board, lambda: exposition, ConnectionLimits(1_000, 1_000), int)
        services = Services(
            settings, self.access, board, Sessions(self.access, 20.0),
            LibraryHistory(self.library), exposition, AudioHookSignatures({}), AudioSocketCalls(),
        )  # fmt: skip
        config = uvicorn.Config(
            build(services), "127.0.0.1", self.port, log_config=None, lifespan="off",
            ws="websockets-sansio", timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = uvicorn.Server(config)
        tasks = [asyncio.create_task(board.run()), asyncio.create_task(server.serve())]
        while not server.started:
            await asyncio.sleep(0.02)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        started()
        await stop.wait()
        board.closed = True
        await asyncio.sleep(0.05)
        server.should_exit = True
        await tasks[1]
        tasks[0].cancel()
        await asyncio.wait(tasks)

    def restart(self, meanwhile: Callable[[], object]) -> None:
        """Go away with all calls, and come back at the same place after `meanwhile`."""
        self._stop()
        meanwhile()
        self._start()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve meanwhile."""
        self._start()
        try:
            yield
        finally:
            self._stop()

    def _start(self) -> None:
        started = threading.Event()
        stop: list[asyncio.Event] = []

        async def serve() -> None:
            stop.append(asyncio.Event())
            await self.serve(stop[0], started.set)

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="wall server")
        thread.start()
        assert started.wait(60)
        self._thread, self._ask_to_stop = thread, stop[0].set

    def _stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ask_to_stop)
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def wall(folder: Path, model: ModelFacts) -> Iterator[Wall]:
    """A server over a library in `folder`."""
    with closing(Library.open(folder)) as library:
        made = Wall(library, folder, model)
        with made.running():
            yield made
