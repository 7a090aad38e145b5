"""What stands where the list would be: why it is empty, and what to do."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.ui.ghosts import Ghost
from emolive.ui.invitation import Invitation
from emolive.ui.theme import Theme


class EmptyList(Invitation):
    """One sentence, at most two buttons."""

    record = Signal()
    import_ = Signal()
    clear = Signal()
    retry = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, Ghost.SESSIONS, parent)
        self.record_button = self.add_button(tr("Go to the live view"), self.record.emit, "primary")
        self.import_button = self.add_button(tr("Import a bundle…"), self.import_.emit)
        self.clear_button = self.add_button(tr("Show all sessions"), self.clear.emit, "primary")
        self.retry_button = self.add_button(tr("Try again"), self.retry.emit, "primary")

    def show_loading(self) -> None:
        """The library is being opened."""
        self.say(tr("Opening the library…"), "")

    def show_none(self) -> None:
        """There are no sessions at all."""
        self.say(
            tr("No sessions yet"),
            tr(
                "Press Record in the live view: the emotion timeline and, if you like, the sound "
                "are kept on this computer, to be replayed, searched, marked and exported here."
            ),
            tr("Audio files and folders that are dropped here are analysed into sessions."),
            self.record_button,
            self.import_button,
        )

    def show_no_match(self) -> None:
        """None of the sessions matches."""
        self.say(
            tr("No session matches"),
            tr("Try fewer words, a shorter length or a longer time."),
            "",
            self.clear_button,
        )

    def show_problem(self, text: str) -> None:
        """The library cannot be used."""
        self.say(tr("The library cannot be opened"), text, "", self.retry_button)
