"""What PulseAudio or PipeWire has: inputs, outputs and what they are called.

PortAudio knows all of them as one ALSA device, "pulse", which libpulse connects to the source (or
sink) that PULSE_SOURCE (PULSE_SINK) names while the device is opened, and to the system's default
otherwise. So listing them is all that has to be asked of the sound server itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from emolive.audio.devices import InputDevice, list_devices
from emolive.audio.jobs import Beside, Runner
from emolive.errors import AudioDeviceError
from emolive.i18n import tr

_ANSWER_WITHIN_S = 2.0
_ALSA_DEVICES = ("pulse", "default")


@dataclass(frozen=True, slots=True)
class PulseDevice:
    """A source or a sink: `name` is the system's own, `description` for people.

    `monitor` is a source that carries what an output plays.
    """

    name: str
    description: str
    channels: int
    sampling_rate: int
    is_default: bool
    monitor: bool = False


@dataclass(frozen=True, slots=True)
class PulseDevices:
    """All of them; empty without a sound server, or if it does not answer."""

    sources: tuple[PulseDevice, ...] = ()
    sinks: tuple[PulseDevice, ...] = ()


def pulse_devices(runner: Runner | None = None) -> PulseDevices:
    """What there is now; waits for at most two seconds."""
    job = (runner or Beside("emolive pulse")).submit(ask_pulse)
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
                    # A monitor is as default as the output whose sound it carries.
                    source.monitor_of_sink_name == server.default_sink_name
                    if source.monitor_of_sink_name
                    else source.name == server.default_source_name,
                    monitor=bool(source.monitor_of_sink_name),
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


def alsa_device(named: str, rate: int) -> InputDevice:
    """PortAudio's device that reaches the sound server, under the name of what it shall reach.

    Raises:
        AudioDeviceError: ALSA's plug-in for it is missing.
    """
    devices = list_devices()
    for name in _ALSA_DEVICES:
        for device in devices:
            if device.name == name and device.host_api == "ALSA":
                return replace(device, name=named, sampling_rate=rate)
    raise AudioDeviceError(
        tr(
            "PulseAudio cannot be reached through ALSA: install its plug-in (Debian, "
            "Ubuntu: `sudo apt install libasound2-plugins`)."
        )
    )
