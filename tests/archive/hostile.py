"""Work that goes wrong in every way a worker process may, by the name of the file.

In a module of its own, because the worker processes import it.
"""

from __future__ import annotations

import os
import signal
import time

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Begun, Done, FileResult, Tell
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork
from emolive.engine import FileAnalysis
from emolive.errors import EmoliveError, ModelError

RESULT = FileResult(duration_s=1.0, label=None, probabilities={}, seconds={}, outputs=())


class HostileWork:
    def attempt(self, item: AudioInput, tell: Tell) -> None:
        tell(Begun(item))
        name = item.path.name
        if "killed" in name:
            os.kill(os.getpid(), signal.SIGKILL)
        if "exits" in name:
            os._exit(3)
        if "hopeless" in name:
            raise ModelError("The model is broken: get another.")
        if "endless" in name:
            while True:
                tell(Advanced(item, 0.0, None))
                time.sleep(0.01)
        tell(Done(item, RESULT))


def load_hostile(_: ArchiveSettings) -> HostileWork:
    return HostileWork()


def load_nothing(_: ArchiveSettings) -> HostileWork:
    raise EmoliveError("There is nothing to load: make something.")


def load_and_die(_: ArchiveSettings) -> HostileWork:
    os._exit(9)


def load_and_trip(_: ArchiveSettings) -> HostileWork:
    raise RuntimeError("what nobody foresaw")


def broken(*_: object) -> FileAnalysis:
    raise ZeroDivisionError("what nobody foresaw")


def load_broken(settings: ArchiveSettings) -> FileWork:
    work = FileWork.load(settings)
    work._analyze = broken
    return work
