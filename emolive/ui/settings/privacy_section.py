"""Settings of what is kept beyond what is on the screen."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.ui.controls import label
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import SettingsSection
from emolive.ui.theme import Theme


class PrivacySection(SettingsSection):
    """Memory, names of inputs and files, and a way to forget it all."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Privacy"), preferences, theme, parent)
        text = tr(
            "Everything is analysed on this computer: no audio and no answer leaves it. "
            "Nothing of what is heard is written to the disk unless you record or export; of "
            "each source, numbers on the model's answers are kept (Adapting to the source)."
        )
        self.add(label(text, self, wrap=True))
        about = tr(
            "The last minutes of sound stay in memory, so that a moment can be explained; they are "
            "gone when the next run starts. 0: none. Holds from the next start on."
        )
        self.minutes = self.number(
            "privacy", "keep_minutes", tr("Sound kept in memory"), about, (0, 30), 1, tr("min")
        )
        about = tr(
            "Before a start, the chosen input is open for as long as its level is in view. The "
            "sound is measured, and neither kept nor sent anywhere."
        )
        self.level = self.switch("privacy", "level_before", tr("Level before the start"), about)
        about = tr(
            "The input chosen on the live page is chosen again at the next start, and each has "
            "its channels and its group again."
        )
        self.input = self.switch("privacy", "remember_input", tr("Remember the input"), about)
        self.input.clicked.connect(self._on_input)
        about = tr("Files opened last stay in the list of inputs.")
        self.files = self.switch("privacy", "remember_files", tr("Remember files"), about)
        self.files.clicked.connect(self._on_files)
        about = tr("Sets everything on this page back. Sessions are not touched.")
        text = tr("Reset all settings")
        self.reset = self.button(text, preferences.reset, tr("Begin anew"), about)

    def _on_input(self, on: bool) -> None:
        if not on:
            self._preferences.change("input", devices={})

    def _on_files(self, on: bool) -> None:
        if not on:
            self._preferences.change("window", files=())
