"""A microphone beside what this computer plays: both sides of a call that is held on it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from emolive.audio.aligned import AlignedSource, Input
from emolive.audio.devices import InputDevice
from emolive.audio.loopback import LoopbackDevice, find_loopback, list_loopbacks, open_loopback
from emolive.audio.microphone import Microphone
from emolive.types import Role

MICROPHONE, COMPUTER = "microphone", "computer"


def computer_is_heard(devices: Sequence[InputDevice]) -> bool:
    """Whether there is a microphone, and a way to hear what this computer plays beside it."""
    loopbacks = [device for device in devices if device.is_loopback]
    another_way = find_spec("pyaudiowpatch") is not None
    return len(loopbacks) < len(devices) and bool(loopbacks or another_way)


def microphone_and_computer(device: str | int | None) -> AlignedSource:
    """Two streams by these names, of nobody in particular; None: the default input, and output.

    Raises:
        AudioDeviceError: what this computer plays cannot be heard.
    """
    return AlignedSource(
        (
            Input(Microphone(device), MICROPHONE),
            Input(open_loopback(default_loopback()), COMPUTER),
        )
    )


def call_on_this_computer(
    device: str | int | None, loopback: LoopbackDevice | None = None
) -> AlignedSource:
    """The same as a call: the agent at the microphone, the customer in what is played.

    Raises:
        AudioDeviceError: what this computer plays cannot be heard.
    """
    return AlignedSource(
        (
            Input(Microphone(device), Role.AGENT.value, Role.AGENT),
            Input(
                open_loopback(loopback or default_loopback()), Role.CUSTOMER.value, Role.CUSTOMER
            ),
        )
    )


def default_loopback() -> LoopbackDevice:
    """What the default output plays.

    Raises:
        AudioDeviceError: it cannot be heard; the text says what to do.
    """
    return find_loopback(list_loopbacks(), None)
