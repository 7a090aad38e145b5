"""Which outputs this computer has, and which one a person means."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from emolive.audio import portaudio
from emolive.audio.output import Chosen, Speaker
from emolive.audio.pulse import pulse_devices
from emolive.errors import AudioDeviceError

_PULSE = "pulse:"
_ALSA_DEVICE = "pulse"


@dataclass(frozen=True, slots=True)
class OutputDevice:
    """Headphones, a loudspeaker: `key` names it from now on, `name` is for people."""

    key: str
    name: str
    is_default: bool = False


def list_outputs() -> list[OutputDevice]:
    """All outputs, by the names that the system shows.

    With PulseAudio or PipeWire those of the sound server, elsewhere PortAudio's of the host API
    that has the default one: on Windows each device appears under several.

    Raises:
        AudioDeviceError: PortAudio is missing or does not start.
    """
    devices, host_apis, default = portaudio.query_outputs()
    if sys.platform == "linux" and any(device["name"] == _ALSA_DEVICE for device in devices):
        sinks = pulse_devices().sinks
        if sinks:
            return [
                OutputDevice(_PULSE + sink.name, sink.description, sink.is_default)
                for sink in sinks
            ]
    first = next((one["hostapi"] for one in devices if one["index"] == default), None)
    return [
        OutputDevice(
            f"{device['name']}, {host_apis[device['hostapi']]['name']}",
            str(device["name"]),
            device["index"] == default,
        )
        for device in devices
        if first is None or device["hostapi"] == first
    ]


class ChosenOutput(Speaker):
    """The output that a key names, looked for each time it is opened; None: the default one."""

    def __init__(self, key: str | None) -> None:
        super().__init__()
        self._key = key

    def chosen(self) -> Chosen:
        """The device, or the sink of the sound server.

        Raises:
            AudioDeviceError: it is not there.
        """
        if self._key is None:
            return Chosen()
        if not self._key.startswith(_PULSE):
            return Chosen(self._key, self._key.rsplit(", ", 1)[0])
        name = self._key.removeprefix(_PULSE)
        known = {sink.name: sink.description for sink in pulse_devices().sinks}
        if name not in known:
            raise AudioDeviceError(
                "The output {name} is not there: connect it, or choose another one in the "
                "settings under Sound.",
                name=name,
            )
        return Chosen(_ALSA_DEVICE, known[name], {"PULSE_SINK": name})
