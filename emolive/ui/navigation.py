"""The rail on the left: one button per page."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QToolButton, QWidget

from emolive.i18n import tr
from emolive.ui.icons import icon
from emolive.ui.layouts import STRETCH, vbox
from emolive.ui.theme import Theme, Themed

RAIL_WIDTH = 76
_ICON = 22


class Page(Protocol):
    """What the window asks of a page, a QWidget.

    A page may have a signal ``message`` that carries a `Message` or None for the window's banner.
    """

    title: str
    icon_name: str

    def end(self, deadline: float) -> None:
        """The window closes: end all threads before `time.monotonic()` reaches `deadline`."""


class Rail(Themed, QFrame):
    """Buttons with an icon over a name; the last one (settings) and help keep to the bottom."""

    chosen = Signal(int)
    help_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName("rail")
        self.setFixedWidth(RAIL_WIDTH)
        self.setAccessibleName(tr("Pages"))
        self.buttons: list[QToolButton] = []
        self._icons: dict[QToolButton, str] = {}
        self._top = 0
        self.help = self._make(tr("Keys"), "keyboard")
        self.help.setToolTip(tr("Keyboard shortcuts (F1)"))
        self.help.clicked.connect(self.help_wanted)
        self._column = vbox(STRETCH, self.help, within=self, margins=(6, 10, 6, 10), gap=4)

    def _recolour(self) -> None:
        for button in self._icons:
            self._dress(button)

    def add(self, title: str, icon_name: str, *, bottom: bool = False) -> None:
        """Add a page's button; `bottom`: below the empty room."""
        index = len(self.buttons)
        button = self._make(title, icon_name)
        button.setCheckable(True)
        button.setToolTip(tr("{page} (Ctrl+{number})", page=title, number=index + 1))
        button.clicked.connect(lambda: self.chosen.emit(index))
        self.buttons.append(button)
        if bottom:
            self._column.insertWidget(self._column.count() - 1, button)
        else:
            self._column.insertWidget(self._top, button)
            self._top += 1

    def mark(self, index: int) -> None:
        """Show which page is visible."""
        for i, button in enumerate(self.buttons):
            button.setChecked(i == index)
            self._dress(button)

    def _make(self, title: str, icon_name: str) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("rail", True)
        button.setText(title)
        button.setAccessibleName(title)
        button.setIconSize(QSize(_ICON, _ICON))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._icons[button] = icon_name
        self._dress(button)
        self._fit()
        return button

    def _fit(self) -> None:
        """As wide as the longest name; languages differ."""
        texts = [button.fontMetrics().horizontalAdvance(button.text()) for button in self._icons]
        width = max(RAIL_WIDTH - 12, max(texts) + 10)
        self.setFixedWidth(width + 12)
        for button in self._icons:
            button.setFixedSize(width, 56)

    def _dress(self, button: QToolButton) -> None:
        colour = self.theme.accent if button.isChecked() else self.theme.muted
        button.setIcon(icon(self._icons[button], colour))
