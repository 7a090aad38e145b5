"""All cores: worker processes, each with a model of its own.

Processes are spawned, never forked (ONNX Runtime's threads would not survive that, and Windows
knows nothing else). Each gets one file at a time and answers with small messages. One that dies
takes nothing but its file with it, and is replaced.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Done, Failed, Message, Tell, Waiting
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork
from emolive.errors import EmoliveError
from emolive.i18n import tr, use_language
from emolive.logs import forwarded, take

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.3
_TELL_EVERY_S = 0.5
_GRACE_S = 3.0
_EXIT_WITHIN_S = 5.0


class Work(Protocol):
    """What a worker does; `FileWork` is the real one."""

    def attempt(self, item: AudioInput, tell: Tell) -> None:
        """Do one file and tell."""


Load = Callable[[ArchiveSettings], Work]


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_in_processes(
    settings: ArchiveSettings,
    items: Sequence[AudioInput],
    jobs: int,
    tell: Tell,
    load: Load = FileWork.load,
) -> None:
    """Do `items` in up to `jobs` processes, the largest first, and `tell` in this thread.

    Whatever ends it early (what `tell` raises included), files that are finished by then are told,
    and no process is left.

    `load` makes the work in the worker and must be importable there.

    Raises:
        EmoliveError: workers cannot start, or nothing can be had from any file.
    """
    # So that the last one is no long one, with all other cores idle.
    waiting = deque(sorted(items, key=lambda item: item.size, reverse=True))
    pool = _Pool(settings, load, tell)
    try:
        for _ in range(min(jobs, len(waiting))):
            pool.start()
        pool.serve(waiting)
    except BaseException:
        pool.abandon()
        raise
    finally:
        pool.end()


@dataclass(frozen=True, slots=True)
class _Ready:
    """The worker can take a file."""


@dataclass(frozen=True, slots=True)
class _Hopeless:
    """Nothing can be had from any file."""

    sentence: str


_Report = Message | _Ready | _Hopeless | logging.LogRecord


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection[object, _Report]
    loaded: bool = False
    item: AudioInput | None = None


class _Pool:
    def __init__(self, settings: ArchiveSettings, load: Load, tell: Tell) -> None:
        self._settings = settings
        self._load = load
        self._tell = tell
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def start(self) -> None:
        """One more worker."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work,
            args=(theirs, self._settings, self._load),
            name=f"emolive worker {len(self._workers) + 1}",
            daemon=True,
        )
        with _interrupts_ignored():
            process.start()
        # Ours must be the only one, or its end would never be seen.
        theirs.close()
        self._workers.append(_Worker(process, ours))

    def serve(self, waiting: deque[AudioInput]) -> None:
        """Hand out files until all are done."""
        while waiting or any(worker.item for worker in self._workers):
            self._tell(Waiting())
            for worker in self._heard(_LOOK_EVERY_S):
                report = _receive(worker)
                if report is None:
                    self._bury(worker)
                    if waiting:
                        self.start()
                elif isinstance(report, logging.LogRecord):
                    take(report)
                elif isinstance(report, _Hopeless):
                    raise EmoliveError(report.sentence)
                elif isinstance(report, _Ready):
                    worker.loaded, worker.item = True, None
                    if waiting:
                        self._hand(worker, waiting)
                else:
                    self._tell(report)

    def abandon(self) -> None:
        """Let go of the files in work, but tell of those that are finished all the same."""
        for worker in self._workers:
            with suppress(OSError):
                worker.connection.send(None)
        deadline = time.monotonic() + _GRACE_S
        while self._workers and (left := deadline - time.monotonic()) > 0:
            for worker in self._heard(left):
                report = _receive(worker)
                if report is None:
                    self._workers.remove(worker)
                    worker.process.join(_EXIT_WITHIN_S)
                elif isinstance(report, Done | Failed):
                    self._tell(report)

    def end(self) -> None:
        """No process is left afterwards."""
        for worker in self._workers:
            with suppress(OSError):
                worker.connection.send(None)
                worker.connection.close()
        for worker in self._workers:
            worker.process.join(_EXIT_WITHIN_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _heard(self, timeout_s: float) -> list[_Worker]:
        """Workers that have something to say, or died."""
        ready = wait([worker.connection for worker in self._workers], timeout_s)
        return [worker for worker in self._workers if worker.connection in ready]

    def _hand(self, worker: _Worker, waiting: deque[AudioInput]) -> None:
        item = waiting.popleft()
        try:
            worker.connection.send(item)
            worker.item = item
        except OSError:  # it died just now, which is not this file's fault
            waiting.appendleft(item)

    def _bury(self, worker: _Worker) -> None:
        """A worker died: its file failed, or it never started."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(_EXIT_WITHIN_S)
        how = _how_it_ended(worker.process.exitcode)
        if not worker.loaded:
            raise EmoliveError(
                "A worker process {how} before it could start: use fewer of them with "
                "--jobs, perhaps memory is short.",
                how=how,
            )
        if worker.item is not None:
            self._tell(
                Failed(
                    worker.item,
                    tr(
                        "{item} could not be analysed: its worker process {how}, because of "
                        "this file or because memory is short (--jobs 1 needs least).",
                        item=worker.item,
                        how=how,
                    ),
                )
            )


class _interrupts_ignored:  # noqa: N801 - used like a function
    """While a process is started it inherits this, and Ctrl-C does not hit it half-made."""

    def __enter__(self) -> None:
        self._before = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def _receive(worker: _Worker) -> _Report | None:
    """The next report, or None when the worker is gone."""
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        return None


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return tr("stopped answering")
    if code < 0:
        with suppress(ValueError):
            return tr("was ended by {name}", name=signal.Signals(-code).name)
    return (
        tr("ended with code {code}", code=f"{code & 4294967295:#x}")
        if code > 255
        else tr("ended with code {code}", code=code)
    )


class _Stop(BaseException):
    """The parent wants no more, or is gone."""


def _work(
    connection: Connection[_Report, AudioInput | None], settings: ArchiveSettings, load: Load
) -> None:
    """A worker's life."""
    # Ctrl-C reaches every process of a terminal: the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_language(settings.language)
    line = _Line(connection)
    with suppress(_Stop), forwarded(line.send):
        try:
            work = load(settings)
            while True:
                line.send(_Ready())
                work.attempt(line.next_item(), line.tell)
        except EmoliveError as error:
            line.send(_Hopeless(str(error)))
        except Exception as error:
            _log.exception("A worker process failed")
            line.send(
                _Hopeless(
                    tr(
                        "A worker process failed ({kind}: {error}).",
                        kind=type(error).__name__,
                        error=error,
                    )
                )
            )


class _Line:
    """A worker's end of the line to its parent; progress goes out now and then only."""

    def __init__(self, connection: Connection[_Report, AudioInput | None]) -> None:
        self._connection = connection
        self._told_at = 0.0

    def next_item(self) -> AudioInput:
        try:
            item = self._connection.recv()
        except (EOFError, OSError):
            raise _Stop from None
        if item is None:
            raise _Stop
        return item

    def send(self, report: _Report) -> None:
        try:
            self._connection.send(report)
        except OSError:
            raise _Stop from None

    def tell(self, message: Message) -> None:
        if isinstance(message, Advanced):
            # During a file, whatever comes from the parent, its end included, means: stop.
            if self._connection.poll():
                raise _Stop
            if (now := time.monotonic()) - self._told_at < _TELL_EVERY_S:
                return
            self._told_at = now
        self.send(message)
