"""A level as a lying bar."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.ui.painting import fill_rounded
from emolive.ui.theme import Painted, Theme

_FLOOR_DBFS = -60.0


class LevelBar(Painted, QWidget):
    """Falls softly, rises at once; empty while nothing is measured."""

    hint = (160, 14)  # a slim bar

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._shown = _FLOOR_DBFS
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Level"))

    def show_level(self, dbfs: float | None) -> None:
        """Show a level in dBFS; None: nothing is measured."""
        level = _FLOOR_DBFS if dbfs is None or not math.isfinite(dbfs) else dbfs
        level = min(0.0, max(_FLOOR_DBFS, level))
        fall = self._shown + 0.25 * (level - self._shown)
        self._shown = level if dbfs is None else max(level, fall)
        # In steps: assistive technology is told of every change.
        text = "" if dbfs is None else tr("about {level} dBFS", level=6 * round(level / 6))
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw track and bar."""
        bar = QRectF(0, self.height() / 2 - 5, self.width(), 10)
        fill_rounded(painter, bar, 5, self.theme.colour("border", 160))
        share = 1 - self._shown / _FLOOR_DBFS
        if share > 0.01:
            bar.setWidth(max(10.0, bar.width() * share))
            painter.setBrush(self.theme.colour("accent"))
            painter.drawRoundedRect(bar, 5, 5)
