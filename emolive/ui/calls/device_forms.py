"""Calls that are held now: on one stereo device, or on a microphone and this computer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from emolive.audio.call_devices import CallDevices
from emolive.audio.inputs import input_key, input_title
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.audio.loopback import open_loopback
from emolive.audio.microphone import Microphone
from emolive.i18n import mark, tr
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.ui.controls import ChoiceBox, Fields, Notice, label
from emolive.ui.input_meter import InputMeter
from emolive.ui.layouts import STRETCH, vbox
from emolive.ui.preferences import Preferences
from emolive.ui.theme import Theme


class _Form(QWidget):
    """Devices and their levels; what was set with each comes back. `changed`: another choice."""

    changed = Signal()
    about_text: ClassVar[str]

    def __init__(
        self,
        theme: Theme,
        preferences: Preferences,
        make_probe: MakeProbe = LevelProbe,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._preferences = preferences
        self._make_probe = make_probe
        self.meters: list[InputMeter] = []
        self.about = label(tr(self.about_text), self, "muted", wrap=True)
        self.problem = Notice(self, "note")
        self.form = Fields()
        vbox(
            self.about, self.form, self.problem, STRETCH, within=self, margins=(0, 4, 0, 0), gap=10
        )
        self._build()

    @abstractmethod
    def _build(self) -> None:
        """Add the fields."""

    def show_problem(self, text: str) -> None:
        """Say what is missing; "" hides it."""
        self.problem.say(text)

    def _used_last(self, entries: Sequence[tuple[str, tuple[str, Any]]], usual: int = 0) -> int:
        """Which of these devices was used last; `usual` where none of them was."""
        keys = [key for _, (_, key) in entries]
        found = self._preferences.effective.input.used_last(keys)
        return usual if found is None else found

    def _add_meter(self) -> InputMeter:
        meter = InputMeter(self._theme, self, make_probe=self._make_probe)
        meter.set_allowed(self._preferences.effective.privacy.level_before)
        meter.setVisible(self._preferences.effective.privacy.level_before)
        self.meters.append(meter)
        self.form.addRow("", meter)
        return meter


def _offer(box: ChoiceBox, entries: Sequence[tuple[str, Any]], first: int = 0) -> None:
    """Offer these texts and values; what was chosen stays, if it is still there."""
    before = box.value()
    values = [value for _, value in entries]
    with QSignalBlocker(box):
        box.offer(entries or [(tr("none"), None)])
        box.setCurrentIndex(values.index(before) if before in values else first)


class StereoForm(_Form):
    """A device with the parties on its two channels."""

    about_text = mark("A line input or a telephone adapter with one party on each channel.")

    def _build(self) -> None:
        self.device = ChoiceBox(tr("Stereo device"), self)
        sides = [
            (tr("Agent left, customer right"), "left"),
            (tr("Agent right, customer left"), "right"),
        ]
        self.side = ChoiceBox(tr("Channel of the agent"), self, sides)
        self.form.add(tr("Device"), self.device)
        self.form.add(tr("Channels"), self.side)
        self.device.addItem(tr("Looking for devices…"))
        self.meter = self._add_meter()
        self.device.currentIndexChanged.connect(self._on_device)
        self.side.currentIndexChanged.connect(self._name_channels)
        self._name_channels()

    @property
    def choice(self) -> CallChoice | None:
        """The call, or None."""
        found = self.device.currentData()
        if found is None:
            return None
        name, key = found
        return CallChoice(CallKind.DEVICE, name, device=key, agent=self.side.value())

    def show_devices(self, found: CallDevices) -> None:
        """Offer the devices with two channels."""
        entries = [
            (input_title(device), (device.name, input_key(device, found.inputs)))
            for device in found.inputs
            if device.channels >= 2
        ]
        _offer(self.device, entries, self._used_last(entries))
        self._on_device()
        if entries:
            self.show_problem("")
            return
        none = tr(
            "There is no input with two channels: connect one, or monitor the call with a "
            "microphone and what this computer plays."
        )
        self.show_problem(found.problem or none)

    def remember(self) -> None:
        """Keep the agent's channel for the next use of this device."""
        if (choice := self.choice) is not None:
            self._preferences.know_device(choice.device, agent=choice.agent)

    def _on_device(self) -> None:
        self._hear()
        self.changed.emit()

    def _hear(self) -> None:
        choice = self.choice
        if choice is None:
            self.meter.hear(None)
            return
        if known := self._preferences.effective.input.of(choice.device):
            self.side.setCurrentIndex(known.agent == "right")
        self.meter.hear(choice.device, lambda: Microphone(choice.device, channels=2))

    def _name_channels(self) -> None:
        names = (tr("Agent"), tr("Customer"))
        self.meter.set_names(names if self.side.value() == "left" else names[::-1])
        self.changed.emit()


