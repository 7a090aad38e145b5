"""What PulseAudio or PipeWire has: inputs, outputs and what they are called.

PortAudio knows all of them as one ALSA device, "pulse", which libpulse connects to the source (or
sink) that PULSE_SOURCE (PULSE_SINK) names while the device is opened, and to the system's default
otherwise. So listing them is all that has to be asked of the sound server itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from emolive.audio.devices import InputDevice, list_devices
from emolive.audio.jobs import Beside
from emolive.errors import AudioDeviceError

_ANSWER_WITHIN_S = 2.0
_LOOK_EVERY_S = 2.0
_ALSA_DEVICES = ("pulse", "default")


@dataclass(frozen=True, slots=True)
class PulseDevice:
    """A source or a sink: `name` is the system's own, `description` for people.

    A source that carries what an output plays is the `monitor_of` that sink ("": of none).
    """

    name: str
    description: str
    channels: int
    sampling_rate: int
    is_default: bool
    monitor_of: str = ""


@dataclass(frozen=True, slots=True)
class PulseDevices:
    """All of them; empty without a sound server, or if it does not answer."""

    sources: tuple[PulseDevice, ...] = ()
    sinks: tuple[PulseDevice, ...] = ()


def pulse_devices() -> PulseDevices:
    """What there is now; waits for at most two seconds."""
    job = Beside("emolive pulse").submit(ask_pulse)
    try:
        return job.result(_ANSWER_WITHIN_S)
    except TimeoutError:
        return PulseDevices()


def ask_pulse() -> PulseDevices:
    """The same, however long it takes."""
    try:
        import pulsectl
    except (ImportError, OSError):  # the latter without libpulse
        return PulseDevices()
    try:
        with pulsectl.Pulse("emolive", connect=False) as pulse:
            pulse.connect()
            server = pulse.server_info()
            sources = tuple(
                PulseDevice(
                    source.name,
                    source.description,
                    source.channel_count,
                    source.sample_spec.rate,
                    source.name == server.default_source_name,
                    source.monitor_of_sink_name or "",
                )
                for source in pulse.source_list()
            )
            sinks = tuple(
                PulseDevice(
                    sink.name,
                    sink.description,
                    sink.channel_count,
                    sink.sample_spec.rate,
                    sink.name == server.default_sink_name,
                )
                for sink in pulse.sink_list()
            )
            return PulseDevices(sources, sinks)
    except pulsectl.PulseError:
        return PulseDevices()


def alsa_device(devices: Sequence[InputDevice]) -> InputDevice | None:
    """PortAudio's device that reaches the sound server, among `devices`."""
    for name in _ALSA_DEVICES:
        for device in devices:
            if device.name == name and device.host_api == "ALSA":
                return device
    return None


def alsa_index() -> int:
    """PortAudio's index of that device.

    Raises:
        AudioDeviceError: ALSA's plug-in for it is missing.
    """
    if (device := alsa_device(list_devices())) is not None:
        return device.index
    raise AudioDeviceError(
        "PulseAudio cannot be reached through ALSA: install its plug-in (Debian, "
        "Ubuntu: `sudo apt install libasound2-plugins`)."
    )


class SourceWatch:
    """Tells when a source is there no more, asking every two seconds.

    When one goes away, a sound server may quietly hand its listeners over to another one, such as
    the microphone in place of what a headset played.
    """

    def __init__(self, name: str) -> None:
        """Watch the source of this name, which is there now."""
        self._name = name
        self._look: Future[PulseDevices] | None = None
        self._looked_at = time.monotonic()

    def gone(self) -> bool:
        """Whether it is gone, as far as is known; never waits."""
        now = time.monotonic()
        if self._look is None:
            if now - self._looked_at >= _LOOK_EVERY_S:
                self._looked_at = now
                self._look = Beside("emolive pulse").submit(ask_pulse)
            return False
        if not self._look.done():
            return False
        look, self._look = self._look, None
        return self._name not in {source.name for source in look.result().sources}
