"""Settings of what is kept beyond what is on the screen."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from emolive.i18n import tr
from emolive.settings import Settings
from emolive.ui.controls import label
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Number, Section, Switch
from emolive.ui.theme import Theme


class PrivacySection(Section):
    """Memory, names of inputs and files, and a way to forget it all."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Privacy"), parent)
        self._preferences = preferences
        note = label(
            tr(
                "Everything is analysed on this computer: no audio and no answer leaves it. "
                "Nothing of what is heard is written to the disk unless you record or export; of "
                "each source, numbers on the model's answers are kept (Adapting to the source)."
            ),
            self,
            wrap=True,
        )
        self.add(note)
        self.minutes = Number((0, 30), 1, tr("min"), self)
        self.minutes.valueChanged.connect(
            lambda value: preferences.change("privacy", keep_minutes=value)
        )
        about = tr(
            "The last minutes of sound stay in memory, so that a moment can be explained; they are "
            "gone when the next run starts. 0: none. Holds from the next start on."
        )
        self.row(tr("Sound kept in memory"), about, self.minutes)
        self.level = Switch(theme, self)
        self.level.clicked.connect(lambda on: preferences.change("privacy", level_before=on))
        about = tr(
            "Before a start, the chosen input is open for as long as its level is in view. The "
            "sound is measured, and neither kept nor sent anywhere."
        )
        self.row(tr("Level before the start"), about, self.level)
        self.input = Switch(theme, self)
        self.input.clicked.connect(self._on_input)
        about = tr(
            "The input chosen on the live page is chosen again at the next start, and each has "
            "its channels and its group again."
        )
        self.row(tr("Remember the input"), about, self.input)
        self.files = Switch(theme, self)
        self.files.clicked.connect(self._on_files)
        about = tr("Files opened last stay in the list of inputs.")
        self.row(tr("Remember files"), about, self.files)
        self.reset = QPushButton(tr("Reset all settings"), self)
        self.reset.clicked.connect(preferences.reset)
        about = tr("Sets everything on this page back. Sessions are not touched.")
        self.row(tr("Begin anew"), about, self.reset)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        self.minutes.show_value(settings.privacy.keep_minutes)
        self.level.setChecked(settings.privacy.level_before)
        self.input.setChecked(settings.privacy.remember_input)
        self.files.setChecked(settings.privacy.remember_files)

    def _on_input(self, on: bool) -> None:
        self._preferences.change("privacy", remember_input=on)
        if not on:
            self._preferences.change("input", devices={})

    def _on_files(self, on: bool) -> None:
        self._preferences.change("privacy", remember_files=on)
        if not on:
            self._preferences.change("window", files=())
