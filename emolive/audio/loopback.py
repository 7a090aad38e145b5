"""What this computer plays, as an input: the other side of a call held on it.

Linux: the monitor sources of PulseAudio or PipeWire. Windows: WASAPI loopback. macOS: none of its
own, but virtual devices (BlackHole and the like) are recognised by their names, everywhere.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from emolive.audio.inputs import list_inputs
from emolive.audio.microphone import Microphone
from emolive.audio.pulse import pulse_devices
from emolive.audio.source import AudioSource
from emolive.errors import AudioDeviceError
from emolive.extras import way_to_get
from emolive.i18n import mark, tr

_WAYS_OUT = {
    "darwin": mark(
        "macOS offers no loopback of its own: install a virtual device such as BlackHole, "
        "let the call's sound go to it as well (Audio MIDI Setup, Multi-Output Device), "
        "and choose it here"
    ),
    "linux": mark(
        "that takes PulseAudio or PipeWire (pipewire-pulse), and the ALSA plug-in for them "
        "(Debian, Ubuntu: `sudo apt install libasound2-plugins`)"
    ),
}


class LoopbackKind(StrEnum):
    """How a loopback is heard."""

    PULSE = "PulseAudio"
    WASAPI = "WASAPI"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class LoopbackDevice:
    """An output whose sound can be heard, or a virtual device that carries it.

    `name` is the system's own, `description` for people; `is_default` marks that of the default
    output. `index` is that of the input which it is, too, if it is one.
    """

    name: str
    description: str
    kind: LoopbackKind
    channels: int
    sampling_rate: int
    is_default: bool = False
    index: int | None = None


def list_loopbacks(platform: str = sys.platform) -> list[LoopbackDevice]:
    """All loopbacks of this computer, the default output's first; empty where there are none.

    Raises:
        AudioDeviceError: PortAudio is missing or does not start.
    """
    inputs = [device for device in list_inputs(platform=platform) if device.is_loopback]
    found = [
        LoopbackDevice(
            device.source or device.name,
            device.name,
            LoopbackKind.PULSE if device.monitor else LoopbackKind.DEVICE,
            device.channels,
            device.sampling_rate,
            index=device.index,
        )
        for device in inputs
    ]
    if platform == "linux":
        # A monitor is as default as the output whose sound it carries.
        outputs = pulse_devices()
        default = {sink.name for sink in outputs.sinks if sink.is_default}
        heard = {source.name for source in outputs.sources if source.monitor_of in default}
        found = [replace(one, is_default=one.name in heard) for one in found]
    elif platform == "win32":
        from emolive.audio.wasapi_loopback import list_wasapi_loopbacks

        found = list_wasapi_loopbacks() + found
    # Two outputs of one make have one description.
    told = Counter(loopback.description for loopback in found)
    found = [
        replace(loopback, description=f"{loopback.description} ({loopback.name})")
        if told[loopback.description] > 1
        else loopback
        for loopback in found
    ]
    return sorted(found, key=lambda loopback: not loopback.is_default)


def loopback_hint(platform: str = sys.platform) -> str:
    """One sentence for a computer without loopbacks."""
    if platform == "win32":
        way_out = way_to_get("loopback")
    else:
        way_out = tr(_WAYS_OUT.get(platform, _WAYS_OUT["linux"]))
    return tr("What this computer plays cannot be heard: {way_out}.", way_out=way_out)


def find_loopback(
    loopbacks: Sequence[LoopbackDevice], wanted: str | None, platform: str = sys.platform
) -> LoopbackDevice:
    """The one meant by a name or a part of it; None: the default output's, or the only one.

    Raises:
        AudioDeviceError: there is none, or several; the text says what to do.
    """
    if not loopbacks:
        raise AudioDeviceError(loopback_hint(platform))
    if wanted is None or not wanted.strip():
        return loopbacks[0]
    text = wanted.strip().casefold()
    matches = [
        loopback
        for loopback in loopbacks
        if text in (loopback.name.casefold(), loopback.description.casefold())
    ] or [
        loopback
        for loopback in loopbacks
        if text in loopback.name.casefold() or text in loopback.description.casefold()
    ]
    if len(matches) == 1:
        return matches[0]
    problem = tr("Several loopback inputs match") if matches else tr("No loopback input is called")
    names = "; ".join(loopback.description for loopback in loopbacks)
    raise AudioDeviceError(
        '{problem} "{wanted}"; choose one of: {names}.', problem=problem, wanted=wanted, names=names
    )


def open_loopback(loopback: LoopbackDevice) -> AudioSource:
    """A source, one mono stream, that hears `loopback`; nothing is opened yet."""
    if loopback.kind is LoopbackKind.WASAPI:
        from emolive.audio.wasapi_loopback import WasapiLoopback

        return WasapiLoopback(loopback)
    return Microphone(loopback.name if loopback.kind is LoopbackKind.PULSE else loopback.index)
