"""PortAudio, which exists once per process: loaded late, and re-initialised with care.

PortAudio lists devices only while it initialises, so that finding a re-plugged device means
terminating and initialising it again. That destroys every open stream: this module keeps count of
them, the one piece of process-wide state in the package, mirroring PortAudio's own. Its calls are
made one at a time, because PortAudio is not safe to use from several threads, and a sound system
that hangs inside one does not take its callers with it.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from emolive.errors import AudioDeviceError
from emolive.extras import way_to_mend
from emolive.i18n import tr

_log = logging.getLogger(__name__)

_CLOSE_WITHIN_S = 1.0
_ANSWER_WITHIN_S = 3.0

_lock = threading.RLock()
_open_streams: set[Any] = set()  # which also keeps a forgotten stream's callback alive


def load() -> ModuleType:
    """The `sounddevice` module.

    Raises:
        AudioDeviceError: the PortAudio library is missing or does not start.
    """
    with _exclusive():
        try:
            import sounddevice

            module: ModuleType = sounddevice
            return module
        except ImportError as error:
            raise AudioDeviceError(
                "The Python package sounddevice cannot be imported ({error}): {way}.",
                error=error,
                way=way_to_mend("sounddevice"),
            ) from error
        except Exception as error:
            _log.exception("PortAudio does not start")
            # A failed import must not leave half a module for the next attempt.
            sys.modules.pop("sounddevice", None)
            if isinstance(error, OSError):
                raise AudioDeviceError(
                    "The PortAudio library was not found: {install_command}.",
                    install_command=_install_command(),
                ) from error
            raise AudioDeviceError(
                "PortAudio does not start ({error}): check that sound works on this computer.",
                error=error,
            ) from error


def refresh() -> bool:
    """Look for devices again; False when an open stream forbids it.

    Raises:
        AudioDeviceError: PortAudio is missing, or does not start again.
    """
    with _exclusive():
        sounddevice = load()
        if _open_streams:
            return False
        try:
            with _native_messages_muted():
                if sounddevice._initialized:  # noqa: SLF001 - there is no public way
                    sounddevice._terminate()  # noqa: SLF001
                sounddevice._initialize()  # noqa: SLF001
        except sounddevice.PortAudioError as error:
            raise AudioDeviceError(
                "PortAudio does not start again ({error}): check that sound works on "
                "this computer.",
                error=error,
            ) from error
        return True


def query() -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """All devices, all host APIs, and the index of the default input (-1: none), one snapshot.

    Raises:
        AudioDeviceError: PortAudio is missing, does not start or lists nothing.
    """
    with _exclusive():
        sounddevice = load()
        try:
            devices, host_apis = sounddevice.query_devices(), sounddevice.query_hostapis()
            return list(devices), list(host_apis), int(sounddevice.default.device[0])
        except sounddevice.PortAudioError as error:
            raise AudioDeviceError(
                "PortAudio lists no devices ({error}): check that sound works on this computer.",
                error=error,
            ) from error


def open_input(*, environment: Mapping[str, str] | None = None, **settings: Any) -> Any:
    """Open a `sounddevice.InputStream`; give it back with `close_stream`.

    `environment`: variables that the system's sound library sees while it is opened.

    Raises:
        sounddevice.PortAudioError: it refused.
        AudioDeviceError: the sound system hangs.
    """
    return _open("InputStream", environment, settings)


def query_outputs() -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """All devices that play, all host APIs, and the index of the default output (-1: none).

    Raises:
        AudioDeviceError: PortAudio is missing, does not start or lists nothing.
    """
    with _exclusive():
        devices, host_apis, _ = query()
        playing = [device for device in devices if device["max_output_channels"] > 0]
        return playing, host_apis, int(load().default.device[1])


def output_device(wanted: int | str | None) -> dict[str, Any]:
    """The output of this index or name, None: the default one.

    Raises:
        sounddevice.PortAudioError: there is none.
        ValueError: none of this name, or several.
        AudioDeviceError: PortAudio is missing or does not start, or the sound system hangs.
    """
    with _exclusive():
        return dict(load().query_devices(wanted, "output"))


def open_output(*, environment: Mapping[str, str] | None = None, **settings: Any) -> Any:
    """Open a `sounddevice.OutputStream`; give it back with `close_stream`.

    `environment`: as with `open_input`.

    Raises:
        sounddevice.PortAudioError: it refused.
        AudioDeviceError: the sound system hangs.
    """
    return _open("OutputStream", environment, settings)


def _open(kind: str, environment: Mapping[str, str] | None, settings: Mapping[str, Any]) -> Any:
    with _exclusive():
        sounddevice = load()
        with _native_messages_muted(), _environment(environment or {}):
            stream = getattr(sounddevice, kind)(**settings)
        _open_streams.add(stream)
        return stream


def reason(error: Exception) -> str:
    """Why PortAudio refused, in the words of the system's own sound interface if there are any."""
    # PortAudioError holds its text, its code, and what the host said.
    details = error.args
    host_text = details[2][2] if len(details) > 2 else ""
    text = str(host_text or (details[0] if details else ""))
    return text.rsplit(": ", 1)[-1] or tr("no reason given")


def close_stream(stream: Any) -> bool:
    """Close a stream opened here; False if that takes too long and goes on by itself.

    Closing asks the sound system, which may hang: it must not hang the program as well.
    """
    thread = threading.Thread(target=_close, args=(stream,), name="close audio", daemon=True)
    thread.start()
    thread.join(_CLOSE_WITHIN_S)
    if thread.is_alive():
        # At exit, sounddevice would close the same stream and never return.
        atexit.unregister(sys.modules["sounddevice"]._exit_handler)  # noqa: SLF001
        return False
    return True


def _close(stream: Any) -> None:
    with _lock:
        stream.abort(ignore_errors=True)
        stream.close(ignore_errors=True)
        _open_streams.discard(stream)


@contextmanager
def _exclusive() -> Iterator[None]:
    if not _lock.acquire(timeout=_ANSWER_WITHIN_S):
        raise AudioDeviceError(
            "The computer's sound system does not answer: restart it, or the computer."
        )
    try:
        yield
    finally:
        _lock.release()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _native_messages_muted() -> Iterator[None]:
    """Keep ALSA's and PortAudio's own lines off the terminal; errors still arrive as exceptions."""
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, as in a windowed program
        yield
        return
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 2)
        os.close(sink)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _install_command() -> str:
    if sys.platform == "darwin":
        return tr("run `brew install portaudio`")
    if sys.platform == "win32":
        return way_to_mend("sounddevice")
    return tr(
        "run `sudo apt install libportaudio2` (Debian, Ubuntu), `sudo dnf install "
        "portaudio` (Fedora) or your system's equivalent"
    )
