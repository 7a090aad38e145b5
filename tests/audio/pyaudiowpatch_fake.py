"""PyAudioWPatch as far as it is used: same names, arguments, dictionaries and exceptions.

Written after version 0.2.12.9. Speakers are numbers; what they "play" is what a test hands over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from emolive.types import FloatArray

Callback = Callable[[Any, int, dict[str, float], int], tuple[Any, int]]


class FakeStream:
    """A stream in callback mode."""

    def __init__(self, manager: FakePyAudio, arguments: dict[str, Any]) -> None:
        self._parent = manager
        self.arguments = arguments
        self.running = False
        self.closed = False
        self.gone = False

    def start_stream(self) -> None:
        if self.gone:
            raise OSError(-9988, "Stream closed")
        self.running = True

    def stop_stream(self) -> None:
        self.running = False

    def is_active(self) -> bool:
        if self.closed:
            raise OSError(-9988, "Stream closed")
        return self.running and not self.gone

    def close(self) -> None:
        self.running = False
        self.closed = True

    def call(self, data: bytes | None, n: int, flags: int = 0) -> tuple[Any, int]:
        callback: Callback = self.arguments["stream_callback"]
        return callback(data, n, {"current_time": 0.0}, flags)


class FakePyAudio:
    """The manager; several may live at once, as each initialises PortAudio for itself."""

    def __init__(self, computer: FakeWindows) -> None:
        self._computer = computer
        self.streams: list[FakeStream] = []
        self.terminated = False
        computer.managers.append(self)

    def terminate(self) -> None:
        for stream in self.streams:
            stream.close()
        self.terminated = True

    def get_loopback_device_info_generator(self) -> Iterator[dict[str, Any]]:
        for info in self.get_device_info_generator_by_host_api(host_api_type=13):
            if info["isLoopbackDevice"]:
                yield info

    def get_device_info_generator_by_host_api(
        self, *, host_api_index: int | None = None, host_api_type: int | None = None
    ) -> Iterator[dict[str, Any]]:
        assert (host_api_index, host_api_type) == (None, 13)
        if not self._computer.has_wasapi:
            raise OSError(-9979, "Host API not found")
        yield from self._computer.devices()

    def get_default_wasapi_loopback(self) -> dict[str, Any]:
        for info in self.get_loopback_device_info_generator():
            if self._computer.default in info["name"]:
                return info
        raise LookupError("No analogue is found for passed device")

    def open(self, **arguments: Any) -> FakeStream:
        assert arguments.get("input", False) != arguments.get("output", False)
        index = arguments.get("input_device_index", arguments.get("output_device_index"))
        if index not in [info["index"] for info in self._computer.devices()]:
            raise OSError(-9996, "Invalid device")
        if arguments.get("output") and self._computer.outputs_taken:
            raise OSError(-9985, "Device unavailable")
        stream = FakeStream(self, arguments)
        stream.running = arguments.get("start", True)
        self.streams.append(stream)
        return stream


class FakeWindows:
    """A computer with some outputs, each ``(name, channels, rate)``."""

    def __init__(self, outputs: list[tuple[str, int, int]]) -> None:
        self.outputs = outputs
        self.default = outputs[0][0] if outputs else ""
        self.has_wasapi = True
        self.outputs_taken = False
        self.managers: list[FakePyAudio] = []
        self.lock = threading.Lock()

    def devices(self) -> list[dict[str, Any]]:
        usual = [
            self._info(10 + i, name, 0, channels, rate, loopback=False)
            for i, (name, channels, rate) in enumerate(self.outputs)
        ]
        loopbacks = [
            self._info(20 + i, f"{name} [Loopback]", channels, 0, rate, loopback=True)
            for i, (name, channels, rate) in enumerate(self.outputs)
        ]
        return usual + loopbacks

    def module(self) -> ModuleType:
        """What `import pyaudiowpatch` gives."""
        module = ModuleType("pyaudiowpatch")
        module.paFloat32 = 1  # type: ignore[attr-defined]
        module.paContinue = 0  # type: ignore[attr-defined]
        module.paInputOverflow = 2  # type: ignore[attr-defined]
        module.paWASAPI = 13  # type: ignore[attr-defined]
        module.PyAudio = lambda: FakePyAudio(self)  # type: ignore[attr-defined]
        return module

    def play(self, sound: FloatArray, flags: int = 0) -> None:
        """Hand `sound`, ``(n, channels)``, to whoever listens."""
        data = np.ascontiguousarray(sound, np.float32).tobytes()
        for stream in self.open_streams():
            if stream.arguments.get("input") and stream.running:
                assert stream.call(data, len(sound), flags) == (None, 0)

    def open_streams(self) -> list[FakeStream]:
        """All streams that are not closed."""
        return [s for manager in self.managers for s in manager.streams if not s.closed]

    @staticmethod
    def _info(
        index: int, name: str, inputs: int, outputs: int, rate: int, *, loopback: bool
    ) -> dict[str, Any]:
        return {
            "index": index,
            "structVersion": 2,
            "name": name,
            "hostApi": 2,
            "maxInputChannels": inputs,
            "maxOutputChannels": outputs,
            "defaultLowInputLatency": 0.003,
            "defaultLowOutputLatency": 0.003,
            "defaultHighInputLatency": 0.01,
            "defaultHighOutputLatency": 0.01,
            "defaultSampleRate": float(rate),
            "isLoopbackDevice": loopback,
        }
