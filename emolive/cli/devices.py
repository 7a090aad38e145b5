"""`devices`: which inputs there are."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from emolive.audio.devices import NO_INPUT, list_devices
from emolive.cli.outcome import DONE, tell


def run_devices(*, as_json: bool) -> int:
    """Print the inputs, as a table or one JSON array.

    Raises:
        AudioDeviceError: PortAudio is missing or does not start.
    """
    devices = list_devices()
    if as_json:
        found = [
            {
                "index": device.index,
                "name": device.name,
                "host_api": device.host_api,
                "channels": device.channels,
                "sampling_rate": device.sampling_rate,
                "is_default": device.is_default,
            }
            for device in devices
        ]
        print(json.dumps(found, indent=1))  # noqa: T201
        return DONE
    if not devices:
        tell(NO_INPUT)
        return DONE
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading, justify in (
        ("", "left"),
        ("index", "right"),
        ("name", "left"),
        ("host API", "left"),
        ("channels", "right"),
        ("Hz", "right"),
    ):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for device in devices:
        table.add_row(
            "*" if device.is_default else "",
            str(device.index),
            device.name.replace("[", r"\["),
            device.host_api,
            str(device.channels),
            str(device.sampling_rate),
        )
    Console().print(table)
    if any(device.is_default for device in devices):
        tell("* is the default. Choose another one with `emolive live --device NAME|INDEX`.")
    return DONE
