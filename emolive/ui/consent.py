"""The reminder before the first recording."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPushButton, QWidget

from emolive.i18n import tr
from emolive.ui.controls import label
from emolive.ui.layouts import STRETCH, hbox, vbox


class ConsentDialog(QDialog):
    """Shows the reminder; only the deliberate button agrees."""

    def __init__(self, text: str, agreed: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Before you record"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        head = label(tr("Does everybody who will be heard agree?"), self, "title")
        body = label(text, self, wrap=True)
        body.setMinimumWidth(440)
        body.setTextFormat(Qt.TextFormat.PlainText)
        note = label(
            tr("This is asked once. The text can be changed in the settings under Recording."),
            self,
            "caption",
            wrap=True,
        )
        self.cancel = QPushButton(tr("Do not record"), self)
        self.agree = QPushButton(tr("Everybody agreed: record"), self)
        self.agree.setProperty("primary", True)
        self.cancel.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        self.agree.clicked.connect(self.accept)
        self.accepted.connect(agreed)
        vbox(
            head,
            body,
            note,
            4,
            hbox(STRETCH, self.cancel, self.agree),
            within=self,
            margins=(26, 22, 26, 18),
            gap=12,
        )
