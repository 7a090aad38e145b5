"""A GPU: one process and one model, several files open at once so that batches are full."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import replace

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Done, Failed, Message, Tell, Waiting
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork
from emolive.errors import EmoliveError
from emolive.inference.batching import BatchingClassifier
from emolive.inference.classifier import Classifier
from emolive.inference.providers import largest_batch
from emolive.speech.silero import SileroVad

# Of one file: what its windows share goes to the GPU once.
_FILE_BATCH = 16
_ROOM = 256  # messages; who has more to say waits
_LOOK_EVERY_S = 0.3


class _Stop(BaseException):
    """No more is wanted."""


def run_in_threads(
    settings: ArchiveSettings,
    items: Sequence[AudioInput],
    jobs: int,
    tell: Tell,
    classifier: Classifier,
    *,
    max_batch: int | None = None,
) -> None:
    """Do `items`, `jobs` at a time, with windows of different files batched; `tell` in this thread.

    Whatever ends it early (what `tell` raises included), files that are finished by then are told,
    and no thread is left.

    Files are begun in this order. Nobody else may use `classifier` meanwhile. `max_batch` None: as
    its processor takes.

    Raises:
        EmoliveError: nothing can be had from any file.
    """
    batches = BatchingClassifier(classifier, max_batch or largest_batch(classifier.provider))
    engine = settings.engine.model_copy(update={"max_batch": _FILE_BATCH})
    work = FileWork(batches, SileroVad(), replace(settings, engine=engine))
    crew = _Crew(work, items, min(jobs, len(items)))
    try:
        crew.listen(tell)
    finally:
        crew.end(tell)
        batches.close()


class _Crew:
    """Threads that take one file after the other; messages wait in a queue of `_ROOM`."""

    def __init__(self, work: FileWork, items: Sequence[AudioInput], jobs: int) -> None:
        self._work = work
        self._items = iter(items)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._said: queue.Queue[Message | EmoliveError | None] = queue.Queue(_ROOM)
        self._threads = [
            threading.Thread(target=self._run, name=f"emolive file {n + 1}", daemon=True)
            for n in range(jobs)
        ]
        for thread in self._threads:
            thread.start()

    def listen(self, tell: Tell) -> None:
        """Pass on what the threads say until all are through."""
        at_work = len(self._threads)
        while at_work:
            try:
                said = self._said.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                tell(Waiting())
                continue
            if said is None:
                at_work -= 1
            elif isinstance(said, EmoliveError):
                raise said
            else:
                tell(said)

    def end(self, tell: Tell) -> None:
        """Wait for the threads, which stop at their next step."""
        self._stop.set()
        while any(thread.is_alive() for thread in self._threads) or not self._said.empty():
            try:
                said = self._said.get(timeout=0.05)
            except queue.Empty:
                continue
            if isinstance(said, Done | Failed):
                tell(said)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    item = next(self._items, None)
                if item is None:
                    break
                self._work.attempt(item, self._tell)
        except _Stop:
            pass
        except EmoliveError as error:
            self._said.put(error)
        finally:
            self._said.put(None)

    def _tell(self, message: Message) -> None:
        if self._stop.is_set() and isinstance(message, Advanced):
            raise _Stop
        self._said.put(message)
