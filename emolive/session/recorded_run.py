"""What a run has to offer to be recorded."""

from __future__ import annotations

from typing import Protocol

from emolive.engine.capture import LiveAudio
from emolive.engine.hub import Hub
from emolive.types import EngineStatus, RunFacts


class RecordedRun(Protocol):
    """A live run, not started yet or in the middle: `LiveEngine` is one.

    The last event of a run on its hub is its STOPPED or FAILED status.
    """

    @property
    def hub(self) -> Hub:
        """Where its events come out."""

    @property
    def audio(self) -> LiveAudio | None:
        """What its source writes; another object after the source was opened again."""

    @property
    def facts(self) -> RunFacts:
        """What it is."""

    def status(self) -> EngineStatus:
        """How it is doing."""
