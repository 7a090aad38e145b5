"""Opening a source, which may take seconds: on the spot, or beside the one who asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, SourceFormat


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A source that runs: its format, the ring it writes, and when that began (clock seconds)."""

    source_format: SourceFormat
    ring: SampleRing
    at: float


class Opener(Protocol):
    """Runs a job and hands out its result."""

    def submit(self, job: Callable[[], Opened], /) -> Future[Opened]:
        """Run `job`, now or elsewhere."""
        ...


class OnTheSpot:
    """Runs the job before it returns."""

    def submit(self, job: Callable[[], Opened], /) -> Future[Opened]:
        """Run `job` now."""
        future: Future[Opened] = Future()
        try:
            future.set_result(job())
        except Exception as error:  # as an executor does
            future.set_exception(error)
        return future


class Beside:
    """Runs each job on a daemon thread of its own: a driver that hangs holds up nothing else."""

    def submit(self, job: Callable[[], Opened], /) -> Future[Opened]:
        """Run `job` on another thread."""
        future: Future[Opened] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except Exception as error:
                    future.set_exception(error)

        threading.Thread(target=run, name="emolive open", daemon=True).start()
        return future


def open_source(source: AudioSource, ring_s: float, clock: Callable[[], float]) -> Opened:
    """Open and start `source`, with a ring of `ring_s` seconds.

    Raises:
        AudioDeviceError: no such device, or it refused.
        AudioFileError: the file cannot be read as audio.
    """
    source_format = source.open()
    ring = SampleRing(round(ring_s * source_format.sampling_rate), len(source_format.streams))
    at = clock()
    source.start(ring)
    return Opened(source_format, ring, at)
