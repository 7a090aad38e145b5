"""What stands where the timeline will be."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.ui.ghosts import Ghost
from emolive.ui.invitation import Invitation
from emolive.ui.theme import Theme


class EmptyState(Invitation):
    """Says what to do first, and offers to listen, the demo and the guide."""

    start = Signal()
    demo = Signal()
    guide = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, Ghost.TIMELINE, parent)
        self.start_button = self.add_button(tr("Start listening"), self.start.emit, "primary")
        self.button = self.add_button(tr("Play the demo clip"), self.demo.emit)
        self.guide_button = self.add_button(tr("Show me around"), self.guide.emit)
        self.show_starting(False)

    def show_starting(self, starting: bool) -> None:
        """Whether the timeline is about to come, or a choice is needed first."""
        if starting:
            self.say(tr("Getting ready…"), "")
            return
        self.say(
            tr("The emotion timeline appears here"),
            tr(
                "Choose an input above and press Space to start.\n"
                "Everything is analysed on this computer; no audio leaves it."
            ),
            tr("An audio file can be dropped here, too; several, or a folder, become sessions."),
            self.start_button,
            self.button,
            self.guide_button,
        )
