"""What is known of the chosen model, where it was taught here, and the way to be rid of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from emolive.adapt import shelf
from emolive.adapt.wording import taught_text, verdict_text
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.inference.adapted_file import adapted_names
from emolive.ui.controls import label, push_button
from emolive.ui.layouts import hbox


class TaughtModel(QWidget):
    """Hidden unless an adapted model is chosen; `removed` once that one is deleted."""

    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self._asked = False
        self.about = label("", self, "caption", wrap=True)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.remove_button = push_button(tr("Delete…"), self, self._on_remove, kind="quiet")
        hbox((self.about, 1), self.remove_button, within=self, gap=18)
        self.hide()

    def show_model(self, choice: Path | None) -> None:
        """Tell about a chosen model."""
        self._name = "" if choice is None else str(choice)
        self.setVisible(self._name in adapted_names())
        self._ask(again=False)
        if self.isHidden():
            return
        try:
            model = shelf.named(self._name)
        except EmoliveError as error:
            self.about.setText(str(error))
        else:
            taught = tr("Taught with {labels}.", labels=taught_text(model))
            self.about.setText(f"{verdict_text(model)} {taught}")

    def _ask(self, *, again: bool) -> None:
        self._asked = again
        self.remove_button.setText(tr("Really delete") if again else tr("Delete…"))

    def _on_remove(self) -> None:
        if not self._asked:
            self._ask(again=True)
            return
        try:
            shelf.remove(self._name)
        except EmoliveError as error:
            self.about.setText(str(error))
        else:
            self.removed.emit()
