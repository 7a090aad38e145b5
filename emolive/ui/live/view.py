"""One view of the newest answers, beside the cards of the live page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.history.model import StreamModel
from emolive.ui.theme import Painted, Theme


class LiveView(Painted, QWidget):
    """What every one of `present.VIEWS` is.

    `name` is its name in the program, `title` and `tip` are for people, `keys_text` says what its
    key does; `stretch` is its share of the width where all stand side by side.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    tip: ClassVar[str]
    keys_text: ClassVar[str]
    stretch: ClassVar[int] = 4
    hint = (300, 150)  # room for eight rows

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._labels: tuple[str, ...] = ()
        self._streams: Sequence[StreamModel] = ()
        self._counts: tuple[int, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_streams(self, labels: tuple[str, ...], streams: Sequence[StreamModel]) -> None:
        """Follow these; the classes are `labels`."""
        self._labels, self._streams = labels, streams
        self._counts = ()
        self.update()

    def refresh(self, *, running: bool) -> None:  # noqa: ARG002
        """Bring it up to date; free unless there is a new decision."""
        counts = tuple(stream.decisions.count for stream in self._streams)
        if counts != self._counts:
            self._counts = counts
            self.show_decisions()
            self.update()

    def show_decisions(self) -> None:
        """There are new ones."""
