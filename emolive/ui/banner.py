"""One line between header and content: what is wrong, and the way out."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from emolive.i18n import mark, tr
from emolive.ui.controls import label, push_button, restyle
from emolive.ui.icons import icon, pixmap
from emolive.ui.layouts import hbox
from emolive.ui.messages import Action, Message, Severity
from emolive.ui.theme import Theme, Themed

_MOST_ACTIONS = 3
_NAMES = {
    Severity.INFO: mark("Notice"),
    Severity.WARNING: mark("Warning"),
    Severity.ERROR: mark("Error"),
}


class Banner(Themed, QFrame):
    """Hidden unless there is a message."""

    acted = Signal(Action)
    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName("banner")
        self.message: Message | None = None
        self._icon = QLabel(self)
        self._text = label("", self, wrap=True, plain=True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.buttons = [
            push_button("", self, partial(self._act, place), name=tr("Nothing to do"))
            for place in range(_MOST_ACTIONS)
        ]
        self.action = self.buttons[0]
        tip, name = tr("Dismiss"), tr("Dismiss message")
        self.close_button = push_button(
            "", self, self.dismissed, kind="segment", tip=tip, name=name
        )
        hbox(
            self._icon,
            (self._text, 1),
            *self.buttons,
            self.close_button,
            within=self,
            margins=(14, 7, 8, 7),
            gap=10,
        )
        self.hide()

    def show_message(self, message: Message | None) -> None:
        """Show `message`, or hide; free if nothing changes."""
        if message == self.message:
            return
        self.message = message
        if message is not None:
            self._text.setText(message.text)
            for place, button in enumerate(self.buttons):
                there = place < len(message.actions)
                button.setText(tr(message.actions[place]) if there else "")
                button.setAccessibleName("" if there else tr("Nothing to do"))
                button.setVisible(there)
            self.setAccessibleName(f"{tr(_NAMES[message.severity])}: {message.text}")
            self.setProperty("severity", str(message.severity))
            restyle(self, self._text)
            self._recolour()
        self.setVisible(message is not None)

    def _act(self, place: int) -> None:
        if self.message is not None:
            self.acted.emit(self.message.actions[place])

    def _recolour(self) -> None:
        self.close_button.setIcon(icon("close", self.theme.muted))
        if self.message is not None:
            severity = self.message.severity
            colours = {Severity.WARNING: self.theme.warning, Severity.ERROR: self.theme.danger}
            colour = colours.get(severity, self.theme.accent)
            self._icon.setPixmap(pixmap(severity, colour, max(2.0, self.devicePixelRatioF())))
