"""A sound card for tests: a private PulseAudio server whose null sink is a real PortAudio device.

What is played into the sink comes out of its monitor, and out of a microphone behind that, which is
the default input. Nothing of the
user's own sound system is touched: the server, its socket and the ALSA configuration live in a
temporary folder and reach only the programs that are given `PulseServer.env`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SINK = "emolive_test"
MICROPHONE = "emolive_test_microphone"
MICROPHONE_NAME = "Test microphone"
_NEEDED = ("pulseaudio", "pactl", "paplay")
_ALSA = """\
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
"""


def missing() -> str | None:
    """Why no server can be started here, or None."""
    absent = [program for program in _NEEDED if shutil.which(program) is None]
    return f"{', '.join(absent)} not installed" if absent else None


class PulseServer:
    """The server; `env` is what a program needs to see it as its only sound card."""

    def __init__(self, folder: Path, rate: int = 48_000, channels: int = 2) -> None:
        folder.chmod(0o700)
        self._folder = folder
        self._rate = rate
        self._channels = channels
        self._server: subprocess.Popen[bytes] | None = None
        self._log = folder / "pulseaudio.log"
        socket = folder / "native"
        client = folder / "client.conf"
        # Without this a client starts a server of its own as soon as ours is gone.
        client.write_text("autospawn = no\nenable-shm = no\n")
        alsa = folder / "asound.conf"
        alsa.write_text(_ALSA)
        self.env: dict[str, str] = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder),
            "PULSE_STATE_PATH": str(folder),
            "PULSE_SERVER": f"unix:{socket}",
            "PULSE_CLIENTCONFIG": str(client),
            "ALSA_CONFIG_PATH": str(alsa),
        }
        self._native = f"module-native-protocol-unix socket={socket} auth-anonymous=1"

    def start(self) -> None:
        """Start the server and plug the sink in."""
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [
                    "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--system=false",
                    "--use-pid-file=no", "--disable-shm=yes", "--load", self._native,
                ],
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while self._pactl("info", check=False).returncode:
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"pulseaudio does not start: {self._log.read_text()}")
            time.sleep(0.02)
        self.plug()

    def stop(self) -> None:
        """End the server at once, as when a sound card and its driver go away."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def plug(self) -> None:
        """Plug the sound card in: sink, monitor and microphone are there, and the default."""
        if self._server is None:
            self.start()
            return
        self._pactl(
            "load-module", "module-null-sink", f"sink_name={SINK}",
            f"rate={self._rate}", f"channels={self._channels}",
            "norewinds=1",  # otherwise it hands out audio only every two seconds at first
        )  # fmt: skip
        self._pactl("set-default-sink", SINK)
        self.add_microphone(MICROPHONE, MICROPHONE_NAME)
        self._pactl("set-default-source", MICROPHONE)

    def unplug(self) -> None:
        """Pull the sound card out; the server stays."""
        self._pactl("unload-module", "module-remap-source")
        self._pactl("unload-module", "module-null-sink")

    def add_sink(self, name: str) -> None:
        """Plug in another output, which is not the default."""
        self._pactl(
            "load-module", "module-null-sink", f"sink_name={name}", f"rate={self._rate}",
            f"channels={self._channels}", "norewinds=1",
        )  # fmt: skip

    def add_microphone(self, name: str, description: str, sink: str = SINK) -> None:
        """Plug in a microphone that hears what is played into a sink."""
        self._pactl(
            "load-module", "module-remap-source", f"source_name={name}", f"master={sink}.monitor",
            f"source_properties=\"device.description='{description}'\"",
        )  # fmt: skip

    def remove_microphone(self, name: str) -> None:
        """Pull that microphone out."""
        self._unload(f"source_name={name} ")

    def remove_sink(self, name: str) -> None:
        """Pull that output out."""
        self._unload(f"sink_name={name} ")

    def _unload(self, argument: str) -> None:
        listed = self._pactl("list", "short", "modules").stdout.decode().splitlines()
        (module,) = [line.split()[0] for line in listed if argument in line]
        self._pactl("unload-module", module)

    def signal(self, number: int) -> None:
        """Send the server a signal, for example to make it hang."""
        assert self._server is not None
        self._server.send_signal(number)

    def play(self, path: Path | str, sink: str = SINK) -> subprocess.Popen[bytes]:
        """Play a file into a sink; wait for the process, or kill it."""
        return subprocess.Popen(
            ["paplay", f"--device={sink}", str(path)], env=self._environment(),
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Make PortAudio of the running process see this server, and forget it afterwards."""
        from emolive.audio import portaudio

        before = {name: os.environ.get(name) for name in self.env}
        os.environ.update(self.env)
        try:
            assert portaudio.refresh(), "a stream was left open"
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            assert portaudio.refresh(), "a stream was left open"

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.env}

    def _pactl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["pactl", *arguments], env=self._environment(), check=check, timeout=20,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip


@contextmanager
def pulse_server(folder: Path, rate: int = 48_000, channels: int = 2) -> Iterator[PulseServer]:
    """A running server, ended on leaving."""
    server = PulseServer(folder, rate, channels)
    try:
        server.start()
        yield server
    finally:
        with suppress(ProcessLookupError):
            server.stop()
