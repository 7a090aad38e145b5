"""Where the lanes of a session scroll, once there are more than there is room for."""

from __future__ import annotations

from PySide6.QtGui import QKeyEvent

from emolive.ui.controls import ScrollColumn


class LanesArea(ScrollColumn):
    """Scrolls by its bar, or as it is told; keys and wheel belong to the lanes."""

    def scroll_by(self, pages: float) -> None:
        """Down by that many pages, or up."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + round(pages * bar.pageStep()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave arrows to the page."""
        event.ignore()
