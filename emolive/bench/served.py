"""A server in a process of its own, and what it and all that it has started take."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import psutil

from emolive.errors import EmoliveError
from emolive.server.settings import ServerSettings

_UP_WITHIN_S = 180.0

# Runs a server and tells its address, or a sentence in a tuple.
Serve = Callable[[ServerSettings, Connection], None]
# Looks at a server from inside, in its process; what it finds is sent.
LookInside = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs: its address, as WebSockets take it, and its process."""

    url: str
    process: psutil.Process
    _inside: Connection | None

    @property
    def processes(self) -> tuple[psutil.Process, ...]:
        """Its process and all that this has started."""
        return (self.process, *self.process.children(recursive=True))

    def memory_mb(self) -> float:
        """Memory of all its processes, shared parts once for each."""
        found = 0.0
        for one in self.processes:
            with contextlib.suppress(psutil.Error):
                found += one.memory_info().rss / 1e6
        return found

    def look_inside(self) -> Any:
        """What is found inside now; None where it can only be seen from outside."""
        if self._inside is None:
            return None
        self._inside.send(True)
        return self._inside.recv()


@contextmanager
def served(
    settings: ServerSettings, look_inside: LookInside, serve: Serve | None
) -> Iterator[Served]:
    """A server until the end of the block; `serve` runs another kind, which is not looked into.

    Raises:
        EmoliveError: it did not come up.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    runs = serve or partial(_serve, look_inside)
    process = context.Process(target=runs, args=(settings, there))
    process.start()
    try:
        if not here.poll(_UP_WITHIN_S):
            raise EmoliveError("The server did not come up within three minutes.")
        url = here.recv()
        if not isinstance(url, str):
            raise EmoliveError("The server did not come up: {url}", url=url[0])
        yield Served(url, psutil.Process(process.pid), here if serve is None else None)
    finally:
        process.terminate()
        process.join(_UP_WITHIN_S)
        process.kill()
        process.join()


def _serve(look_inside: LookInside, settings: ServerSettings, parent: Connection) -> None:
    """The server's process."""
    from emolive.server.serving import EmoliveServer

    try:
        server = EmoliveServer(settings, lambda _: None)
    except EmoliveError as error:
        parent.send((str(error),))
        return
    parent.send(server.url.replace("http", "ws"))
    told = threading.Thread(target=_tell, args=(parent, look_inside), name="bench", daemon=True)
    told.start()
    server.run()


def _tell(parent: Connection, look_inside: LookInside) -> None:
    """Look, whenever it is asked."""
    with contextlib.suppress(EOFError, OSError):
        while parent.recv():
            parent.send(look_inside())
