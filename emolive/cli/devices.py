"""`devices`: which inputs there are, and what of the computer's own sound can be heard."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from emolive.audio.devices import NO_INPUT, InputDevice
from emolive.audio.inputs import list_inputs
from emolive.audio.loopback import LoopbackDevice, LoopbackKind, list_loopbacks, loopback_hint
from emolive.cli.console import Console, columns
from emolive.cli.outcome import DONE, print_json, say, tell
from emolive.i18n import mark

_NUMBERS = ("index", "channels", "Hz")


def run_devices(*, as_json: bool) -> int:
    """Print the inputs and loopbacks, as tables or one JSON array, by the names the app shows.

    Raises:
        AudioDeviceError: PortAudio is missing or does not start.
    """
    devices = [device for device in list_inputs() if not device.monitor]
    loopbacks = list_loopbacks()
    if as_json:
        found = [_input(device) for device in devices]
        # A virtual device is an input of its own, and in the list already.
        found += [_loopback(one) for one in loopbacks if one.kind is not LoopbackKind.DEVICE]
        print_json(found)
        return DONE
    if not devices:
        tell(NO_INPUT)
    else:
        _show_inputs(devices)
    if loopbacks:
        _show_loopbacks(loopbacks)
    else:
        tell(loopback_hint(sys.platform))
    return DONE


def _input(device: InputDevice) -> dict[str, object]:
    return {
        "index": device.index,
        "name": device.name,
        "host_api": device.host_api,
        "channels": device.channels,
        "sampling_rate": device.sampling_rate,
        "is_default": device.is_default,
        "loopback": device.is_loopback,
    }


def _loopback(loopback: LoopbackDevice) -> dict[str, object]:
    return {
        "index": loopback.index,
        "name": loopback.description,
        "host_api": loopback.kind.value,
        "channels": loopback.channels,
        "sampling_rate": loopback.sampling_rate,
        "is_default": loopback.is_default,
        "loopback": True,
    }


def _show_inputs(devices: Sequence[InputDevice]) -> None:
    names = (mark("index"), mark("name"), mark("host API"), mark("channels"), mark("Hz"))
    _show(
        names,
        ((d.is_default, d.index, d.name, d.host_api, d.channels, d.sampling_rate) for d in devices),
    )
    if any(device.is_default for device in devices):
        tell("* is the default. Choose another one with `emolive live --device NAME|INDEX`.")


def _show_loopbacks(loopbacks: Sequence[LoopbackDevice]) -> None:
    names = (
        mark("loopback: what this computer plays"),
        mark("through"),
        mark("channels"),
        mark("Hz"),
    )
    say("")
    _show(
        names,
        ((d.is_default, d.description, d.kind, d.channels, d.sampling_rate) for d in loopbacks),
    )
    tell("Monitor a call with `emolive call live --device MICROPHONE --loopback default|NAME`.")


def _show(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = columns("", *names, numbers=_NUMBERS, box=None)
    for default, *facts in rows:
        table.add_row("*" if default else "", *map(str, facts))
    Console().print(table)
