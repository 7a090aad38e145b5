"""Small buttons in a row of which one is chosen: views, spans, tabs."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QPushButton, QWidget

from emolive.ui.theme import font

_PADDING = 22


class Segment(QPushButton):
    """One of them: a text or an icon, a tip, and a name for screen readers."""

    def __init__(self, text: str, tip: str, parent: QWidget, *, checkable: bool = True) -> None:
        super().__init__(text, parent)
        self.setProperty("segment", True)
        self.setCheckable(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(tip)
        if text:
            # The chosen one is bold: room for it, so that nothing moves and nothing is cut.
            metrics = QFontMetrics(font(12, bold=True))
            self.setMinimumWidth(metrics.horizontalAdvance(text) + _PADDING)
        else:
            self.setAccessibleName(tip)
            self.setFixedWidth(30)
