"""Recording processes that are killed at random moments."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.session.database import DATABASE_FILE
from emolive.session.library import Library
from emolive.session.records import SessionInfo, SessionState
from tests.conftest import REPOSITORY
from tests.models import tiny_model
from tests.session.killed_sound import NATIVE, STREAMS, sound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX")

KILLS = 75
AT_ONCE = 3
SPEED = 6.0  # times real time, so that a second of recording has many windows
MAY_LOSE_S = 1.0


@dataclass(frozen=True)
class Log:
    """What a killed process saw: (when, how far) of its audio and of its answers."""

    started: float | None
    audio: list[tuple[float, int]]
    windows: list[tuple[float, int]]

    @classmethod
    def read(cls, path: Path) -> Log:
        from tests.session.killed import ENTRY

        data = path.read_bytes() if path.exists() else b""
        entries = list(ENTRY.iter_unpack(data[: len(data) // ENTRY.size * ENTRY.size]))
        begins = [when for what, when, _ in entries if what == b"s"]
        return cls(
            begins[0] if begins else None,
            [(when, far) for what, when, far in entries if what == b"a"],
            [(when, far) for what, when, far in entries if what == b"w"],
        )


class Nursery:
    """Starts processes that record."""

    def __init__(self, model: Path) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.session.killed", str(model), str(SPEED)],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._alive: set[int] = set()

    def start(self, library: Path, log: Path) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._lock:
            self._server.stdin.write(f"{library} {log}\n")
            self._server.stdin.flush()
            number = int(self._server.stdout.readline())
            self._alive.add(number)
            return number

    def kill(self, number: int) -> float:
        """Kill a process and wait until it is gone; when that was."""
        when = time.monotonic()
        os.kill(number, signal.SIGKILL)
        self._alive.discard(number)
        with suppress(ProcessLookupError):
            while True:
                os.kill(number, 0)
                time.sleep(0.002)
        return when

    def close(self) -> None:
        for number in self._alive:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(60)
        self._server.stdout.close()


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    model = tmp_path / "tiny.onnx"
    tiny_model(model)
    nursery = Nursery(model)
    yield nursery
    nursery.close()


def integrity(folder: Path) -> str:
    with sqlite3.connect(folder / DATABASE_FILE) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    assert broken == []
    return str(answer)


def recovered(folder: Path, title: str) -> SessionInfo | None:
    """The session of this title once it is recovered, by us or by a recorder that just starts."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with Library.open(folder) as library:
            found = [info for info in library.sessions() if info.title == title]
            if not found or found[0].state is SessionState.COMPLETE:
                return found[0] if found else None
        time.sleep(0.01)
    raise AssertionError(f"session {title} is not recovered")


def check_session(library: Library, info: SessionInfo, log: Log, killed: float) -> float:
    """All but the last second is there, and right; how many seconds were lost."""
    assert info.state is SessionState.COMPLETE
    assert info.recovered
    spoken = sound()
    safe = max([far for when, far in log.audio if when <= killed - MAY_LOSE_S], default=0)
    lengths = []
    for channel, stream in enumerate(STREAMS):
        path = library.audio_path(info.id, stream)
        assert path is not None
        audio, rate = sf.read(path, dtype="float32")
        assert rate == NATIVE
        lengths.append(len(audio))
        assert len(audio) >= safe, (len(audio), safe)
        np.testing.assert_array_equal(audio, spoken[: len(audio), channel])
    written = max([far for _, far in log.audio], default=0)
    # The ring may be ahead of the log by one block.
    assert max(lengths) <= written + round(SPEED * NATIVE)
    windows = library.windows(info.id, STREAMS[0])
    ends = [window.end_sample for window in windows]
    assert all(window.start_sample >= 0 for window in windows)
    for when, end in log.windows:
        assert end in ends or when > killed - MAY_LOSE_S, (when, killed, end)
    assert info.duration_samples >= max([*lengths, *ends])
    assert info.duration_samples - min(lengths) <= MAY_LOSE_S * SPEED * NATIVE
    for stream in STREAMS:
        segments = library.segments(info.id, stream)
        if library.windows(info.id, stream):
            assert segments[0].start_sample == 0
            assert segments[-1].end_sample == info.duration_samples
            for one, other in pairwise(segments):
                assert one.end_sample == other.start_sample
    until_kill = max([far for when, far in log.audio if when <= killed], default=0)
    return max(0.0, (until_kill - min(lengths)) / NATIVE / SPEED)


def test_a_kill_at_any_moment_loses_a_second_at_most(
    tmp_path: Path, folder: Path, nursery: Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several processes record into one library; each is killed, recovered, and looked at.

    The others go on meanwhile, and must not be touched by the recovery.
    """
    chance = random.Random()
    seed = chance.randrange(10**9)
    chance.seed(seed)
    Library.open(folder).close()
    plan = iter([chance.uniform(0.0, 2.2) for _ in range(KILLS)])
    plan_lock, check_lock = threading.Lock(), threading.Lock()
    losses: list[float] = []
    unborn: list[int] = []
    problems: list[BaseException] = []

    def lane() -> None:
        while not problems:
            with plan_lock:
                life = next(plan, None)
                number = len(losses) + len(unborn)
            if life is None:
                return
            log_path = tmp_path / f"{threading.get_ident()}-{number}-{chance.random()}.log"
            process = nursery.start(folder, log_path)
            deadline = time.monotonic() + 30
            if life > 0.3:  # the others are killed wherever they are on their way
                while Log.read(log_path).started is None and time.monotonic() < deadline:
                    time.sleep(0.01)
            time.sleep(life)
            killed = nursery.kill(process)
            log = Log.read(log_path)
            with check_lock:
                info = recovered(folder, log_path.name)
                if info is None:
                    heard = [far for when, far in log.audio if when <= killed - MAY_LOSE_S]
                    assert max(heard, default=0) == 0, f"a session is missing (seed {seed})"
                    unborn.append(number)
                    continue
                with Library.open(folder) as library:
                    losses.append(check_session(library, info, log, killed))
                    if len(losses) % 5:
                        library.delete(info.id)
                if len(losses) % 10 == 0:
                    assert integrity(folder) == "ok"

    def guarded() -> None:
        try:
            lane()
        except BaseException as error:
            problems.append(error)

    lanes = [threading.Thread(target=guarded) for _ in range(AT_ONCE)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    if problems:
        raise problems[0]
    assert len(losses) + len(unborn) == KILLS
    assert len(losses) >= 50
    assert integrity(folder) == "ok"
    with capsys.disabled():
        sys.stdout.write(
            f" [{len(losses)} kills, lost {np.median(losses):.2f} s, most {max(losses):.2f} s]"
        )
