"""Calls that are held now: on one stereo device, or on a microphone and this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from emolive.audio.call_devices import CallDevices
from emolive.i18n import tr
from emolive.monitoring.call_choices import CallChoice, CallKind
from emolive.ui.controls import ChoiceBox, label
from emolive.ui.live.sources import device_key

if TYPE_CHECKING:
    from emolive.audio.call import Side


class SideBox(ChoiceBox):
    """On which channel the agent is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Channel of the agent"), parent)
        self.addItem(tr("Agent left, customer right"), "left")
        self.addItem(tr("Agent right, customer left"), "right")

    @property
    def side(self) -> Side:
        """The agent's channel."""
        return "right" if self.currentIndex() else "left"


class _Form(QWidget):
    changed = Signal()

    def __init__(self, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.about = label(about, self, "muted")
        self.about.setWordWrap(True)
        self.problem = label("", self, "note")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(14)
        self.form.setVerticalSpacing(8)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.about)
        column.addLayout(self.form)
        column.addWidget(self.problem)
        column.addStretch()

    def show_problem(self, text: str) -> None:
        """Say what is missing; "" hides it."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))


class StereoForm(_Form):
    """A device with the parties on its two channels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("A line input or a telephone adapter with one party on each channel."), parent
        )
        self.device = ChoiceBox(tr("Stereo device"), self)
        self.side = SideBox(self)
        self.form.addRow(tr("Device"), self.device)
        self.form.addRow(tr("Channels"), self.side)
        self.device.addItem(tr("Looking for devices…"))

    @property
    def choice(self) -> CallChoice | None:
        """The call, or None."""
        found = self.device.currentData()
        if found is None:
            return None
        name, key = found
        return CallChoice(CallKind.DEVICE, name, device=key, agent=self.side.side)

    def show_devices(self, found: CallDevices) -> None:
        """Offer the devices with two channels."""
        self.device.clear()
        for device in found.inputs:
            if device.channels >= 2:
                key = device_key(device, found.inputs)
                self.device.addItem(device.name, (device.name, key))
        if self.device.count():
            self.show_problem("")
            return
        self.device.addItem(tr("none"))
        none = tr(
            "There is no input with two channels: connect one, or monitor the call with a "
            "microphone and what this computer plays."
        )
        self.show_problem(found.problem or none)


class LoopbackForm(_Form):
    """The agent at the microphone, the customer in what the computer plays."""

    def __init__(self, parent: QWidget | None = None) -> None:
        about = tr(
            "A call held on this computer: the agent speaks into the microphone, the customer is "
            "what the computer plays. Their clocks are kept in step. With loudspeakers, the "
            "microphone hears the customer, too: use a headset."
        )
        super().__init__(about, parent)
        self.microphone = ChoiceBox(tr("Microphone of the agent"), self)
        self.loopback = ChoiceBox(tr("Output that plays the customer"), self)
        self.form.addRow(tr("Agent"), self.microphone)
        self.form.addRow(tr("Customer"), self.loopback)
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
        self.microphone.clear()
        for device in found.inputs:
            if not device.is_loopback:
                key = device_key(device, found.inputs)
                self.microphone.addItem(device.name, (device.name, key))
                if device.is_default:
                    self.microphone.setCurrentIndex(self.microphone.count() - 1)
        self.loopback.clear()
        for loopback in found.loopbacks:
            self.loopback.addItem(loopback.description, loopback)
        for box in (self.microphone, self.loopback):
            if not box.count():
                box.addItem(tr("none"))
        self.show_problem(found.problem or found.loopback_problem)
