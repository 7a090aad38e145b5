"""The emotions with their keys: legend of the timeline and, at the same time, buttons to label."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLayout, QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.labels import emotion_name
from emolive.ui.controls import discard
from emolive.ui.layouts import FlowLayout
from emolive.ui.painting import fill_rounded, write
from emolive.ui.theme import Painted, Theme, Themed, font

_BOX = 18.0


class LabelKey(Painted, QAbstractButton):
    """A coloured key cap with the emotion's number, and its name."""

    def __init__(
        self, number: int, label: str, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self.number = number
        self.label = label
        self.text_shown = text = emotion_name(label)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Label as {emotion}", emotion=text))
        self.setToolTip(
            tr("Label as {emotion}  ({key})", emotion=text, key=number if number < 10 else "")
        )
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Room for key and name."""
        width = QFontMetricsF(font(12)).horizontalAdvance(self.text_shown)
        return QSize(round(_BOX + 6 + width + 10), 28)

    def minimumSizeHint(self) -> QSize:
        """The key alone."""
        return QSize(round(_BOX + 6), 28)

    def paint(self, painter: QPainter) -> None:
        """Draw the key cap, then the name."""
        if self.hasFocus() or self.underMouse():
            painter.setPen(
                QPen(self.theme.colour("accent"), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen
            )
            painter.setBrush(self.theme.colour("plot"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        box = QRectF(4, (self.height() - _BOX) / 2, _BOX, _BOX)
        fill_rounded(painter, box, 5, self.theme.fill(self.label))
        if self.number < 10:
            write(
                painter,
                box,
                str(self.number),
                QColor(self.theme.swatch(self.label).ink(dark=self.theme.dark)),
                11,
                Qt.AlignmentFlag.AlignCenter,
                bold=True,
            )
        painter.setFont(font(12))
        painter.setPen(self.theme.colour("text" if self.isEnabled() else "faint"))
        room = QRectF(box.right() + 6, 0, self.width() - box.right() - 8, self.height())
        metrics = QFontMetricsF(painter.font())
        if metrics.horizontalAdvance(self.text_shown) <= room.width() + 2:
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self.text_shown)


class LabelKeys(Themed, QWidget):
    """One key per emotion: in a row, names falling away where it is narrow, or in lines."""

    chosen = Signal(str)

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, in_lines: bool = False
    ) -> None:
        super().__init__(theme, parent)
        self._labels: tuple[str, ...] = ()
        self._keys: list[LabelKey] = []
        self._row: QLayout = FlowLayout(self, gap=4) if in_lines else QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2)
        self.setAccessibleName(tr("Emotions"))

    def set_labels(self, labels: Sequence[str]) -> None:
        """Name the emotions, in the order of their keys."""
        self._labels = tuple(labels)
        for key in self._keys:
            self._row.removeWidget(key)
        discard(*self._keys)
        self._keys = []
        for i, name in enumerate(self._labels):
            key = LabelKey(i + 1, name, self.theme, self)
            key.clicked.connect(lambda _=False, name=name: self.chosen.emit(name))
            self._row.addWidget(key)
            self._keys.append(key)
