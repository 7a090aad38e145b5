"""What the dialogs of the sessions page share."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from emolive.ui.controls import Notice, label
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.theme import Theme

DIALOG_MARGINS = 2 * 22


def texts_within(dialog: QDialog) -> list[QLabel]:
    """The texts that wrap within a dialog's cards and forms."""
    texts = dialog.findChildren(QLabel)
    return [text for text in texts if text.wordWrap() and text.parentWidget() is not dialog]


class SessionDialog(QDialog):
    """A heading, a text, whatever comes in `body`, a sentence on a problem, and buttons."""

    def __init__(
        self, theme: Theme, heading: str, text: str, parent: QWidget | None, width: int = 520
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(heading)
        self.setModal(True)
        self.setFixedWidth(width)
        self.heading = label(heading, self, "clock", wrap=True)
        self.text = label(text, self, "muted", wrap=True)
        self.problem = Notice(self, "problem")
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        self.buttons = hbox(STRETCH, gap=8)
        vbox(
            self.heading,
            self.text,
            self.body,
            self.problem,
            4,
            self.buttons,
            within=self,
            margins=(22, 20, 22, 18),
            gap=12,
        )
        self.text.setVisible(bool(text))

    def show_problem(self, text: str) -> None:
        """Say what went wrong; "" hides it."""
        self.problem.say(text)
        self.fit()

    def fit_texts(self, texts: Iterable[QLabel], width: int) -> None:
        """Make room for texts that are this wide, and wrap."""
        for text in texts:
            text.setMinimumHeight(max(0, text.heightForWidth(width)))

    def fit(self) -> None:
        """Be as high as needed; what wraps tells its height late."""
        for part in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if part.hasHeightForWidth():
                part.setMinimumHeight(max(0, part.heightForWidth(self.width() - DIALOG_MARGINS)))
        if (layout := self.layout()) is not None:
            layout.activate()
        self.resize(self.width(), self.minimumSizeHint().height())

    def showEvent(self, event: QEvent) -> None:
        """Fit before it is seen."""
        self.fit()
        super().showEvent(event)  # type: ignore[arg-type]
