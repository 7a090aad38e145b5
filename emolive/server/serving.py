"""Running a server until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn

from emolive.errors import EmoliveError
from emolive.heap import give_back_memory
from emolive.i18n import ntr, tr
from emolive.server.access import Access
from emolive.server.app import build
from emolive.server.audiosocket import AudioSocketCalls, AudioSocketPort
from emolive.server.central_feed import CentralFeed, LostCalls
from emolive.server.central_past import CentralPast
from emolive.server.history import LibraryHistory
from emolive.server.host import ServerHost
from emolive.server.ingest import Sessions
from emolive.server.local_host import LocalHost
from emolive.server.prometheus import Exposition
from emolive.server.protocols import BoundedHttp, ConnectionLimits, UnhurriedWebSocket
from emolive.server.recordings import AddressRecordings, LibraryRecordings, RecordingMover
from emolive.server.services import CentralHistory, Services
from emolive.server.settings import ServerSettings
from emolive.server.signatures import AudioHookSignatures
from emolive.server.switchboard import Switchboard
from emolive.server.taps.tap import Closing
from emolive.server.tokens import TokenFile, Tokens
from emolive.session.database import library_folder
from emolive.session.library import Library

_log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 1 << 20
_PING_S = 20.0
_BACKLOG = 1_024
_SECOND_S = 1.0
_EXPIRE_EVERY_S = 3_600.0
_CLIENTS_LEAVE_S = 10.0
_STORED_WITHIN_S = 60.0
_WATCHERS_LEAVE_S = 3.0
_END_WITHIN_S = 5.0
_LOOK_S = 0.05
_CHATTY = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


class EmoliveServer:
    """A server: `run` it on the thread that is to have it, `stop` it from any."""

    def __init__(
        self,
        settings: ServerSettings,
        tell: Callable[[str], None],
        host: Callable[[ServerSettings, Library], ServerHost] = LocalHost,
    ) -> None:
        """Check everything, load the model, and begin to listen; takes seconds.

        `tell` is given sentences for whoever started it; `host` runs the calls.

        Raises:
            EmoliveError: something cannot be used, or would be open to others without protection.
        """
        give_back_memory()
        self._settings = settings
        self._tell = tell
        self._tls = settings.tls()
        settings.check_token()
        settings.check_sites()
        folder = settings.tokens_in or library_folder(settings.library)
        file = TokenFile(folder)
        self.token = settings.token
        if self.token is None and not file.tokens():
            if not settings.local:
                raise EmoliveError(
                    "{host} can be reached from other computers: make a token first "
                    "(`emolive serve token add NAME`), or give --token.",
                    host=settings.host,
                )
            self.token = secrets.token_urlsafe(24)
        tokens = Tokens(file, self.token)
        self._socket = _listen(settings.host, settings.port)
        try:
            self._library = Library.open(settings.library)
            self._central = None if settings.history is None else CentralHistory(settings.history)
            self._address = settings.recordings and AddressRecordings(settings.recordings)
            self._host = host(settings, self._library)
        except BaseException:
            self._socket.close()
            raise
        self._access = Access(tokens, settings.origins, settings.public_url)
        self.board: Switchboard | None = None
        self._sessions = Sessions(self._access, settings.stall_s)
        self._limits = ConnectionLimits(settings.max_connections, settings.per_address)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = threading.Event()
        self._stop: asyncio.Event | None = None
        self.audiosocket_port: int | None = None
        self.started = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its address."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"http{'s' if self._tls else ''}://{host}:{self.port}"

    def run(self) -> None:
        """Serve until it is told to stop by `stop`, SIGTERM or SIGINT."""
        for name in _CHATTY:
            # Below this it tells addresses, which may hold tokens.
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("uvicorn.error").addFilter(_no_false_alarm)
        config = uvicorn.Config(
            lambda *_: None,
            log_config=None,
            access_log=False,  # addresses may hold tokens
            server_header=False,
            lifespan="off",
            http=cast(Any, partial(BoundedHttp, limits=self._limits)),
            ws=UnhurriedWebSocket,
            ws_max_size=_LONGEST_MESSAGE,
            ws_per_message_deflate=False,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=round(_CLIENTS_LEAVE_S),
            ssl_certfile=self._settings.certificate,
            ssl_keyfile=self._settings.private_key,
        )
        try:
            with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
                runner.run(self._serve(config))
        finally:
            self._socket.close()
            self._library.close()

    def stop(self) -> None:
        """Take no more calls, end those that go on in good order, and return from `run`."""
        self._draining.set()
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # it is over
                self._loop.call_soon_threadsafe(self._stop.set)

    def end_call(self, call_id: str, reason: str) -> bool:
        """End a call, from another thread; whether somebody brings it."""
        loop = self._loop
        if loop is None or self._draining.is_set():
            return False
        return asyncio.run_coroutine_threadsafe(self._end_call(call_id, reason), loop).result(
            _END_WITHIN_S
        )

    async def _end_call(self, call_id: str, reason: str) -> bool:
        call = None if self.board is None else self.board.call(call_id)
        return call is not None and self._sessions.end(call, Closing.COMPLETED, reason)

    async def _serve(self, config: uvicorn.Config) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        if self._draining.is_set():
            self._stop.set()
        settings = self._settings
        self.board = board = Switchboard(
            self._host,
            name=settings.name,
            shown_after_s=settings.shown_after_s,
            pace=settings.pace,
        )
        sessions = self._sessions
        expected = AudioSocketCalls()
        history = self._history()
        mover = None
        if self._address and settings.name:
            mover = RecordingMover(self._library, self._address, settings.name)

        def connections() -> int:
            return len(server.server_state.connections) + audiosocket.connections

        services = Services(
            settings,
            self._access,
            board,
            sessions,
            history,
            Exposition(board, lambda: self._host.metrics, self._limits, connections),
            AudioHookSignatures(settings.audiohook_secrets),
            expected,
            self._central,
            mover,
            settings.cluster or settings.name,
        )
        config.app = build(services)
        server = _Uvicorn(config, self.stop)
        audiosocket = AudioSocketPort(
            board,
            self._access,
            sessions,
            expected,
            local=settings.local,
            limits=self._limits,
        )
        tasks = []
        try:
            if settings.audiosocket_port is not None:
                await audiosocket.listen(settings.host, settings.audiosocket_port, self._tls)
                self.audiosocket_port = audiosocket.port
            serving = asyncio.create_task(server.serve(sockets=[self._socket]))
            tasks = [
                serving,
                asyncio.create_task(board.run()),
                asyncio.create_task(self._look_after(sessions, history, mover)),
            ]
            if self._central is not None:
                writer = self._central.writer
                feed = (
                    CentralFeed(board, self._library, writer, settings.name)
                    if settings.name
                    else LostCalls(board, writer)
                )
                tasks.append(asyncio.create_task(feed.run()))
            while not server.started and not serving.done():
                await asyncio.sleep(_LOOK_S / 10)
            self.started.set()
            self._announce()
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            await self._drain(board, sessions)
            await audiosocket.close()
            server.should_exit = True
            await asyncio.wait([serving])
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            await audiosocket.close()
            await self._host.close()
            if self._central is not None:
                await asyncio.to_thread(self._central.close)
            if mover is not None:
                await asyncio.to_thread(mover.move)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _drain(self, board: Switchboard, sessions: Sessions) -> None:
        """Let calls go on for as long as was asked for; then end them, and store everything."""
        board.draining = True
        running = len(board.running)
        if running:
            self._tell(
                ntr(
                    "Going down: {count} call to be ended.",
                    "Going down: {count} calls to be ended.",
                    running,
                )
            )
        await _until(lambda: not board.running, self._settings.drain_s)
        sessions.end_all(tr("The server is going down."))
        self._host.drain()
        await _until(lambda: not len(sessions), _CLIENTS_LEAVE_S)
        stored = await _until(
            lambda: all(call.hosted.state.over for call in board.calls), _STORED_WITHIN_S
        )
        if not stored:
            self._tell(tr("Not every recording is stored yet: the next start puts it right."))
        await _until(lambda: board.all_told, _WATCHERS_LEAVE_S)
        board.closed = True
        await _until(lambda: not board.watchers, _WATCHERS_LEAVE_S)

    def _history(self) -> LibraryHistory | CentralPast:
        """Past calls: all of them where there is a central history, else those that are kept."""
        if self._central is None:
            return LibraryHistory(self._library)
        kept = self._address or LibraryRecordings(self._library)
        labels = self._host.model.labels
        return CentralPast(self._central.store, self._central.search, kept, self._library, labels)

    async def _look_after(
        self,
        sessions: Sessions,
        history: LibraryHistory | CentralPast,
        mover: RecordingMover | None,
    ) -> None:
        expired_at = time.monotonic()
        moving: asyncio.Task[None] | None = None
        while True:
            await asyncio.sleep(_SECOND_S)
            sessions.tick()
            if mover is not None and (moving is None or moving.done()):
                moving = asyncio.create_task(asyncio.to_thread(mover.move))
            if time.monotonic() - expired_at >= _EXPIRE_EVERY_S:
                expired_at = time.monotonic()
                try:
                    await self._host.expire()
                    if mover is not None:
                        await asyncio.to_thread(mover.expire, datetime.now(UTC))
                    if isinstance(history, CentralPast):
                        await asyncio.to_thread(history.expire)
                except EmoliveError:
                    _log.warning("Old sessions could not be deleted", exc_info=True)

    def _announce(self) -> None:
        self._tell(tr("The wall is at {url}/, the API's page at {url}/docs.", url=self.url))
        if self.audiosocket_port is not None:
            self._tell(
                tr(
                    "AudioSocket listens at {host}:{audiosocket_port}.",
                    host=self._settings.host,
                    audiosocket_port=self.audiosocket_port,
                )
            )
        if self._settings.token is None and self.token is not None:
            self._tell(tr("The token of this run, for everything: {token}", token=self.token))


def _no_false_alarm(record: logging.LogRecord) -> bool:
    """Uvicorn takes a refusal before a WebSocket opens for a handshake that was forgotten."""
    return "without completing handshake" not in record.getMessage()


class _Uvicorn(uvicorn.Server):
    """Uvicorn, which a signal does not stop at once: calls are ended first."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop_all = stop
        self._asked = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends calls in good order, a second SIGINT everything at once."""
        if self._asked and sig == signal.SIGINT:
            super().handle_exit(sig, frame)
        self._asked = True
        self._stop_all()


async def _until(true: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until something is true, at most so long; whether it is."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        EmoliveError: it cannot.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise EmoliveError(
            "The server cannot listen at {host}:{port} ({reason}): choose another --port.",
            host=host,
            port=port,
            reason=why or error,
        ) from error
