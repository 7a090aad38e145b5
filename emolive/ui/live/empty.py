"""What stands where the timeline will be."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from emolive import resources
from emolive.i18n import tr


class EmptyState(QWidget):
    """Says what to do first, and offers the demo and the guide."""

    demo = Signal()
    guide = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        picture = QLabel(self)
        picture.setPixmap(QIcon(str(resources.asset(resources.ICON))).pixmap(72, 72))
        self.title = QLabel(self)
        self.title.setProperty("role", "elapsed")
        self.text = text = QLabel(self)
        text.setText(
            tr(
                "Choose an input above and press Space to start.\n"
                "Everything is analysed on this computer; no audio leaves it."
            )
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QPushButton(tr("Play the demo clip"), self)
        self.button.clicked.connect(self.demo)
        self.guide_button = QPushButton(tr("Show me around"), self)
        self.guide_button.clicked.connect(self.guide)
        buttons = QHBoxLayout()
        buttons.addStretch()
        for button in (self.button, self.guide_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch()
        column.addWidget(picture, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(text, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(buttons)
        column.addStretch()
        self.show_starting(False)

    def show_starting(self, starting: bool) -> None:
        """Whether the timeline is about to come, or a choice is needed first."""
        title = tr("Getting ready…") if starting else tr("The emotion timeline appears here")
        self.title.setText(title)
        self.text.setVisible(not starting)
        self.button.setVisible(not starting)
        self.guide_button.setVisible(not starting)
