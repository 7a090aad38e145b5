"""One call on the wall: a button that opens it, repainted only when what it says has changed."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.ui.calls.face import CallFace, face_of
from emolive.ui.calls.model import CallModel, CallTrend
from emolive.ui.calls.tile_paint import TilePainter, paint_card, paint_row
from emolive.ui.controls import IconButton, push_button
from emolive.ui.theme import Theme, Themed

CARD_HEIGHT = 160
CARD_WIDTH = 264
ROW_HEIGHT = 54
_LARGEST_BUTTONS = 2.0


class CallTile(Themed, QAbstractButton):
    """A card, or with `as_row` a row. A click or Enter opens the call (`clicked`)."""

    acknowledge = Signal()
    remove = Signal()

    def __init__(self, model: CallModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.model = model
        self.as_row = False
        self.face: CallFace = face_of(model)
        self._trend: CallTrend | None = None
        self._ink = TilePainter(theme, model.info.facts.labels)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.scale = 1.0
        self.setFixedHeight(CARD_HEIGHT)
        self.close_button = IconButton("close", tr("Remove this call"), theme, self, colour="muted")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.setFixedSize(26, 26)
        self.close_button.clicked.connect(self.remove)
        tip = tr("All alerts of this call have been seen to (A)")
        self.seen = push_button(tr("Acknowledge"), self, self.acknowledge, kind="segment", tip=tip)
        self.refresh(force=True)

    def sizeHint(self) -> QSize:
        """As wide as a card."""
        return QSize(CARD_WIDTH, ROW_HEIGHT if self.as_row else CARD_HEIGHT)

    def _recolour(self) -> None:
        self._ink = TilePainter(self.theme, self.model.info.facts.labels)

    def show_as(self, row: bool, scale: float, height: int) -> None:
        """Be a row of the list, or a card that is so many times as large as it must be."""
        scale = 1.0 if row else scale
        if (row, scale, height) == (self.as_row, self.scale, self.height()):
            return
        self.as_row, self.scale = row, scale
        self.setFixedHeight(height)
        size = min(scale, _LARGEST_BUTTONS)
        self.close_button.setFixedSize(round(26 * size), round(26 * size))
        self.close_button.setIconSize(QSize(round(18 * size), round(18 * size)))
        self.seen.setStyleSheet(f"font-size: {12 * size:.0f}px; min-height: {24 * size:.0f}px;")
        self._place()
        self.update()

    def refresh(self, *, force: bool = False) -> bool:
        """Look at the model; repaints only if there is something new, and tells whether so."""
        face = face_of(self.model)
        if face == self.face and not force:
            return False
        if face.answers != self.face.answers or force:
            self._trend = self.model.trend()
        if (face.word, face.alert, face.over, face.recorded) != (
            self.face.word,
            self.face.alert,
            self.face.over,
            self.face.recorded,
        ) or force:
            # Not with every second: assistive technology is told of each change.
            self.setAccessibleName(tr("Call {name}", name=face.name))
            self.setAccessibleDescription(face.spoken())
        told = (face.name, face.message, face.why, face.health)
        tip = "\n".join(part for part in told if part)
        if tip != self.toolTip():
            self.setToolTip(tip)
        self.face = face
        self.seen.setVisible(face.n_open > 0)
        self.update()
        return True

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw it."""
        painter = QPainter(self)
        streams = [(stream.name, stream.role) for stream in self.model.streams.values()]
        if len(streams) < 2:
            streams = []
        paint = paint_row if self.as_row else paint_card
        scale = self.scale
        painter.scale(scale, scale)
        room = (self.seen.width() + 8) / scale if self.face.n_open else 0.0
        area = QRectF(0.0, 0.0, self.width() / scale, self.height() / scale)
        paint(
            self._ink,
            painter,
            area,
            self.face,
            self._trend,
            streams,
            focus=self.hasFocus(),
            room=room,
        )
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Delete removes; the rest is the wall's."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif key == Qt.Key.Key_Delete:
            self.remove.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _place(self) -> None:
        self.seen.adjustSize()
        seen = self.seen
        if self.as_row:
            middle = self.height() // 2
            self.close_button.move(self.width() - 38, middle - 13)
            seen.move(self.width() - 44 - 66 - seen.width(), middle - seen.height() // 2)
        else:
            edge = round(12 * self.scale)
            right = self.width() + 2 - self.close_button.width() - edge
            self.close_button.move(right, round(21 * self.scale) - self.close_button.height() // 2)
            low = round(23 * self.scale) + seen.height() // 2
            seen.move(self.width() - edge - seen.width(), self.height() - low)

    _resized = _place  # keep the buttons in their corners
