"""Settings of the input, with a look at its level."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from emolive.audio.devices import InputDevice
from emolive.audio.inputs import input_key, input_title
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.audio.microphone import Microphone
from emolive.i18n import tr
from emolive.settings import Settings
from emolive.ui.controls import Entries, label, push_button
from emolive.ui.input_meter import InputLevel
from emolive.ui.layouts import hbox
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Choice, SettingsSection
from emolive.ui.theme import Theme


def offered(devices: Sequence[InputDevice]) -> Entries:
    """The inputs that can be chosen, the system's first."""
    named = [(input_title(device), input_key(device, devices)) for device in devices]
    return [(tr("System default"), None), *named]


class InputSection(SettingsSection):
    """Device and channels; the level is measured only as long as a person asks for it."""

    def __init__(
        self,
        preferences: Preferences,
        theme: Theme,
        make_probe: MakeProbe = LevelProbe,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(tr("Input"), preferences, theme, parent)
        self.device = Choice(tr("Input"), offered(()), self)
        self.device.picked.connect(preferences.choose_device)
        about = tr("What the live page listens to, unless another input is chosen there.")
        self.row(tr("Device"), about, self.device)
        about = tr("Two channels become two timelines, for two people with a microphone each.")
        choices = [(tr("One (mixed)"), 1), (tr("Two (left, right)"), 2)]
        self.channels = self.choice("input", "channels", tr("Channels"), about, choices)
        self.bar = InputLevel(theme, make_probe, self)
        self.test = push_button(tr("Test"), self, kind="toggle", checkable=True)
        self.test.clicked.connect(self._on_test)
        self.said = label(tr("Speak, and see whether the bar moves."), self, "caption", wrap=True)
        meter = QWidget(self)
        hbox((self.bar, 1), self.test, within=meter, gap=10)
        meter.setMinimumWidth(320)
        self.row(tr("Level"), "", meter)
        self.add(self.said)
        self.bar.told.connect(self.said.setText)
        self.bar.broken.connect(self._on_broken)

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these."""
        self.device.offer(offered(devices))
        wanted = self._preferences.settings.input.device
        if wanted not in self.device.values:
            name = str(wanted).split(", ")[0]
            self.device.addItem(tr("{name} (not there)", name=name), wanted)
        self.device.show_value(wanted)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        super().show_settings(settings)
        self.device.show_value(settings.input.device)

    def stop_test(self) -> None:
        """Let the input go, without waiting for that."""
        self.test.setChecked(False)
        self.bar.let_go()

    def end(self, timeout: float) -> None:
        """Let the input go, and wait for that."""
        self.stop_test()
        self.bar.end(timeout)

    def _on_test(self, on: bool) -> None:
        self.stop_test()
        if on:
            chosen = self._preferences.settings.input
            self.bar.listen(lambda: Microphone(chosen.device, chosen.channels))
            self.test.setChecked(True)
            self.said.setText(tr("Speak, and see whether the bar moves."))

    def _on_broken(self, problem: str) -> None:
        self.stop_test()
        self.said.setText(problem)
