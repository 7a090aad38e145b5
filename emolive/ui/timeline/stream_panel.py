"""Panels over the data of one stream, and how they stand one over the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from emolive.history.streams import Named
from emolive.i18n import tr
from emolive.ui.controls import ScrollColumn, discard
from emolive.ui.theme import Theme
from emolive.ui.timeline.panel import TimePanel
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.wording import stream_name

S = TypeVar("S", bound=Named)


class StreamPanel(TimePanel, Generic[S]):
    """One kind of panel.

    `title` names it for screen readers. It gets the share `stretch` of the height that is left, not
    below `least` and not above `most` px.
    """

    title: ClassVar[str]
    stretch: ClassVar[int] = 0
    least: ClassVar[int] = 0
    most: ClassVar[int] = 16_777_215  # Qt's own: no limit

    def __init__(
        self, axis: TimeAxis, theme: Theme, stream: S, parent: QWidget | None = None
    ) -> None:
        super().__init__(axis, theme, parent)
        self.stream = stream
        self.setMinimumHeight(self.least)
        self.setMaximumHeight(self.most)
        self.setAccessibleName(tr(self.title, name=stream_name(stream.name)))


class PanelStack(QVBoxLayout):
    """The panels of a timeline."""

    def __init__(self, axis: TimeAxis) -> None:
        super().__init__()
        self._axis = axis
        self.panels: list[TimePanel] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(0)

    def add_stream(
        self,
        kinds: Sequence[type[StreamPanel[Any]]],
        stream: Named,
        owner: QWidget,
        theme: Theme,
        caption: str = "",
        gap: int = 4,
    ) -> list[TimePanel]:
        """A stream's panels of these kinds, on `owner`; the first one has the `caption`.

        `gap` px are left below the last one.
        """
        made: list[TimePanel] = []
        for kind in kinds:
            panel = kind(self._axis, theme, stream, owner)
            if not made:
                panel.caption = caption
            self.add(panel, kind.stretch, gap if kind is kinds[-1] else 2)
            made.append(panel)
        return made

    def add(self, panel: TimePanel, stretch: int, gap: int) -> None:
        """A panel with its share of the height that is left, and `gap` px below it."""
        self.panels.append(panel)
        self.addWidget(panel, stretch)
        self.addSpacing(gap)

    def replace(self, old: Sequence[TimePanel], new: Sequence[TimePanel], gap: int) -> None:
        """Panels of their own height in the place of others."""
        at, place = self.indexOf(old[0]), self.panels.index(old[0])
        for panel in old:
            index = self.indexOf(panel)
            for _ in range(2):  # and the room below it
                self.takeAt(index)
            self.panels.remove(panel)
        discard(*old)
        for i, panel in enumerate(new):
            self.insertWidget(at + 2 * i, panel)
            self.insertSpacing(at + 2 * i + 1, gap)
            self.panels.insert(place + i, panel)
            panel.show()

    def clear(self) -> None:
        """Remove all panels."""
        discard(*self.panels)
        self.panels = []
        while self.takeAt(0) is not None:
            pass


class LanesArea(ScrollColumn):
    """Scrolls by its bar, or as it is told; keys and wheel belong to the lanes."""

    def scroll_by(self, pages: float) -> None:
        """Down by that many pages, or up."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + round(pages * bar.pageStep()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave arrows to the page."""
        event.ignore()
