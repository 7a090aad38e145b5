"""Beside the timeline: the plane on which valence and arousal are rated while it plays."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.extras import way_to_get
from emolive.i18n import decimal, tr
from emolive.ui.controls import label, push_button
from emolive.ui.layouts import STRETCH, vbox
from emolive.ui.theme import Painted, Theme, font

_RIM = 12.0
_NUDGE = 0.1
_NUDGES = {
    Qt.Key.Key_Left: (-_NUDGE, 0.0),
    Qt.Key.Key_Right: (_NUDGE, 0.0),
    Qt.Key.Key_Up: (0.0, _NUDGE),
    Qt.Key.Key_Down: (0.0, -_NUDGE),
}


class RatingPad(Painted, QWidget):
    """The point follows the pressed mouse, while `following` any movement over it, and arrows."""

    hint = (270, 230)  # about square

    aimed = Signal(float, float)  # valence, arousal

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.valence = self.arousal = 0.0
        self.following = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(tr("Valence and arousal that you hear"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(230)
        self._describe()

    def show_point(self, valence: float, arousal: float) -> None:
        """Move the point; tells nobody."""
        self.valence = max(-1.0, min(1.0, valence))
        self.arousal = max(-1.0, min(1.0, arousal))
        self._describe()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Aim there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._aim_at(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Aim there, if a button is held or it is being rated."""
        if self.following or event.buttons() & Qt.MouseButton.LeftButton:
            self._aim_at(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the point."""
        step = _NUDGES.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
            return
        self.show_point(self.valence + step[0], self.arousal + step[1])
        self.aimed.emit(self.valence, self.arousal)

    def paint(self, painter: QPainter) -> None:
        """Draw the plane, its ends and the point."""
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge = "accent" if self.hasFocus() else "border"
        painter.setPen(QPen(self.theme.colour(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(self.theme.colour("plot"))
        painter.drawRoundedRect(area, 8, 8)
        painter.setPen(QPen(self.theme.colour("border"), 1, Qt.PenStyle.DotLine))
        centre = area.center()
        painter.drawLine(QPointF(area.left(), centre.y()), QPointF(area.right(), centre.y()))
        painter.drawLine(QPointF(centre.x(), area.top()), QPointF(centre.x(), area.bottom()))
        painter.setFont(font(11))
        painter.setPen(self.theme.colour("muted"))
        inside, flag = area.adjusted(8, 4, -8, -4), Qt.AlignmentFlag
        for text, side in (
            (f"↑ {tr('aroused')}", flag.AlignTop | flag.AlignHCenter),
            (f"↓ {tr('calm')}", flag.AlignBottom | flag.AlignHCenter),
            (f"{tr('pleasant')} →", flag.AlignVCenter | flag.AlignRight),
            (f"← {tr('unpleasant')}", flag.AlignVCenter | flag.AlignLeft),
        ):
            painter.drawText(inside, side, text)
        at = self._point()
        painter.setPen(QPen(self.theme.colour("surface"), 2))
        painter.setBrush(self.theme.colour("danger" if self.following else "accent"))
        painter.drawEllipse(at, 8.0, 8.0)

    def _room(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_RIM, _RIM, -_RIM, -_RIM)

    def _point(self) -> QPointF:
        room = self._room()
        return QPointF(
            room.center().x() + self.valence * room.width() / 2,
            room.center().y() - self.arousal * room.height() / 2,
        )

    def _aim_at(self, at: QPointF) -> None:
        room = self._room()
        self.show_point(
            2 * (at.x() - room.center().x()) / room.width(),
            2 * (room.center().y() - at.y()) / room.height(),
        )
        self.aimed.emit(self.valence, self.arousal)

    def _describe(self) -> None:
        self.setAccessibleDescription(
            tr(
                "valence {valence}, arousal {arousal}",
                valence=decimal(self.valence, 1),
                arousal=decimal(self.arousal, 1),
            )
        )


class RatingView(QWidget):
    """Tells when rating begins and ends, and where the point is."""

    switched = Signal(bool)
    taken_back = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pad = RatingPad(theme, self)
        self.values = label("", self, "heading")
        self.button = push_button(tr("Rate while it plays"), self, kind="toggle", checkable=True)
        self.button.toggled.connect(self._on_switched)
        self.back_button = push_button(tr("Take back the last take"), self, self.taken_back.emit)
        self.back_button.setEnabled(False)
        text = tr(
            "Switch it on and play: what you point at is kept for each moment, with the mouse, "
            "the arrow keys or a joystick. What you rate again replaces what was there."
        )
        self.hint = label(text, self, "muted", wrap=True)
        self.stick = label("", self, "caption", wrap=True)
        self.pad.aimed.connect(self.show_point)
        vbox(
            self.pad,
            self.values,
            self.button,
            self.back_button,
            self.hint,
            self.stick,
            STRETCH,
            within=self,
            margins=(0, 4, 8, 8),
            gap=8,
        )
        self.show_point(0.0, 0.0)

    def show_point(self, valence: float, arousal: float) -> None:
        """Move the point; tells nobody."""
        self.pad.show_point(valence, arousal)
        self.values.setText(
            tr(
                "Valence {valence}, arousal {arousal}",
                valence=decimal(self.pad.valence, 2),
                arousal=decimal(self.pad.arousal, 2),
            )
        )

    def show_stick(self, name: str, *, installed: bool) -> None:
        """Say which joystick is read."""
        if name:
            self.stick.setText(tr("Joystick: {name}", name=name))
        elif installed:
            self.stick.setText(tr("No joystick is connected."))
        else:
            self.stick.setText(
                tr("For a joystick: {way}, and start again.", way=way_to_get("joystick"))
            )

    def _on_switched(self, on: bool) -> None:
        self.pad.following = on
        self.pad.update()
        if on:
            self.pad.setFocus(Qt.FocusReason.OtherFocusReason)
        self.switched.emit(on)
