"""What stands where the list would be: why it is empty, and what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from emolive import resources
from emolive.i18n import tr
from emolive.ui.controls import label, push_button
from emolive.ui.theme import Theme, Themed

_WIDTH = 460


class EmptyList(Themed, QWidget):
    """One picture, one sentence, at most two buttons."""

    record = Signal()
    import_ = Signal()
    clear = Signal()
    retry = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._picture = QLabel(self)
        self._picture.setPixmap(QIcon(str(resources.asset(resources.ICON))).pixmap(72, 72))
        self.title = label("", self, "clock")
        self.text = label("", self, "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.text.setWordWrap(True)
        self.text.setFixedWidth(_WIDTH)
        self.record_button = push_button(
            tr("Go to the live view"), self, self.record.emit, kind="primary"
        )
        self.import_button = push_button(tr("Import a bundle…"), self, self.import_.emit)
        self.clear_button = push_button(tr("Show all sessions"), self, self.clear.emit)
        self.retry_button = push_button(tr("Try again"), self, self.retry.emit)
        self._buttons = (
            self.record_button, self.import_button, self.clear_button, self.retry_button
        )  # fmt: skip
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch()
        for button in self._buttons:
            row.addWidget(button)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch()
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(self._picture, 0, centre)
        column.addWidget(self.title, 0, centre)
        column.addWidget(self.text, 0, centre)
        column.addLayout(row)
        column.addStretch()

    def show_loading(self) -> None:
        """The library is being opened."""
        self._say(tr("Opening the library…"), "")

    def show_none(self) -> None:
        """There are no sessions at all."""
        self._say(
            tr("No sessions yet"),
            tr(
                "Press Record in the live view: the emotion timeline and, if you like, the sound "
                "are kept on this computer, to be replayed, searched, marked and exported here."
            ),
            self.record_button,
            self.import_button,
        )

    def show_no_match(self) -> None:
        """None of the sessions matches."""
        self._say(
            tr("No session matches"),
            tr("Try fewer words, a shorter length or a longer time."),
            self.clear_button,
        )

    def show_problem(self, text: str) -> None:
        """The library cannot be used."""
        self._say(tr("The library cannot be opened"), text, self.retry_button)

    def _say(self, title: str, text: str, *buttons: QWidget) -> None:
        self.title.setText(title)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.text.setFixedHeight(self.text.heightForWidth(_WIDTH) + 2)
        for button in self._buttons:
            button.setVisible(button in buttons)
