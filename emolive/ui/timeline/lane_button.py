"""Which acoustic lanes are shown: a button with a menu."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from emolive.i18n import tr
from emolive.ui.controls import IconButton
from emolive.ui.theme import Theme
from emolive.ui.timeline.voice_panels import VOICE_PANELS


class LaneButton(IconButton):
    """`chosen` tells the keys of the lanes that are to be shown."""

    chosen = Signal(tuple)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        name = tr("Voice: pitch, intensity, formants, speech rate")
        super().__init__("layers", name, theme, parent, keys="P")
        self.setCheckable(True)
        self.menu_of_lanes = QMenu(self)
        self.lanes: dict[str, QAction] = {}
        for panel in VOICE_PANELS:
            action = self.menu_of_lanes.addAction(tr(panel.menu))
            action.setCheckable(True)
            action.triggered.connect(lambda _=False: self.chosen.emit(self.shown))
            self.lanes[panel.key] = action
        self.menu_of_lanes.addSeparator()
        self.all = self.menu_of_lanes.addAction(tr("All of them"))
        self.all.triggered.connect(lambda _=False: self.chosen.emit(tuple(self.lanes)))
        self.none = self.menu_of_lanes.addAction(tr("None"))
        self.none.triggered.connect(lambda _=False: self.chosen.emit(()))
        self.clicked.connect(lambda _=False: self.open())

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys of the lanes that are ticked."""
        return tuple(key for key, action in self.lanes.items() if action.isChecked())

    def show_lanes(self, keys: Iterable[str]) -> None:
        """Tick these."""
        wanted = set(keys)
        for key, action in self.lanes.items():
            action.setChecked(key in wanted)
        self.setChecked(bool(self.shown))

    def open(self) -> None:
        """Open the menu."""
        self.setChecked(bool(self.shown))
        self.menu_of_lanes.popup(self.mapToGlobal(self.rect().bottomLeft()))
