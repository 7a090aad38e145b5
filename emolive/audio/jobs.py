"""What may take long, such as opening a device: done on the spot, or beside the one who asks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")


class Runner(Protocol):
    """Runs a job and hands out its result."""

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Run `job`, now or elsewhere."""


class OnTheSpot:
    """Runs the job before it returns."""

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Run `job` now."""
        future: Future[T] = Future()
        _run(job, future)
        return future


class Beside:
    """Runs each job on a daemon thread of its own: a driver that hangs holds up nothing else."""

    def __init__(self, thread_name: str) -> None:
        """Threads are called `thread_name`."""
        self._thread_name = thread_name

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Run `job` on another thread."""
        future: Future[T] = Future()
        threading.Thread(
            target=_run, args=(job, future), name=self._thread_name, daemon=True
        ).start()
        return future


class InTurn:
    """Runs jobs in the order in which they come, on one daemon thread of its own."""

    def __init__(self, thread_name: str) -> None:
        """Start the thread, which is called `thread_name`."""
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=thread_name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        """Run `job` after those that wait already."""
        future: Future[T] = Future()
        self._jobs.put(lambda: _run(job, future))
        return future

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _run(job: Callable[[], T], future: Future[T]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(job())
        except Exception as error:  # handed on to who asks for the result
            future.set_exception(error)
