"""Where the lanes of a session scroll, once there are more than there is room for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class LanesArea(QScrollArea):
    """Scrolls by its bar, or as it is told; keys and wheel belong to the lanes."""

    def __init__(self, lanes: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidget(lanes)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setObjectName("plain")
        lanes.setObjectName("plain")

    def scroll_by(self, pages: float) -> None:
        """Down by that many pages, or up."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + round(pages * bar.pageStep()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave arrows to the page."""
        event.ignore()
