"""Live capture: an input device as a source."""

from __future__ import annotations

import threading
import time
from typing import Any

from emolive.audio import portaudio
from emolive.audio.devices import InputDevice, list_devices
from emolive.audio.inputs import find_input, list_inputs
from emolive.audio.pulse import SourceWatch, alsa_index
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus, stream_names
from emolive.errors import AudioDeviceError
from emolive.i18n import tr
from emolive.types import FloatArray

_USUAL_RATES = (48_000, 44_100, 32_000, 16_000, 8_000)
_SILENT_FOR_S = 1.5
_BLOCK_S = 0.02
_FIRST_BLOCK_S = 5.0  # a Bluetooth headset takes a while to switch to its microphone
# What the driver holds for us while Python is busy elsewhere; analysis has half a second to spare.
_LATENCY_S = 0.1


class Microphone:
    """Captures at the device's own sampling rate into a ring.

    PortAudio's thread runs the callback, which copies and counts, nothing else. All other methods
    may be called from any thread. A device that stops delivering becomes LOST, and so does a
    source of PulseAudio that is there no more; `open` then looks for devices anew. Meant by index,
    it is found again by its name, since indices change.
    """

    def __init__(self, device: str | int | None = None, channels: int = 1) -> None:
        """Use `device` (index, name or part of it; None: the system's default).

        `channels` is 1 ("mono") or 2 ("left", "right").
        """
        if channels not in (1, 2):
            raise ValueError(f"a microphone is captured with 1 or 2 channels, not {channels}")
        self._wanted = device
        self._channels = channels
        self._lock = threading.Lock()  # never taken by the callback
        self._device: InputDevice | None = None
        self._stream: Any = None
        self._ring: SampleRing | None = None
        self._state = SourceState.CLOSED
        self._message: str | None = None
        self._overflows = 0
        self._blocks = 0
        self._blocks_seen = 0
        self._seen_at = 0.0
        self._delivered = False
        self._watch: SourceWatch | None = None

    @property
    def name(self) -> str:
        """The device's name once open, before that what was asked for."""
        if self._device is not None:
            return self._device.name
        return tr("default input") if self._wanted is None else str(self._wanted)

    def open(self) -> SourceFormat:
        """Find the device and open it at its own rate, or at a usual one if it refuses that.

        Raises:
            AudioDeviceError: none or several such devices, or it cannot be opened.
        """
        with self._lock:
            known = self._device is not None
            self._release()
            self._state = SourceState.CLOSED
            if known:
                portaudio.refresh()
                return self._open()
            try:
                return self._open()
            except AudioDeviceError:
                # It may have been plugged in after PortAudio made its list.
                if not portaudio.refresh():
                    raise
                return self._open()

    def start(self, ring: SampleRing) -> None:
        """Capture into `ring` from now on.

        Raises:
            AudioDeviceError: the device went away since it was opened.
        """
        if ring.channels != self._channels:
            raise ValueError(f"{ring.channels} ring channels for {self._channels}")
        with self._lock:
            if self._stream is None:
                raise RuntimeError(f"{self.name} is not open")
            self._ring = ring
            self._blocks_seen = self._blocks
            self._seen_at = time.monotonic()
            self._delivered = False
            try:
                self._stream.start()
            except portaudio.load().PortAudioError as error:
                raise AudioDeviceError(_refused(self.name, error)) from error
            self._state = SourceState.RUNNING

    def status(self) -> SourceStatus:
        """Whether audio still arrives; `overflows` counts blocks the driver had to drop."""
        with self._lock:
            if self._state is SourceState.RUNNING and (reason := self._loss()):
                self._lose(reason)
            return SourceStatus(self._state, self._message, self._overflows)

    def close(self) -> None:
        """Stop capturing and free the device."""
        with self._lock:
            self._release()
            self._state = SourceState.CLOSED
            self._message = None

    def _open(self) -> SourceFormat:
        device = self._find()
        if device.channels < self._channels:
            raise AudioDeviceError(
                "{name} has one channel, two were asked for: use another input or one channel.",
                name=device.name,
            )
        refusal: Exception | None = None
        sounddevice = portaudio.load()
        for rate in dict.fromkeys((device.sampling_rate, *_USUAL_RATES)):
            # Some drivers open only with all their channels; the first ones are then taken.
            for channels in dict.fromkeys((self._channels, min(2, device.channels))):
                try:
                    self._stream = _open_stream(
                        device,
                        samplerate=rate,
                        channels=channels,
                        blocksize=round(rate * _BLOCK_S),
                        latency=_LATENCY_S,
                        dtype="float32",
                        callback=self._callback,
                    )
                except (sounddevice.PortAudioError, ValueError) as error:
                    refusal = refusal or error
                    continue
                self._device = device
                self._watch = SourceWatch(device.source) if device.source else None
                self._message = None
                names = stream_names(self._channels)
                return SourceFormat(rate, names, loopbacks=names if device.is_loopback else ())
        raise AudioDeviceError(_refused(device.name, refusal)) from refusal

    def _lose(self, reason: str) -> None:
        self._state = SourceState.LOST
        self._message = tr(
            "{name} {reason}: check that it is plugged in and not in use.",
            name=self.name,
            reason=reason,
        )

    def _find(self) -> InputDevice:
        known = self._device
        if known is None or self._wanted is None:
            return find_input(self._wanted)
        for device in (*list_inputs(), *list_devices()):
            if (device.stable_name, device.host_api) == (known.stable_name, known.host_api):
                return device
        if isinstance(self._wanted, str) and not self._wanted.strip().isdecimal():
            return find_input(self._wanted)
        raise AudioDeviceError("{name} is not connected: plug it in again.", name=known.name)

    def _callback(self, frames: FloatArray, n: int, time_info: object, flags: Any) -> None:  # noqa: ARG002
        if flags.input_overflow:
            self._overflows += 1
        # Read once: `_release` clears it on another thread.
        if (ring := self._ring) is not None:
            ring.write(frames[:, : self._channels])
        self._blocks += 1

    def _loss(self) -> str | None:
        """Why the running stream counts as lost, or None."""
        try:
            active = self._stream.active
        except portaudio.load().PortAudioError:
            active = False
        if not active:
            return tr("stopped")
        if self._watch is not None and self._watch.gone():
            return tr("is not there any more")
        now = time.monotonic()
        blocks = self._blocks
        if blocks != self._blocks_seen:
            self._blocks_seen = blocks
            self._seen_at = now
            self._delivered = True
        limit = _SILENT_FOR_S if self._delivered else _FIRST_BLOCK_S
        if now - self._seen_at > limit:
            return tr("delivers no audio any more")
        return None

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        self._ring = None
        if stream is not None:
            portaudio.close_stream(stream)


def _open_stream(device: InputDevice, **settings: Any) -> Any:
    """A stream from `device`: PortAudio's own, or a source of PulseAudio behind ALSA's plug-in."""
    if device.source:
        environment = {"PULSE_SOURCE": device.source}
        return portaudio.open_input(environment=environment, device=alsa_index(), **settings)
    if device.host_api == "Windows WASAPI":
        # Other rates and numbers of channels than its own are the system's to convert.
        settings["extra_settings"] = portaudio.load().WasapiSettings(auto_convert=True)
    return portaudio.open_input(device=device.index, **settings)


def _refused(name: str, error: Exception | None) -> str:
    why = portaudio.reason(error) if error else tr("no reason given")
    return tr(
        "{name} cannot be opened ({why}): close other programs that use it, or choose "
        "another input.",
        name=name,
        why=why,
    )
