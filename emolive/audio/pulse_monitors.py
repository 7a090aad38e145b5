"""PulseAudio and PipeWire: the monitor of an output, captured through ALSA's plug-in.

PortAudio knows PulseAudio as one ALSA device, "pulse", which records from the source that libpulse
takes for the default: that named by PULSE_SOURCE while the device is opened, and the system's
otherwise. So any monitor can be captured like a microphone, and listing them is all that has to be
asked of PulseAudio itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from emolive.audio import portaudio
from emolive.audio.devices import InputDevice, list_devices
from emolive.audio.jobs import Beside, Runner
from emolive.audio.loopback import LoopbackDevice, LoopbackKind
from emolive.audio.microphone import Microphone
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.errors import AudioDeviceError
from emolive.i18n import tr

_ANSWER_WITHIN_S = 2.0
_LOOK_EVERY_S = 2.0
_ALSA_DEVICES = ("pulse", "default")


def list_monitors(runner: Runner | None = None) -> list[LoopbackDevice]:
    """The monitors of all outputs; empty without PulseAudio, or if it does not answer."""
    job = (runner or Beside("emolive pulse")).submit(_ask)
    try:
        return job.result(_ANSWER_WITHIN_S)
    except TimeoutError:
        return []


def _ask() -> list[LoopbackDevice]:
    try:
        import pulsectl
    except (ImportError, OSError):  # the latter without libpulse
        return []
    try:
        with pulsectl.Pulse("emolive", connect=False) as pulse:
            pulse.connect()
            default = pulse.server_info().default_sink_name
            return [
                LoopbackDevice(
                    source.name,
                    source.description,
                    LoopbackKind.PULSE,
                    source.channel_count,
                    source.sample_spec.rate,
                    is_default=source.monitor_of_sink_name == default,
                )
                for source in pulse.source_list()
                if source.monitor_of_sink_name
            ]
    except pulsectl.PulseError:
        return []


class PulseMonitor(Microphone):
    """One monitor as a source, mono. Everything is as with a microphone, but for its name.

    When an output goes away, a sound server may quietly hand its listeners over to another source,
    such as the microphone; so it is looked for every two seconds, and is LOST without it.
    """

    def __init__(
        self,
        monitor: LoopbackDevice,
        *,
        clock: Callable[[], float] = time.monotonic,
        runner: Runner | None = None,
    ) -> None:
        """Hear `monitor`, one of `list_monitors`."""
        super().__init__(monitor.name, clock=clock)
        self._monitor = monitor
        self._runner = runner or Beside("emolive pulse")
        self._look: Future[list[LoopbackDevice]] | None = None
        self._looked_at = clock()

    @property
    def name(self) -> str:
        """The monitor's description."""
        return self._monitor.description

    def open(self) -> SourceFormat:
        """Find the monitor and open it, as a microphone is."""
        found = super().open()
        return replace(found, loopbacks=found.streams)

    def status(self) -> SourceStatus:
        """As a microphone's, and LOST once the monitor is not there any more."""
        if self._gone():
            with self._lock:
                if self._state is SourceState.RUNNING:
                    self._lose(tr("is not there any more"))
        return super().status()

    def _gone(self) -> bool:
        now = self._clock()
        if self._look is None:
            if now - self._looked_at >= _LOOK_EVERY_S:
                self._looked_at = now
                self._look = self._runner.submit(_ask)
            return False
        if not self._look.done():
            return False
        look, self._look = self._look, None
        return self._monitor.name not in {monitor.name for monitor in look.result()}

    def _find(self) -> InputDevice:
        if self._monitor.name not in {monitor.name for monitor in list_monitors(self._runner)}:
            raise AudioDeviceError(
                tr(
                    "{name} is not there: connect that output, or choose another loopback "
                    "from `emolive devices`.",
                    name=self.name,
                )
            )
        devices = list_devices()
        for name in _ALSA_DEVICES:
            for device in devices:
                if device.name == name and device.host_api == "ALSA":
                    return replace(
                        device, name=self.name, sampling_rate=self._monitor.sampling_rate
                    )
        raise AudioDeviceError(
            tr(
                "PulseAudio cannot be reached through ALSA: install its plug-in (Debian, "
                "Ubuntu: `sudo apt install libasound2-plugins`)."
            )
        )

    def _open_stream(self, **settings: Any) -> Any:
        return portaudio.open_input(environment={"PULSE_SOURCE": self._monitor.name}, **settings)
