"""What stands where nothing is yet: what will be there, and how to begin."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QShowEvent,
)
from PySide6.QtWidgets import QLayout, QPushButton, QVBoxLayout, QWidget

from emolive.ui.controls import LARGE_PX, enlarge, label, push_button
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.painting import fill_rounded
from emolive.ui.theme import Theme, Themed

_LABELS = ("calm", "happy", "surprised", "sad", "angry")
_Shares = npt.NDArray[np.float64]


class Ghost(Enum):
    """Which page."""

    TIMELINE = "timeline"
    SESSIONS = "sessions"
    CALLS = "calls"
    BARS = "bars"


def paint_ghost(painter: QPainter, area: QRectF, ghost: Ghost, theme: Theme) -> None:
    """Fill `area`, fainter towards its top, on the colour of a card."""
    painter.save()
    painter.setClipRect(area)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _PAINTERS[ghost](painter, area, theme)
    veil = QLinearGradient(area.topLeft(), area.bottomLeft())
    for at, alpha in ((0.0, 255), (0.35, 190), (1.0, 90 if theme.dark else 60)):
        veil.setColorAt(at, theme.colour("surface", alpha))
    painter.fillRect(area, QBrush(veil))
    painter.restore()


def _shares(n: int, phase: float = 0.0) -> _Shares:
    """Shares of `_LABELS` that wander, ``(len(_LABELS), n)``: the same each time."""
    at = np.linspace(0.0, 3.0 * np.pi, max(2, n))
    waves = [
        1.5 * np.sin((0.6 + 0.17 * i) * at + 1.9 * i + phase) + 0.7 * np.sin(1.9 * at + 0.8 * i)
        for i in range(len(_LABELS))
    ]
    grown: _Shares = np.exp(np.array(waves))
    shares: _Shares = grown / grown.sum(axis=0)
    return shares


def _timeline(painter: QPainter, area: QRectF, theme: Theme) -> None:
    """Probabilities as areas over a band of decisions."""
    band = QRectF(area.left(), area.bottom() - 18, area.width(), 18)
    plot = area.adjusted(0, 0, 0, -24)
    n = max(2, int(area.width() / 6))
    shares = _shares(n)
    x = np.linspace(area.left(), area.right(), n)
    edges = np.vstack((np.zeros(n), shares.cumsum(axis=0)))
    heights = plot.bottom() - edges * plot.height()
    painter.setPen(Qt.PenStyle.NoPen)
    fills = theme.fills(_LABELS)
    for i, shade in enumerate(fills):
        over = [QPointF(a, b) for a, b in zip(x, heights[i + 1], strict=True)]
        under = [QPointF(a, b) for a, b in zip(x[::-1], heights[i][::-1], strict=True)]
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF([*over, *under]))
    _strip(painter, band, shares, fills)


def _strip(
    painter: QPainter, area: QRectF, shares: _Shares, fills: tuple[QColor, ...], cells: int = 28
) -> None:
    """The leading emotion of each stretch."""
    painter.setPen(Qt.PenStyle.NoPen)
    leading = shares[:, np.linspace(0, shares.shape[1] - 1, cells).astype(int)].argmax(axis=0)
    width = area.width() / cells
    for i, which in enumerate(leading.tolist()):
        painter.fillRect(
            QRectF(area.left() + i * width, area.top(), width + 0.5, area.height()), fills[which]
        )


def _sessions(painter: QPainter, area: QRectF, theme: Theme) -> None:
    """Rows: a title, a length, a strip of emotions."""
    height, gap = 44.0, 10.0
    left, right = area.left() + 28, area.right() - 28
    top, row = area.top() + 6, 0
    fills = theme.fills(_LABELS)
    while top < area.bottom():
        frame = QRectF(left, top, right - left, height)
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.setBrush(theme.colour("plot"))
        painter.drawRoundedRect(frame, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("faint"))
        wide = (0.13, 0.17, 0.11, 0.15)[row % 4] * frame.width()
        painter.drawRoundedRect(QRectF(left + 18, top + 12, wide, 8), 4, 4)
        painter.setBrush(theme.colour("border"))
        painter.drawRoundedRect(QRectF(left + 18, top + 26, 0.6 * wide, 6), 3, 3)
        strip = QRectF(left + 0.34 * frame.width(), top + 14, 0.62 * frame.width(), 16)
        _strip(painter, strip, _shares(120, 1.3 * row), fills, 24)
        top += height + gap
        row += 1


def _calls(painter: QPainter, area: QRectF, theme: Theme) -> None:
    """Tiles: a colour, a name, a trend, a band."""
    gap, height = 14.0, 132.0
    columns = max(2, int(area.width() / 270))
    width = (area.width() - 56 - (columns - 1) * gap) / columns
    fills = theme.fills(_LABELS)
    rows = int(area.height() / (height + gap)) + 1
    for number in range(columns * rows):
        row, column = divmod(number, columns)
        tile = QRectF(
            area.left() + 28 + column * (width + gap), area.top() + 6 + row * (height + gap),
            width, height,
        )  # fmt: skip
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.setBrush(theme.colour("plot"))
        painter.drawRoundedRect(tile, 10, 10)
        shares = _shares(48, 0.9 * number)
        fill_rounded(
            painter,
            QRectF(tile.left() + 16, tile.top() + 16, 20, 20),
            5,
            fills[int(shares[:, -1].argmax())],
        )
        fill_rounded(
            painter,
            QRectF(tile.left() + 46, tile.top() + 22, 0.34 * width, 9),
            4,
            theme.colour("faint"),
        )
        x = np.linspace(tile.left() + 16, tile.right() - 16, shares.shape[1])
        y = tile.bottom() - 34 - (shares[3] + shares[4]) * (height - 88)
        painter.setPen(QPen(theme.colour("danger"), 1.6))
        painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x, y, strict=True)]))
        band = QRectF(tile.left() + 16, tile.bottom() - 24, tile.width() - 32, 8)
        _strip(painter, band, shares, fills, 20)


def _bars(painter: QPainter, area: QRectF, theme: Theme) -> None:
    """Stacked shares, a bar each."""
    step, wide = 62.0, 40.0
    n = max(2, int((area.width() - 56) / step))
    left = area.left() + (area.width() - (n - 1) * step - wide) / 2
    shares = _shares(n)
    painter.setPen(Qt.PenStyle.NoPen)
    for i in range(n):
        tall = area.height() * (0.62 + 0.3 * float(np.sin(1.7 * i) ** 2))
        bottom = area.bottom()
        for which, shade in enumerate(theme.fills(_LABELS)):
            part = float(shares[which, i]) * tall
            painter.fillRect(QRectF(left + i * step, bottom - part, wide, part), shade)
            bottom -= part


_PAINTERS: dict[Ghost, Callable[[QPainter, QRectF, Theme], None]] = {
    Ghost.TIMELINE: _timeline,
    Ghost.SESSIONS: _sessions,
    Ghost.CALLS: _calls,
    Ghost.BARS: _bars,
}


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

    _resized = _fit  # wrap the words, and leave room for the ghost

    def _words(self) -> int:
        """Height of all but the ghost."""
        shown = [w for w in (self.title, self.text, self.hint) if not w.isHidden()]
        buttons = any(not button.isHidden() for button in self._buttons)
        return sum(w.height() + 12 for w in shown) + (46 if buttons else 0) + 24

    def _room(self) -> int:
        """Height of the ghost."""
        room = min(round(_GHOST * self.height()), self.height() - self._words())
        return room if room >= _LEAST_PX else 0
