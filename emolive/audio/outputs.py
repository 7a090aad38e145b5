"""Which outputs this computer has, and which one a person means."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from emolive.audio import portaudio
from emolive.audio.output import Pull, Speaker
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


class ChosenOutput:
    """The output that a key names, looked for each time it is opened; None: the default one."""

    def __init__(self, key: str | None) -> None:
        """Nothing is looked for yet."""
        self._key = key
        self._speaker = Speaker()

    @property
    def name(self) -> str:
        """The device's name once open."""
        return self._speaker.name

    @property
    def rate(self) -> int:
        """Samples per second, known once open."""
        return self._speaker.rate

    def open(self, pull: Pull) -> None:
        """Begin to play what `pull` delivers.

        Raises:
            AudioDeviceError: it is not there, or it refused.
        """
        self.close()
        self._speaker = _speaker(self._key)
        self._speaker.open(pull)

    def now(self) -> float:
        """Seconds on the clock of the times that `pull` is given."""
        return self._speaker.now()

    def problem(self) -> str | None:
        """Why it plays no more, as a sentence; None while all is well."""
        return self._speaker.problem()

    def close(self) -> None:
        """Fall silent at once."""
        self._speaker.close()


def _speaker(key: str | None) -> Speaker:
    if key is None:
        return Speaker()
    if key.startswith(_PULSE):
        name = key.removeprefix(_PULSE)
        known = {sink.name: sink.description for sink in pulse_devices().sinks}
        if name not in known:
            raise AudioDeviceError(
                "The output {name} is not there: connect it, or choose another one in the "
                "settings under Sound.",
                name=name,
            )
        return Speaker(_ALSA_DEVICE, name=known[name], environment={"PULSE_SINK": name})
    return Speaker(key, name=key.rsplit(", ", 1)[0])