class LoopbackForm(_Form):
    """The agent at the microphone, the customer in what the computer plays."""

    about_text = mark(
        "A call held on this computer: the agent speaks into the microphone, the customer is "
        "what the computer plays. Their clocks are kept in step. With loudspeakers, the "
        "microphone hears the customer, too: use a headset."
    )

    def _build(self) -> None:
        self.microphone = ChoiceBox(tr("Microphone of the agent"), self)
        self.loopback = ChoiceBox(tr("Output that plays the customer"), self)
        self.form.add(tr("Agent"), self.microphone)
        self.agent_meter = self._add_meter()
        self.form.add(tr("Customer"), self.loopback)
        self.customer_meter = self._add_meter()
        self.microphone.currentIndexChanged.connect(self._on_microphone)
        self.loopback.currentIndexChanged.connect(self._on_loopback)
        self.microphone.addItem(tr("Looking for devices…"))
        self.loopback.addItem(tr("Looking for devices…"))

    @property
    def choice(self) -> CallChoice | None:
        """The call, or None."""
        microphone, loopback = self.microphone.currentData(), self.loopback.currentData()
        if microphone is None or loopback is None:
            return None
        name, key = microphone
        title = tr("{microphone} and computer", microphone=name)
        return CallChoice(CallKind.LOOPBACK, title, device=key, loopback=loopback)

    def show_devices(self, found: CallDevices) -> None:
        """Offer microphones and loopbacks."""
        microphones = [device for device in found.inputs if not device.is_loopback]
        entries = [
            (device.name, (device.name, input_key(device, found.inputs))) for device in microphones
        ]
        default = [row for row, device in enumerate(microphones) if device.is_default]
        _offer(self.loopback, [(one.description, one) for one in found.loopbacks])
        usual = default[0] if default else 0
        _offer(self.microphone, entries, self._used_last(entries, usual))
        self._on_microphone()
        self._on_loopback()
        self.show_problem(found.problem or found.loopback_problem)

    def remember(self) -> None:
        """Keep what is heard beside this microphone for its next use."""
        if (choice := self.choice) is not None and choice.loopback is not None:
            self._preferences.know_device(choice.device, loopback=choice.loopback.name)

    def _on_microphone(self) -> None:
        self._hear_agent()
        self.changed.emit()

    def _hear_agent(self) -> None:
        chosen = self.microphone.currentData()
        if chosen is None:
            self.agent_meter.hear(None)
            return
        _, key = chosen
        if known := self._preferences.effective.input.of(key):
            for row in range(self.loopback.count()):
                loopback = self.loopback.itemData(row)
                if loopback is not None and loopback.name == known.loopback:
                    self.loopback.setCurrentIndex(row)
        self.agent_meter.hear(key, lambda: Microphone(key))

    def _on_loopback(self) -> None:
        loopback = self.loopback.currentData()
        if loopback is None:
            self.customer_meter.hear(None)
        else:
            self.customer_meter.hear(loopback, lambda: open_loopback(loopback))
        self.changed.emit()
