"""Work that takes time, off the window's thread."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal

from emolive.errors import EmoliveError
from emolive.i18n import tr

_log = logging.getLogger(__name__)

T = TypeVar("T")
# Far more than a person can ask for while one job runs.
MAX_WAITING = 256


@dataclass(slots=True)
class _Job:
    key: str
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]
    number: int


class Worker(QObject):
    """A thread that is started when first needed, and ended by `close`.

    The thread is a daemon: what hangs must not keep the program alive. What `_work` takes is
    guarded by `_changed`, and dropped once the worker is closed.
    """

    def __init__(self, thread_name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread_name = thread_name
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def close(self, timeout: float = 1.0) -> bool:
        """Do and say nothing more; whether the thread ended within `timeout` seconds."""
        with self._changed:
            self._closed = True
            self._drop()
            self._changed.notify()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def _over(self) -> bool:
        """Whether it was closed meanwhile."""
        return self._closed

    def _wake(self) -> None:
        """There is something to do."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._thread_name, daemon=True)
            self._thread.start()
        self._changed.notify()

    @abstractmethod
    def _drop(self) -> None:
        """Forget what waits."""

    @abstractmethod
    def _work(self) -> None:
        """The thread, until the worker is closed."""


class Background(Worker):
    """One worker thread; answers arrive on the window's thread.

    Jobs run in the order in which they were asked for. A job with a key replaces one of the same
    key that still waits, and the answer of an older one is dropped: the newest question counts. At
    most `MAX_WAITING` jobs wait; overflow policy: a further one fails at once.
    """

    _answered = Signal(object, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        """A worker whose thread is called ``emolive <name>``."""
        super().__init__(f"emolive {name}", parent)
        self._waiting: deque[_Job] = deque()
        self._running: _Job | None = None
        self._newest: dict[str, int] = {}
        self._asked = 0
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        with self._changed:
            return bool(self._waiting or self._running)

    def ask(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[str], None],
        *,
        key: str = "",
    ) -> None:
        """Run `work` on the worker, then `done` with its result or `failed` with one sentence."""
        with self._changed:
            if self._closed:
                return
            self._asked += 1
            job = _Job(key, work, done, failed, self._asked)
            if key:
                self._newest[key] = job.number
                self._waiting = deque(one for one in self._waiting if one.key != key)
            if len(self._waiting) >= MAX_WAITING:
                self._answered.emit(job, None, tr("Too much at once: try again in a moment."))
                return
            self._waiting.append(job)
            self._wake()

    def forget(self, key: str) -> None:
        """Drop what waits under this key, and the answer of what runs."""
        with self._changed:
            self._asked += 1
            self._newest[key] = self._asked
            self._waiting = deque(one for one in self._waiting if one.key != key)

    def _drop(self) -> None:
        self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._running = None
                self._changed.wait_for(lambda: self._closed or bool(self._waiting))
                if self._closed:
                    return
                job = self._running = self._waiting.popleft()
            result: object = None
            problem: str | None = None
            try:
                result = job.work()
            except EmoliveError as error:
                _log.info("A job in the background could not be done", exc_info=True)
                problem = str(error)
            except Exception as error:  # a worker must not die unseen
                _log.exception("A job in the background failed")
                problem = tr(
                    "Internal error: {kind}: {error}", kind=type(error).__name__, error=error
                )
            with self._changed:
                if self._over:
                    return
                self._answered.emit(job, result, problem)

    def _on_answered(self, job: _Job, result: object, problem: str | None) -> None:
        if self._closed or (job.key and self._newest.get(job.key) != job.number):
            return
        answer = job.done if problem is None else job.failed
        asker = getattr(answer, "__self__", None)
        if isinstance(asker, QObject) and not shiboken6.isValid(asker):
            return  # a dialog that is gone needs no answer
        if problem is not None:
            job.failed(problem)
        else:
            job.done(result)


class TileReader(Protocol):
    """What computes; opened, used and closed on the worker's thread."""

    def tile(self, key: Any) -> object:
        """The piece of a key."""

    def close(self) -> None:
        """Release what is held."""


class TileWorker(Worker):
    """`computed` brings a key and its piece, `broken` one sentence why nothing will come."""

    computed = Signal(object, object)
    broken = Signal(str)
    _done = Signal(object, object)
    _failed = Signal(str)

    def __init__(
        self, name: str, open_reader: Callable[[], TileReader], parent: QObject | None = None
    ) -> None:
        super().__init__(name, parent)
        self._open = open_reader
        self._wanted: list[Any] = []
        self._done.connect(self.computed, Qt.ConnectionType.QueuedConnection)
        self._failed.connect(self.broken, Qt.ConnectionType.QueuedConnection)

    @property
    def complete(self) -> bool:
        """Whether nothing that was asked for is missing."""
        with self._changed:
            return not self._wanted

    def want(self, keys: Sequence[Any]) -> None:
        """Compute these instead of what was asked for before; nothing is no change."""
        with self._changed:
            if self._closed or not keys:
                return
            self._wanted = list(keys)
            self._wake()

    def _drop(self) -> None:
        self._wanted = []

    def _work(self) -> None:
        try:
            with closing(self._open()) as reader:
                self._compute(reader)
        except EmoliveError as error:
            with self._changed:
                if not self._closed:
                    self._closed = True
                    self._wanted = []
                    self._failed.emit(str(error))

    def _compute(self, reader: TileReader) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._wanted))
                if self._closed:
                    return
                key = self._wanted[0]
            tile = reader.tile(key)
            with self._changed:
                if self._over:
                    return
                self._wanted = [one for one in self._wanted if one != key]
                self._done.emit(key, tile)
