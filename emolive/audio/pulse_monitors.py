"""PulseAudio and PipeWire: the monitor of an output, captured through ALSA's plug-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from emolive.audio import portaudio
from emolive.audio.devices import InputDevice
from emolive.audio.jobs import Beside, Runner
from emolive.audio.loopback import LoopbackDevice, LoopbackKind
from emolive.audio.microphone import Microphone
from emolive.audio.pulse import PulseDevices, alsa_device, ask_pulse, pulse_devices
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.errors import AudioDeviceError
from emolive.i18n import tr

_LOOK_EVERY_S = 2.0


def list_monitors(runner: Runner | None = None) -> list[LoopbackDevice]:
    """The monitors of all outputs; empty without PulseAudio, or if it does not answer."""
    return [
        LoopbackDevice(
            source.name,
            source.description,
            LoopbackKind.PULSE,
            source.channels,
            source.sampling_rate,
            is_default=source.is_default,
        )
        for source in pulse_devices(runner).sources
        if source.monitor
    ]


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
        self._look: Future[PulseDevices] | None = None
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
                self._look = self._runner.submit(ask_pulse)
            return False
        if not self._look.done():
            return False
        look, self._look = self._look, None
        return self._monitor.name not in {source.name for source in look.result().sources}

    def _find(self) -> InputDevice:
        if self._monitor.name not in {monitor.name for monitor in list_monitors(self._runner)}:
            raise AudioDeviceError(
                tr(
                    "{name} is not there: connect that output, or choose another loopback "
                    "from `emolive devices`.",
                    name=self.name,
                )
            )
        return alsa_device(self.name, self._monitor.sampling_rate)

    def _open_stream(self, **settings: Any) -> Any:
        return portaudio.open_input(environment={"PULSE_SOURCE": self._monitor.name}, **settings)
