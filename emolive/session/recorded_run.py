"""What a live run has to offer to be watched or recorded."""

from __future__ import annotations

from typing import Protocol

from emolive.engine.capture import LiveAudio
from emolive.engine.hub import Hub
from emolive.types import EngineStatus, RunFacts


class WatchedRun(Protocol):
    """A live run, not started yet or in the middle: `LiveRun` is one.

    The last event of a run on its hub is its STOPPED or FAILED status.
    """

    @property
    def hub(self) -> Hub:
        """Where its events come out, and alerts go."""

    @property
    def facts(self) -> RunFacts:
        """What it is."""

    def status(self) -> EngineStatus:
        """How it is doing."""


class RecordedRun(WatchedRun, Protocol):
    """One whose audio can be recorded, too."""

    @property
    def audio(self) -> LiveAudio | None:
        """What its source writes; another object after the source was opened again."""
