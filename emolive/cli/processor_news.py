"""That a model had to move to another processor in the middle of a run."""

from __future__ import annotations

from emolive.types import EngineStatus


class ProcessorNews:
    """Knows what was to be said of the processor when a run began, which was said then."""

    def __init__(self) -> None:
        self._status: EngineStatus | None = None
        self.moved: str | None = None

    def news(self, status: EngineStatus) -> str | None:
        """The sentence that came with this status; None: nothing new."""
        before, self._status = self._status, status
        if before is None or status.provider_note == before.provider_note:
            return None
        self.moved = status.provider_note
        return self.moved
