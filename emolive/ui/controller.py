"""Starts and stops runs on worker threads, so that the window never waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from emolive.monitoring.sources import SourceChoice
from emolive.ui.runs import Run, Runs

_log = logging.getLogger(__name__)

STOP_WITHIN_S = 2.0


class RunController(QObject):
    """At most one run at a time. All methods belong on the window's thread.

    Workers are daemon threads: a driver or model that hangs must not keep the program alive.
    Signals arrive on the window's thread.
    """

    started = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    # From the workers; queued, so that their slots run on the window's thread.
    _ready = Signal(object)
    _broken = Signal(object)
    _ended = Signal()

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._run: Run | None = None
        self._worker: threading.Thread | None = None
        self._working = False
        self._cancelled = threading.Event()
        self._closed = threading.Event()
        queued = Qt.ConnectionType.QueuedConnection
        self._ready.connect(self._on_ready, queued)
        self._broken.connect(self._on_broken, queued)
        self._ended.connect(self._on_ended, queued)

    @property
    def active(self) -> bool:
        """Whether there is a run, or one being made or ended."""
        return self._working or self._run is not None

    def start(self, choice: SourceChoice, *, split: bool) -> None:
        """Prepare and start a run; `started` or `failed` follows, or `stopped` if cancelled."""
        if self.active or self._closed.is_set():
            return
        cancelled = self._cancelled = threading.Event()
        self._work("emolive start", lambda: self._start(choice, split, cancelled))

    def stop(self) -> None:
        """End the run, or the making of one; `stopped` follows."""
        self._cancelled.set()
        if not self._working and (run := self._run) is not None:
            self._work("emolive stop", lambda: self._stop(run))

    def shutdown(self, timeout: float = STOP_WITHIN_S) -> bool:
        """End everything for good, waiting at most `timeout` seconds; whether all has ended."""
        deadline = time.monotonic() + timeout
        self._closed.set()
        self._cancelled.set()
        # A worker that makes a run may still finish it, so the run is looked for after it.
        if self._joined(deadline) and (run := self._run) is not None:
            left = max(0.2, deadline - time.monotonic() - 0.1)
            self._work("emolive close", lambda: run.stop(left))
        if not self._joined(deadline):
            return False
        self._run = None
        self._runs.close()
        return True

    def _joined(self, deadline: float) -> bool:
        if self._worker is None:
            return True
        self._worker.join(max(0.0, deadline - time.monotonic()))
        return not self._worker.is_alive()

    def _work(self, name: str, job: Callable[[], None]) -> None:
        self._working = True
        self._worker = threading.Thread(target=job, name=name, daemon=True)
        self._worker.start()

    # On a worker thread.

    def _start(self, choice: SourceChoice, split: bool, cancelled: threading.Event) -> None:
        try:
            run = self._runs.prepare(choice, split=split)
            if not cancelled.is_set():
                self._run = run
                run.start()
                self._tell(lambda: self._ready.emit(run))
                return
            self._tell(self._ended.emit)
        except Exception as error:  # a worker must not die unseen
            _log.exception("A run could not begin")
            problem = error
            self._tell(lambda: self._broken.emit(problem))

    def _stop(self, run: Run) -> None:
        run.stop(STOP_WITHIN_S)
        self._tell(self._ended.emit)

    def _tell(self, signal: Callable[[], None]) -> None:
        if not self._closed.is_set():
            signal()

    # On the window's thread.

    def _on_ready(self, run: Run) -> None:
        self._working = False
        self._run = run
        if self._cancelled.is_set():
            self._work("emolive stop", lambda: self._stop(run))
        else:
            self.started.emit(run)

    def _on_broken(self, error: Exception) -> None:
        self._working = False
        self._run = None
        self.failed.emit(error)

    def _on_ended(self) -> None:
        self._working = False
        self._run = None
        self.stopped.emit()
