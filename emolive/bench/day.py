"""A day of calls that come and go, in less time: what a server keeps of them when they are over."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
import re
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soxr

from emolive.bench.server import Serve, Served, served
from emolive.errors import EmoliveError
from emolive.server.settings import Keeping, ServerSettings
from emolive.types import FloatArray

_RATE = 8_000
_BLOCK_S = 0.1
_TOKEN = "of-the-server-that-is-watched"
_QUIET_WITHIN_S = 60.0
# Calls at once on average; each speaks so long, and a few break off without a word.
_AT_ONCE = 3
_LENGTH_S = 30.0
_RUDE = 0.2
_SEED = 24

# Databases, whose connections are kept for the next who needs one.
_DATABASE = re.compile(r"\.(sqlite3|db)(-\w+)?$")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a server has after `hours`, while no call runs, with all processes that it started.

    `files` are those that are open, without databases. `tasks` are those of its event loop,
    `calls` those that it still holds (both None where only its processes can be seen from
    outside, as of a cluster).
    """

    hours: float
    calls_so_far: int
    memory_mb: float
    threads: int
    files: int
    sockets: int
    processes: int
    tasks: int | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """All looks at a server, an hour apart; the first after warm-up."""

    hours: float
    calls: int
    seconds_of_calls: float
    looks: tuple[Kept, ...]

    @property
    def growth(self) -> float:
        """Of the memory, from the first quarter's median to the last quarter's, as a share."""
        sizes = [one.memory_mb for one in self.looks]
        quarter = max(1, len(sizes) // 4)
        first, last = sorted(sizes[:quarter]), sorted(sizes[-quarter:])
        return last[len(last) // 2] / first[len(first) // 2] - 1

    @property
    def left(self) -> tuple[str, ...]:
        """What there is more of in the end than after warm-up, in words."""
        quarter = max(1, len(self.looks) // 4)
        found = []
        for name in ("threads", "files", "sockets", "processes", "tasks", "calls"):
            counts = [getattr(one, name) for one in self.looks]
            if None in counts:
                continue
            # Pools grow to their size, and shrink again: what stays is more than ever at first.
            if (more := min(counts[-quarter:]) - max(counts[:quarter])) > 0:
                found.append(f"{more} {name}")
        return tuple(found)


def run_day(
    speech: FloatArray,
    rate: int,
    model: Path | None,
    provider: str,
    hop_s: float,
    hours: float,
    *,
    pace: float = 20.0,
    calls_per_hour: int = 20,
    serve: Serve | None = None,
    tell: Callable[[Kept], None] = lambda _: None,
) -> Day:
    """Serve `hours` of calls, `pace` times as fast as they are spoken.

    Calls of half a minute on average come in each hour, are recorded, and kept in a central
    history; time in which nothing happens is left out. A watcher of every call comes and goes with
    each hour. One hour more, at the beginning, is warm-up.

    Raises:
        EmoliveError: the server did not come up, or did not come to rest.
    """
    narrow: FloatArray = soxr.resample(speech, rate, _RATE)
    with tempfile.TemporaryDirectory() as folder:
        settings = ServerSettings(
            port=0,
            token=_TOKEN,
            library=Path(folder) / "library",
            history=f"sqlite:///{folder}/history.db",
            name="bench",
            model=model,
            provider=provider,
            hop_s=hop_s,
            keeping=Keeping.TIMELINE,
            measured=False,
            shown_after_s=0.0,
            pace=pace,
        )
        with served(settings, _inside, serve) as server:
            return asyncio.run(_day(server, narrow, hours, pace, calls_per_hour, tell))


def _inside() -> tuple[int, int]:
    """In the server's process: tasks that go on, and calls that are held."""
    from emolive.server.served_call import ServedCall

    gc.collect()
    there = gc.get_objects()
    tasks = sum(type(one) is asyncio.Task and not one.done() for one in there)
    return tasks, sum(type(one) is ServedCall for one in there)


def _look(server: Served, hours: float, calls: int) -> Kept:
    """What there is now, from outside, and where it can be from inside."""
    tasks, held = server.look_inside() or (None, None)
    threads, files, sockets, processes = 0, 0, 0, 0
    for one in server.processes:
        with contextlib.suppress(psutil.Error):
            threads += one.num_threads()
            files += sum(not _DATABASE.search(file.path) for file in one.open_files())
            sockets += len(one.net_connections("all"))
            processes += 1
    return Kept(hours, calls, server.memory_mb(), threads, files, sockets, processes, tasks, held)


async def _day(
    server: Served,
    narrow: FloatArray,
    hours: float,
    pace: float,
    per_hour: int,
    tell: Callable[[Kept], None],
) -> Day:
    url = server.url
    chance = random.Random(_SEED)
    looks: list[Kept] = []
    done = 0
    spoken_s = 0.0
    for hour in range(max(2, round(hours)) + 1):
        gate = asyncio.Semaphore(_AT_ONCE)
        longest = 4 * _LENGTH_S
        lengths = [min(longest, chance.expovariate(1 / _LENGTH_S)) for _ in range(per_hour)]
        calls = [
            _call(url, narrow, f"{hour}-{n}", length_s, pace, gate, chance.random())
            for n, length_s in enumerate(lengths)
        ]
        watching = asyncio.create_task(_watch(url))
        try:
            await asyncio.gather(*calls)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        await _rest(url)
        if hour:  # the first is warm-up
            done += per_hour
            spoken_s += sum(lengths)
            looks.append(_look(server, float(hour), done))
            tell(looks[-1])
    return Day(hours, done, spoken_s, tuple(looks))


async def _call(
    url: str,
    narrow: FloatArray,
    key: str,
    length_s: float,
    pace: float,
    gate: asyncio.Semaphore,
    chance: float,
) -> None:
    from emolive.server.client import CallSender

    step = round(_BLOCK_S * _RATE)
    at = round(chance * (len(narrow) - step))
    async with gate:
        call = CallSender(url, _TOKEN, sampling_rate=_RATE, channels=2, call=key)
        loop = asyncio.get_running_loop()
        with contextlib.suppress(_BrokeOffError):
            async with call:
                begun = loop.time()
                for n in range(max(1, round(length_s / _BLOCK_S))):
                    block = narrow[at : at + step]
                    await call.send(np.stack([block, block[::-1]], axis=1))
                    at = (at + step) % (len(narrow) - step)
                    due = begun + (n + 1) * _BLOCK_S / pace
                    await asyncio.sleep(max(0.0, due - loop.time()))
                if chance < _RUDE:
                    raise _BrokeOffError


class _BrokeOffError(Exception):
    """A call that ends without a word."""


async def _watch(url: str) -> None:
    from websockets.asyncio.client import connect

    async with connect(f"{url}/v1/watch?token={_TOKEN}", max_size=None) as socket:
        async for _ in socket:
            pass


async def _rest(url: str) -> None:
    """Wait until no call and no watcher is there any more.

    Raises:
        EmoliveError: that does not come.
    """
    address = url.replace("ws", "http", 1)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _QUIET_WITHIN_S
    while True:
        about = await asyncio.to_thread(_asked, f"{address}/v1/server")
        if not (about["watchers"] or await asyncio.to_thread(_calls, address)):
            return
        if loop.time() > deadline:
            raise EmoliveError("The server holds calls that are over.")
        await asyncio.sleep(0.2)


def _calls(address: str) -> int:
    return len(_asked(f"{address}/v1/calls")["calls"])


def _asked(address: str) -> dict[str, Any]:
    wanted = urllib.request.Request(address, headers={"Authorization": f"Bearer {_TOKEN}"})
    with urllib.request.urlopen(wanted, timeout=_QUIET_WITHIN_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
