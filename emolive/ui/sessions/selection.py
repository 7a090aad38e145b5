"""What is selected in a session: a stretch of time, or a mark. One thing at a time."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of time, in samples of the session; `stream` None: of all streams."""

    start_sample: int
    end_sample: int
    stream: str | None = None


class Selection(QObject):
    """Either a stretch or a mark's id is selected, or nothing."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stretch: Region | None = None
        self.mark_id: str | None = None

    def select(self, stretch: Region | None) -> None:
        """Select a stretch, or nothing."""
        if (stretch, None) != (self.stretch, self.mark_id):
            self.stretch, self.mark_id = stretch, None
            self.changed.emit()

    def select_mark(self, mark_id: str | None) -> None:
        """Select a mark, or nothing."""
        if (None, mark_id) != (self.stretch, self.mark_id):
            self.stretch, self.mark_id = None, mark_id
            self.changed.emit()

    def clear(self) -> bool:
        """Select nothing; whether something was."""
        had = self.stretch is not None or self.mark_id is not None
        self.select(None)
        return had
