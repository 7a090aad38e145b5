"""Beside the timeline: the plane on which valence and arousal are rated while it plays."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from emolive.extras import way_to_get
from emolive.i18n import decimal, tr
from emolive.ui.controls import label, push_button
from emolive.ui.layouts import STRETCH, vbox
from emolive.ui.sessions.rating_pad import RatingPad
from emolive.ui.theme import Theme


class RatingView(QWidget):
    """Tells when rating begins and ends, and where the point is."""

    switched = Signal(bool)
    aimed = Signal(float, float)
    taken_back = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pad = RatingPad(theme, self)
        self.values = label("", self, "heading")
        self.button = push_button(tr("Rate while it plays"), self, lambda: None, kind="toggle")
        self.button.setCheckable(True)
        self.button.toggled.connect(self._on_switched)
        self.back_button = push_button(tr("Take back the last take"), self, self.taken_back.emit)
        self.back_button.setEnabled(False)
        self.hint = label(
            tr(
                "Switch it on and play: what you point at is kept for each moment, with the mouse, "
                "the arrow keys or a joystick. What you rate again replaces what was there."
            ),
            self,
            "muted",
        )
        self.stick = label("", self, "caption")
        for text in (self.hint, self.stick):
            text.setWordWrap(True)
        self.pad.aimed.connect(self._on_aimed)
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

    def _on_aimed(self, valence: float, arousal: float) -> None:
        self.show_point(valence, arousal)
        self.aimed.emit(valence, arousal)
