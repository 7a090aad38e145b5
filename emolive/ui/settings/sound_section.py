"""Settings of what is played."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.settings import Settings
from emolive.types import Severity
from emolive.ui.calls.chime import Chime
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import SettingsSection, Switch
from emolive.ui.sound_controls import OutputChoice, VolumeSlider
from emolive.ui.theme import Theme


class SoundSection(SettingsSection):
    """Output and volume of files, the demo, replayed sessions and calls that are listened to."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Sound"), preferences, theme, parent)
        self.output = OutputChoice(preferences, self)
        about = tr("Where files, the demo, sessions and calls are heard.")
        self.row(tr("Output"), about, self.output)
        self.volume = VolumeSlider(preferences, self)
        self.row(tr("Volume"), "", self.volume)
        self.chime = Chime(lambda: preferences.effective.sound.output)
        play = partial(self.chime.play, Severity.INFO)
        self.test = self.button(tr("Play a test sound"), play, tr("Test"), "")
        self.on = Switch(theme, self)
        self.on.clicked.connect(lambda on: preferences.change("sound", muted=not on))
        about = tr("While they run on the live page; M switches it there.")
        self.row(tr("Files and the demo are heard"), about, self.on)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        self.output.show_wanted()
        self.volume.show_value(settings.sound.volume)
        self.on.setChecked(not settings.sound.muted)

    def end(self, timeout: float) -> None:
        """Fall silent."""
        self.output.end(timeout)
        self.chime.close(timeout)
