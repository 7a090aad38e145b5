"""What a server costs here: calls over real sockets to a process, beside the same without one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soxr

from emolive.errors import EmoliveError
from emolive.server.settings import ServerSettings
from emolive.types import FloatArray

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


_TELEPHONE_RATE = 8_000
_PACKET_S = 0.02
_TOKEN = "of-the-server-that-is-measured"
_WARM_UP_S = 5.0
_MONITORING = ("emolive engine", "emolive classify", "emolive batches", "emolive call feeds")


@dataclass(frozen=True, slots=True)
class ServerTiming:
    """`calls` two-party calls over sockets for `seconds`, one of whom is inferred.

    Latency from sending the packet with a window's last sample to its answer on a watcher's socket,
    in milliseconds; ``cores`` is the server's processor time per second, of all threads, and
    ``monitoring_cores`` that of the threads that monitor calls wherever they come from: engine,
    model, conversation metrics (None: it is not one process alone).
    """

    calls: int
    seconds: float
    windows: int
    windows_skipped: int
    latency_p50_ms: float
    latency_p99_ms: float
    cores: float
    monitoring_cores: float | None
    memory_mb: float

    @property
    def overhead(self) -> float | None:
        """What the server adds, as a share of what monitoring takes, where that is known."""
        return None if self.monitoring_cores is None else self.cores / self.monitoring_cores - 1


def measure_server(
    speech: FloatArray,
    rate: int,
    model: Path | None,
    provider: str,
    hop_s: float,
    *,
    calls: int,
    seconds: float = 20.0,
    serve: Serve | None = None,
) -> ServerTiming:
    """Send `calls` calls made of `speech` to a server in a process of its own, in real time.

    `serve` runs the server; what its process starts is counted, too.

    Raises:
        EmoliveError: the server did not come up, or refused a call.
    """
    narrow: FloatArray = soxr.resample(speech, rate, _TELEPHONE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        settings = ServerSettings(
            port=0,
            token=_TOKEN,
            library=Path(folder),
            model=model,
            provider=provider,
            hop_s=hop_s,
            measured=False,
        )
        with served(settings, _monitoring_s, serve) as server:
            return asyncio.run(_drive(server, narrow, calls, seconds))


def _monitoring_s() -> float:
    """In the server's process: processor time so far of the threads that monitor."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    # The model's own threads are not Python's.
    return sum(
        thread.user_time + thread.system_time
        for thread in psutil.Process().threads()
        if names.get(thread.id, _MONITORING[0]).startswith(_MONITORING)
    )


def _spent(server: Served) -> tuple[float, float | None]:
    """Processor seconds so far, of all threads and of those that monitor (None: nobody knows)."""
    spent = 0.0
    for one in server.processes:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            spent += times.user + times.system
    return spent, server.look_inside()


@dataclass(slots=True)
class _Sent:
    """When which packets of a call were sent: seconds of the call, and of the clock."""

    ends_s: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def when(self, sample_s: float) -> float | None:
        """When the sample at this second was sent."""
        i = bisect_left(self.ends_s, sample_s - 1e-6)
        return self.at[i] if i < len(self.at) else None


class _Watch:
    """What a watcher is told while it is measured."""

    def __init__(self, sent: dict[str, _Sent]) -> None:
        self._sent = sent
        self.measuring = False
        self.latencies: list[float] = []
        self.skipped: dict[str, int] = {}
        self.skipped_before: dict[str, int] = {}

    def hear(self, message: dict[str, Any], now: float) -> None:
        """Take a message."""
        kind, call = message["type"], message["call"]
        if kind == "status":
            self.skipped[call] = message["windows_skipped"]
        elif kind == "prediction" and self.measuring and call in self._sent:
            sent_at = self._sent[call].when(message["end_s"])
            if sent_at is not None:
                self.latencies.append(now - sent_at)


async def _drive(server: Served, narrow: FloatArray, calls: int, seconds: float) -> ServerTiming:
    from websockets.asyncio.client import connect

    from emolive.server.client import CallSender

    url = server.url
    sent: dict[str, _Sent] = {}
    watch = _Watch(sent)
    over = asyncio.Event()

    async def listen() -> None:
        async with connect(f"{url}/v1/watch?token={_TOKEN}", max_size=None) as socket:
            async for text in socket:
                watch.hear(json.loads(text), time.monotonic())

    async def send(number: int) -> None:
        at = number * len(narrow) // calls
        parties = [np.roll(narrow, -at), np.roll(narrow, -at - len(narrow) // 2)]
        samples = (32_767 * np.stack(parties, axis=1)).astype("<i2")
        step = round(_PACKET_S * _TELEPHONE_RATE)
        await asyncio.sleep(number / calls)
        async with CallSender(
            url, _TOKEN, sampling_rate=_TELEPHONE_RATE, channels=2, call=f"call-{number}"
        ) as call:
            mine = sent[call.call_id] = _Sent()
            begun, frames = time.monotonic(), 0
            while not over.is_set():
                frames += step
                # A packet is sent once its last sample has been spoken.
                wait_s = begun + frames / _TELEPHONE_RATE - time.monotonic()
                await asyncio.sleep(max(0.0, wait_s))
                first = (frames - step) % (len(samples) - step)
                mine.ends_s.append(frames / _TELEPHONE_RATE)
                mine.at.append(time.monotonic())
                await call.send(samples[first : first + step])

    listening = asyncio.create_task(listen())
    sending = [asyncio.create_task(send(number)) for number in range(calls)]
    try:
        await _pause(_WARM_UP_S, sending)
        before, begun = _spent(server), time.monotonic()
        watch.skipped_before, watch.measuring = dict(watch.skipped), True
        await _pause(seconds, sending)
        watch.measuring = False
        after, lasted = _spent(server), time.monotonic() - begun
        memory = server.memory_mb()
        await _pause(1.5, sending)  # the last statuses
    finally:
        over.set()
        await asyncio.wait(sending)
        listening.cancel()
        await asyncio.wait([listening])
    skipped = sum(n - watch.skipped_before.get(call, 0) for call, n in watch.skipped.items())
    p50, p99 = np.percentile(np.array(watch.latencies or [0.0]) * 1_000, (50, 99))
    return ServerTiming(
        calls,
        lasted,
        len(watch.latencies),
        skipped,
        float(p50),
        float(p99),
        (after[0] - before[0]) / lasted,
        None if after[1] is None or before[1] is None else (after[1] - before[1]) / lasted,
        memory,
    )


async def _pause(seconds: float, sending: list[asyncio.Task[None]]) -> None:
    """Wait, unless a call fails."""
    done, _ = await asyncio.wait(sending, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
