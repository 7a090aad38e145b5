"""The inputs of this computer as its system shows them: by their own names, each of them once.

PortAudio alone would list every host API's view of a device, and of PulseAudio or PipeWire one
device for all of them. The names that it has for those still mean what they always did.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from emolive.audio import portaudio
from emolive.audio.devices import InputDevice, list_devices, select_device
from emolive.audio.pulse import alsa_device, pulse_devices
from emolive.i18n import tr

_PULSE = "PulseAudio"
_WASAPI = "Windows WASAPI"
_CARD = re.compile(r"\(hw:\d+,\d+\)$")


def list_inputs(*, refresh: bool = False, platform: str = sys.platform) -> list[InputDevice]:
    """All inputs, microphones before what outputs play; `refresh` as for `list_devices`.

    Linux: the sources of the sound server, by their descriptions; without one, ALSA's cards.
    Windows: those of WASAPI. macOS: those of Core Audio.

    Raises:
        AudioDeviceError: PortAudio is missing or does not start.
    """
    devices = list_devices(refresh=refresh)
    if platform == "linux":
        return _of_pulse(devices) or _cards(devices)
    if platform == "win32":
        return _of_wasapi(devices)
    return devices


def find_input(wanted: str | int | None, platform: str = sys.platform) -> InputDevice:
    """The input meant, as `select_device` says, also under a name that only PortAudio has for it.

    Raises:
        AudioDeviceError: there is none, or several; the text lists what there is.
    """
    shown = list_inputs(platform=platform)
    indices = {device.index for device in shown}
    others = [device for device in list_devices() if device.index not in indices]
    return select_device(shown, wanted, others)


def input_key(device: InputDevice, devices: Sequence[InputDevice]) -> str | int:
    """What names a device from now on and after it was unplugged.

    By name, because indices change when something is plugged in; twins only by index.
    """
    name = _full_name(device)
    twins = sum(1 for other in devices if _full_name(other) == name)
    return name if twins == 1 else device.index


def input_title(device: InputDevice) -> str:
    """What it is called in a list of inputs: what this computer plays is no microphone."""
    if device.is_loopback:
        return tr("{name} (what this computer plays)", name=device.name)
    return device.name


def _full_name(device: InputDevice) -> str:
    return f"{device.name}, {device.host_api}"


def _of_pulse(devices: Sequence[InputDevice]) -> list[InputDevice]:
    """The sources, numbered after PortAudio's own devices, so that an index means one input."""
    if alsa_device(devices) is None:
        return []
    sources = sorted(pulse_devices().sources, key=lambda source: bool(source.monitor_of))
    told = Counter(source.description for source in sources)
    first = 1 + max(device.index for device in devices)
    return [
        InputDevice(
            first + number,
            # Two of one make have one description.
            f"{source.description} ({source.name})"
            if told[source.description] > 1
            else source.description,
            _PULSE,
            source.channels,
            source.sampling_rate,
            source.is_default,
            source.name,
            bool(source.monitor_of),
        )
        for number, source in enumerate(sources)
    ]


def _cards(devices: Sequence[InputDevice]) -> list[InputDevice]:
    """ALSA's cards without the converters before them; the default one, whatever it is."""
    if not any(_CARD.search(device.name) for device in devices):
        return list(devices)
    return [device for device in devices if device.is_default or _CARD.search(device.name)]


def _of_wasapi(devices: Sequence[InputDevice]) -> list[InputDevice]:
    """Those of WASAPI, whose names are whole; MME cuts them off after 31 characters."""
    _, host_apis, _ = portaudio.query()
    defaults = [api["default_input_device"] for api in host_apis if api["name"] == _WASAPI]
    found = [
        replace(device, is_default=device.index in defaults)
        for device in devices
        if device.host_api == _WASAPI
    ]
    return found or list(devices)
