"""What a call can be heard with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emolive.audio.devices import InputDevice
from emolive.audio.inputs import list_inputs
from emolive.audio.loopback import LoopbackDevice, list_loopbacks, loopback_hint
from emolive.errors import EmoliveError


@dataclass(frozen=True, slots=True)
class CallDevices:
    """Inputs and loopbacks; the problems are sentences, "" where there is none."""

    inputs: tuple[InputDevice, ...] = ()
    loopbacks: tuple[LoopbackDevice, ...] = ()
    problem: str = ""
    loopback_problem: str = ""


FindsDevices = Callable[[], CallDevices]


def find_call_devices() -> CallDevices:
    """What is plugged in now; may take a second."""
    inputs: tuple[InputDevice, ...] = ()
    loopbacks: tuple[LoopbackDevice, ...] = ()
    problem = loopback_problem = ""
    try:
        inputs = tuple(list_inputs(refresh=True))
    except EmoliveError as error:
        problem = str(error)
    try:
        loopbacks = tuple(list_loopbacks())
    except EmoliveError as error:
        loopback_problem = str(error)
    if not loopbacks and not loopback_problem:
        loopback_problem = loopback_hint()
    return CallDevices(inputs, loopbacks, problem, loopback_problem)
