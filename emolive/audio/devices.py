"""Which inputs this computer has, and which one a person means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from emolive.audio import portaudio
from emolive.errors import AudioDeviceError
from emolive.i18n import mark, tr

NO_INPUT = mark(
    "No microphone or other audio input was found: connect one, or try the demo (`emolive demo`) "
    "or an audio file (`emolive analyze FILE`)."
)


# Inputs that carry what is played, as systems and virtual devices name them.
_VIRTUAL = re.compile(
    r"\.monitor$|^monitor of |blackhole|soundflower|loopback|stereo ?mix|what u hear|"
    r"cable output|vb-audio",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class InputDevice:
    """An audio input; `sampling_rate` in Hz is its own default, `channels` its maximum.

    `source` is PulseAudio's name of it ("": PortAudio knows it by itself), `monitor` one of its
    sources that carries what an output plays.
    """

    index: int
    name: str
    host_api: str
    channels: int
    sampling_rate: int
    is_default: bool
    source: str = ""
    monitor: bool = False

    @property
    def stable_name(self) -> str:
        """The name without the card number that ALSA gives anew each time it is plugged in."""
        return re.sub(r" \(hw:\d+,\d+\)$", "", self.name)

    @property
    def is_loopback(self) -> bool:
        """Whether it carries what this computer plays; of virtual devices the name tells."""
        return self.monitor or _VIRTUAL.search(self.name) is not None


def list_devices(*, refresh: bool = False) -> list[InputDevice]:
    """PortAudio's inputs in its order; `refresh` looks for new ones unless a stream is open.

    Raises:
        AudioDeviceError: PortAudio is missing or does not start.
    """
    if refresh:
        portaudio.refresh()
    devices, host_apis, default = portaudio.query()
    return [
        InputDevice(
            index=int(device["index"]),
            name=str(device["name"]),
            host_api=str(host_apis[device["hostapi"]]["name"]),
            channels=int(device["max_input_channels"]),
            sampling_rate=round(device["default_samplerate"]),
            is_default=device["index"] == default,
        )
        for device in devices
        if device["max_input_channels"] > 0
    ]


def select_device(
    devices: Sequence[InputDevice],
    wanted: str | int | None,
    others: Sequence[InputDevice] = (),
) -> InputDevice:
    """The one device meant by an index, a name or a part of it, or None for the default.

    A number in a string is an index. Names ignore case; an exact name wins over a part, and
    "NAME, HOST API" tells apart what several host APIs offer; otherwise the default device's host
    API goes first, because on Windows each device appears under several. `others` are meant by
    what fits none of the `devices` as well.

    Raises:
        AudioDeviceError: there is none, or several; the text lists what there is.
    """
    if not devices:
        raise AudioDeviceError(NO_INPUT)
    default = next((device for device in devices if device.is_default), devices[0])
    if wanted is None:
        return default
    if isinstance(wanted, int) or wanted.strip().isdecimal():
        for device in (*devices, *others):
            if device.index == int(wanted):
                return device
        raise AudioDeviceError(
            "There is no audio input {wanted}; {devices}", wanted=wanted, devices=_listing(devices)
        )
    text = wanted.strip().casefold()
    matches = (
        _exactly(text, devices)
        or _exactly(text, others)
        or _partly(text, devices)
        or _partly(text, others)
    )
    if not text or not matches:
        raise AudioDeviceError(
            'No audio input is called "{wanted}"; {devices}',
            wanted=wanted,
            devices=_listing(devices),
        )
    first_api = min(matches, key=lambda device: device.host_api != default.host_api).host_api
    matches = [device for device in matches if device.host_api == first_api]
    if len(matches) > 1:
        raise AudioDeviceError(
            'Several audio inputs match "{wanted}"; {devices}',
            wanted=wanted,
            devices=_listing(matches),
        )
    return matches[0]


def _exactly(text: str, devices: Sequence[InputDevice]) -> list[InputDevice]:
    return [
        device
        for device in devices
        if text in (_label(device), device.name.casefold(), device.source.casefold())
    ]


def _partly(text: str, devices: Sequence[InputDevice]) -> list[InputDevice]:
    """Of a host API only "NAME, HOST API" speaks."""
    return [
        device
        for device in devices
        if text in (_label(device) if "," in text else device.name.casefold())
    ]


def _label(device: InputDevice) -> str:
    return f"{device.name}, {device.host_api}".casefold()


def _listing(devices: Sequence[InputDevice]) -> str:
    names = "; ".join(f"{device.index}: {device.name}, {device.host_api}" for device in devices)
    return tr("choose one of: {names}.", names=names)
