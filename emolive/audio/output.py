"""Where played audio goes: a loudspeaker, or nowhere at the same pace."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from emolive.audio import portaudio
from emolive.audio.pulse import pulse_devices
from emolive.errors import AudioDeviceError
from emolive.i18n import tr
from emolive.types import FloatArray

Pull = Callable[[FloatArray, float], None]
"""Fills a buffer, float32 ``(n,)``, whose first sample is heard at a time on the output's clock.

Called from the output's own thread, which must not wait.
"""

_LATENCY_S = 0.1
_SILENT_BLOCK = 320  # 20 ms
_SILENT_FOR_S = 4.0  # a Bluetooth headset takes a while to begin


class Output(Protocol):
    """Plays mono audio at a rate of its own choice."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def rate(self) -> int:
        """Samples per second, known once open."""

    def open(self, pull: Pull) -> None:
        """Begin to play what `pull` delivers.

        Raises:
            AudioDeviceError: no such device, or it refused.
        """

    def now(self) -> float:
        """Seconds on the clock of the times that `pull` is given."""

    def problem(self) -> str | None:
        """Why it plays no more, as a sentence; None while all is well. Cheap."""

    def close(self) -> None:
        """Fall silent at once; harmless when already closed."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An output: PortAudio's index or name of it (None: the system's default).

    `name` is for people ("": the device's own); `environment`: variables that the system's sound
    library sees while it is opened.
    """

    device: int | str | None = None
    name: str = ""
    environment: Mapping[str, str] | None = None


class Speaker:
    """The default output of the computer, at its own rate. PortAudio's thread runs `pull`."""

    def __init__(self) -> None:
        """Nothing is looked for before `open`."""
        self._stream: Any = None
        self._pull: Pull | None = None
        self._channels = 1
        self._name = tr("default output")
        self._rate = 0
        self._time = 0.0
        self._blocks = 0
        self._blocks_seen = 0
        self._seen_at = 0.0

    @property
    def name(self) -> str:
        """The device's name once open, before that what was asked for."""
        return self._name

    @property
    def rate(self) -> int:
        """Samples per second."""
        return self._rate

    def open(self, pull: Pull) -> None:
        """Begin to play what `pull` delivers.

        Raises:
            AudioDeviceError: no such device, or it refused.
        """
        self.close()
        sounddevice = portaudio.load()
        try:
            self._open(pull)
        except (sounddevice.PortAudioError, ValueError):
            # It may have been plugged in after PortAudio made its list.
            self.close()
            try:
                if not portaudio.refresh():
                    raise
                self._open(pull)
            except (sounddevice.PortAudioError, ValueError) as error:
                self.close()
                raise AudioDeviceError(_refused(self._name, error)) from error

    def chosen(self) -> Chosen:
        """Which one it is; asked each time that it is opened.

        Raises:
            AudioDeviceError: it is not there.
        """
        return Chosen()

    def now(self) -> float:
        """PortAudio's time; it stands still once the device is gone."""
        stream = self._stream
        if stream is not None:
            with suppress(portaudio.load().PortAudioError):
                self._time = float(stream.time)
        return self._time

    def problem(self) -> str | None:
        """Whether the device went away, or takes nothing any more."""
        stream = self._stream
        if stream is None:
            return None
        try:
            active = stream.active
        except portaudio.load().PortAudioError:
            active = False
        if not active:
            return tr(
                "{name} stopped playing: check that it is connected, and play again.",
                name=self._name,
            )
        now = time.monotonic()
        if self._blocks != self._blocks_seen:
            self._blocks_seen = self._blocks
            self._seen_at = now
        if now - self._seen_at > _SILENT_FOR_S:
            return tr(
                "{name} plays nothing any more: restart it, or the computer's sound.",
                name=self._name,
            )
        return None

    def close(self) -> None:
        """Fall silent at once."""
        stream, self._stream = self._stream, None
        self._pull = None
        if stream is not None:
            portaudio.close_stream(stream)

    def _open(self, pull: Pull) -> None:
        chosen = self.chosen()
        found = portaudio.output_device(chosen.device)
        self._name = chosen.name or str(found["name"])
        self._rate = round(found["default_samplerate"])
        # Some drivers refuse one channel.
        self._channels = min(2, int(found["max_output_channels"]))
        self._pull = pull
        self._seen_at = time.monotonic()
        self._stream = portaudio.open_output(
            environment=chosen.environment,
            device=found["index"],
            samplerate=self._rate,
            channels=self._channels,
            latency=_LATENCY_S,
            dtype="float32",
            callback=self._callback,
        )
        self._stream.start()

    def _callback(self, frames: FloatArray, n: int, times: Any, flags: object) -> None:  # noqa: ARG002
        pull = self._pull
        self._blocks += 1
        if pull is None:
            frames.fill(0.0)
            return
        mono = frames[:, 0]
        # Some drivers do not know when it will be heard.
        heard_at = times.outputBufferDacTime or times.currentTime + _LATENCY_S
        pull(mono, heard_at)
        for channel in range(1, self._channels):
            frames[:, channel] = mono


class SilentOutput:
    """Plays to nobody, at the pace of a clock: for recordings without audio, and for silence."""

    name = "no output"
    rate = 16_000

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, pull: Pull) -> None:
        """Begin to take what `pull` delivers."""
        self.close()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(pull, self._stop), name="emolive silence", daemon=True
        )
        self._thread.start()

    def now(self) -> float:
        """The clock's time."""
        return time.monotonic()

    def problem(self) -> str | None:
        """Nothing can go wrong."""
        return None

    def close(self) -> None:
        """Stop."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self, pull: Pull, stop: threading.Event) -> None:
        begin = time.monotonic()
        taken = 0
        buffer = np.empty(_SILENT_BLOCK, np.float32)
        while True:
            due = begin + taken / self.rate
            if stop.wait(max(0.0, due - time.monotonic())):
                return
            pull(buffer, due)
            taken += _SILENT_BLOCK


def _refused(name: str, error: Exception) -> str:
    why = portaudio.reason(error)
    if "querying device" in why.lower():
        why = tr("there is no such output")
    return tr(
        "Nothing can be played on the {name} ({why}): connect headphones or a "
        "loudspeaker, or close other programs that use it.",
        name=name,
        why=why,
    )


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
