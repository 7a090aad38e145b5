"""What stands where nothing is yet: what will be there, and how to begin."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLayout, QPushButton, QVBoxLayout, QWidget

from emolive.ui.controls import LARGE_PX, enlarge, label, push_button
from emolive.ui.ghosts import Ghost, paint_ghost
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.theme import Theme, Themed

_LEAST_TEXT_PX, _TEXT_PX = 288, 560
# The ghost gets this share of the height, and nothing where words need all of it.
_GHOST = 0.42
_LEAST_PX = 70


class Invitation(Themed, QWidget):
    """A title, a text, buttons, a hint, over the `Ghost` of what the page will show."""

    def __init__(self, theme: Theme, ghost: Ghost, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._ghost = ghost
        self.title = label("", self, "hero")
        self.text = label("", self, "muted")
        self.hint = label("", self, "caption")
        for words in (self.title, self.text, self.hint):
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            words.setWordWrap(True)
        self._buttons: list[QPushButton] = []
        self._row = hbox(STRETCH, STRETCH, gap=10)
        self._column = column = QVBoxLayout(self)
        column.setSpacing(12)
        column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        column.addStretch(1)
        centre = Qt.AlignmentFlag.AlignHCenter
        fill(
            column,
            (self.title, 0, centre),
            (self.text, 0, centre),
            2,
            self._row,
            (self.hint, 0, centre),
            (STRETCH, 1),
        )

    def add_button(self, text: str, pressed: Callable[[], object], kind: str = "") -> QPushButton:
        """A button to the right of the others; the main one is of the kind "primary"."""
        button = push_button(text, self, pressed, kind=kind)
        self._row.insertWidget(self._row.count() - 1, button)
        self._buttons.append(button)
        return button

    def say(self, title: str, text: str, hint: str = "", *buttons: QPushButton) -> None:
        """Show these words, and of the buttons these."""
        for words, said in ((self.title, title), (self.text, text), (self.hint, hint)):
            words.setText(said)
            words.setVisible(bool(said))
        for button in self._buttons:
            button.setVisible(button in buttons)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Room for the words: the ghost takes what is left."""
        return QSize(_LEAST_TEXT_PX + 32, self._words())

    def sizeHint(self) -> QSize:
        """Words, and some of the ghost."""
        return QSize(_TEXT_PX + 40, round(self._words() / (1 - _GHOST)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the words, and leave room for the ghost."""
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """The fonts are known only now."""
        super().showEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the ghost below the words."""
        room = self._room()
        if room:
            painter = QPainter(self)
            area = QRectF(0, self.height() - room, self.width(), room)
            scale = 2.0 if self.property("large") else 1.0
            painter.scale(scale, scale)
            area = QRectF(area.topLeft() / scale, area.size() / scale)
            paint_ghost(painter, area, self._ghost, self.theme)
            painter.end()

    def _fit(self) -> None:
        large = self.width() >= LARGE_PX
        enlarge(self, large)
        width = max(_LEAST_TEXT_PX, min(2 * _TEXT_PX if large else _TEXT_PX, self.width() - 32))
        for words in (self.title, self.text, self.hint):
            words.setFixedWidth(width)
            words.setMinimumHeight(0)  # which it would reckon with
            words.setFixedHeight(max(0, words.heightForWidth(width)))
        self._column.setContentsMargins(8, 8, 8, 8 + self._room())
        self.update()

    def _words(self) -> int:
        """Height of all but the ghost."""
        shown = [w for w in (self.title, self.text, self.hint) if not w.isHidden()]
        buttons = any(not button.isHidden() for button in self._buttons)
        return sum(w.height() + 12 for w in shown) + (46 if buttons else 0) + 24

    def _room(self) -> int:
        """Height of the ghost."""
        room = min(round(_GHOST * self.height()), self.height() - self._words())
        return room if room >= _LEAST_PX else 0
