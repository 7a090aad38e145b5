"""Windows: what an output plays, through WASAPI's loopback mode.

PortAudio as such does not offer it; PyAudioWPatch, a maintained fork of PyAudio, carries a patched
one. WASAPI delivers nothing while nothing is played, so a stream of silence is played to the output
as long as it is listened to: the clock then runs on, and pauses stay as long as they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from emolive.audio.loopback import LoopbackDevice, LoopbackKind
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.errors import AudioDeviceError
from emolive.extras import way_to_get
from emolive.i18n import tr

_BLOCK_S = 0.02
_SILENT_FOR_S = 3.0


def load() -> ModuleType:
    """The `pyaudiowpatch` module.

    Raises:
        AudioDeviceError: it is not installed.
    """
    try:
        import pyaudiowpatch

        module: ModuleType = pyaudiowpatch
        return module
    except ImportError as error:
        raise AudioDeviceError(
            "To hear what this computer plays takes an extra: {way}.", way=way_to_get("loopback")
        ) from error


def list_wasapi_loopbacks() -> list[LoopbackDevice]:
    """The loopbacks of all outputs; empty without PyAudioWPatch or without WASAPI."""
    try:
        pyaudio = load()
    except AudioDeviceError:
        return []
    manager = pyaudio.PyAudio()
    try:
        try:
            default = manager.get_default_wasapi_loopback()["index"]
        except (OSError, LookupError):
            default = None
        return [
            LoopbackDevice(
                info["name"],
                info["name"].removesuffix(" [Loopback]"),
                LoopbackKind.WASAPI,
                int(info["maxInputChannels"]),
                round(info["defaultSampleRate"]),
                is_default=info["index"] == default,
            )
            for info in manager.get_loopback_device_info_generator()
        ]
    except OSError:
        return []
    finally:
        manager.terminate()


class WasapiLoopback:
    """One output's sound as a source, mixed to mono, at the output's rate.

    Its callbacks copy and count, nothing else. All other methods may be called from any thread. An
    output that is gone is LOST; `open` then looks for it anew, by its name.
    """

    def __init__(
        self, loopback: LoopbackDevice, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Hear `loopback`, one of `list_wasapi_loopbacks`."""
        self._loopback = loopback
        self.name = loopback.description  # the output's
        self._clock = clock
        self._lock = threading.Lock()  # never taken by a callback
        self._manager: Any = None
        self._streams: list[Any] = []
        self._channels = 1
        self._ring: SampleRing | None = None
        self._state = SourceState.CLOSED
        self._message: str | None = None
        self._overflows = 0
        self._blocks = 0
        self._blocks_seen = 0
        self._seen_at = 0.0

    def open(self) -> SourceFormat:
        """Find the output and open its loopback.

        Raises:
            AudioDeviceError: it is not there, or refused, or PyAudioWPatch is not installed.
        """
        with self._lock:
            self._release()
            self._state = SourceState.CLOSED
            pyaudio = load()
            self._manager = pyaudio.PyAudio()
            try:
                info = self._find()
                rate = round(info["defaultSampleRate"])
                self._channels = int(info["maxInputChannels"])
                self._play_silence(pyaudio, info)
                self._streams.append(
                    self._manager.open(
                        format=pyaudio.paFloat32,
                        channels=self._channels,
                        rate=rate,
                        frames_per_buffer=round(rate * _BLOCK_S),
                        input=True,
                        input_device_index=info["index"],
                        start=False,
                        stream_callback=self._hear(pyaudio),
                    )
                )
            except (OSError, ValueError) as error:
                self._release()
                raise AudioDeviceError(
                    "What {name} plays cannot be heard ({error}): choose another loopback.",
                    name=self.name,
                    error=error,
                ) from error
            except AudioDeviceError:
                self._release()
                raise
            return SourceFormat(rate, ("mono",), loopbacks=("mono",))

    def start(self, ring: SampleRing) -> None:
        """Capture into `ring`, of one channel, from now on.

        Raises:
            AudioDeviceError: the output went away since it was opened.
        """
        if ring.channels != 1:
            raise ValueError(f"{ring.channels} ring channels for one")
        with self._lock:
            if not self._streams:
                raise RuntimeError(f"{self.name} is not open")
            self._ring = ring
            self._message = None
            self._blocks_seen, self._seen_at = self._blocks, self._clock()
            try:
                for stream in self._streams:
                    stream.start_stream()
            except OSError as error:
                raise AudioDeviceError(
                    "What {name} plays cannot be heard ({error}): check that it is connected.",
                    name=self.name,
                    error=error,
                ) from error
            self._state = SourceState.RUNNING

    def status(self) -> SourceStatus:
        """Whether sound still arrives; `overflows` counts blocks the driver had to drop."""
        with self._lock:
            if self._state is SourceState.RUNNING and (reason := self._loss()):
                self._state = SourceState.LOST
                self._message = tr(
                    "{name} {reason}: check that it is connected.", name=self.name, reason=reason
                )
            return SourceStatus(self._state, self._message, self._overflows)

    def close(self) -> None:
        """Stop listening, and stop playing silence."""
        with self._lock:
            self._release()
            self._state = SourceState.CLOSED
            self._message = None

    def _find(self) -> dict[str, Any]:
        for info in self._manager.get_loopback_device_info_generator():
            if info["name"] == self._loopback.name:
                return dict(info)
        raise AudioDeviceError(
            "{name} is not connected: connect it, or choose another loopback.", name=self.name
        )

    def _play_silence(self, pyaudio: ModuleType, loopback: dict[str, Any]) -> None:
        """Keep the output's clock running; without that it is still heard, but not its pauses."""
        for info in self._manager.get_device_info_generator_by_host_api(
            host_api_type=pyaudio.paWASAPI
        ):
            is_output = info["maxOutputChannels"] > 0 and not info["isLoopbackDevice"]
            if not is_output or info["name"] not in loopback["name"]:
                continue
            channels = int(info["maxOutputChannels"])

            def silence(
                _in: bytes | None, n: int, _time: object, _flags: int, width: int = 4 * channels
            ) -> tuple[bytes, int]:
                return bytes(n * width), pyaudio.paContinue

            try:
                self._streams.append(
                    self._manager.open(
                        format=pyaudio.paFloat32,
                        channels=channels,
                        rate=round(info["defaultSampleRate"]),
                        output=True,
                        output_device_index=info["index"],
                        start=False,
                        stream_callback=silence,
                    )
                )
            except (OSError, ValueError):
                continue  # taken exclusively, say
            return

    def _hear(self, pyaudio: ModuleType) -> Callable[..., tuple[None, int]]:
        go_on, overflow, channels = pyaudio.paContinue, pyaudio.paInputOverflow, self._channels

        def hear(data: bytes, _n: int, _time: object, flags: int) -> tuple[None, int]:
            if flags & overflow:
                self._overflows += 1
            ring = self._ring
            if ring is not None:
                frames = np.frombuffer(data, np.float32).reshape(-1, channels)
                ring.write(frames.mean(axis=1, keepdims=True))
            self._blocks += 1
            return None, go_on

        return hear

    def _loss(self) -> str | None:
        """Why the running stream counts as lost, or None."""
        try:
            if not self._streams[-1].is_active():
                return tr("stopped")
        except OSError:
            return tr("stopped")
        now = self._clock()
        if self._blocks != self._blocks_seen:
            self._blocks_seen, self._seen_at = self._blocks, now
        # Where no silence could be played, no block is only that nothing is played.
        if len(self._streams) > 1 and now - self._seen_at > _SILENT_FOR_S:
            return tr("delivers no sound any more")
        return None

    def _release(self) -> None:
        self._ring = None
        streams, self._streams = self._streams, []
        manager, self._manager = self._manager, None
        for stream in reversed(streams):
            stream.close()
        if manager is not None:
            manager.terminate()
