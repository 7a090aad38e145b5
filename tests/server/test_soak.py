"""Calls that come and go: nothing is left of them when they are over."""

from __future__ import annotations

import gc
import json
import os
import threading
import uuid
from pathlib import Path

import psutil
import pytest

from emolive.server.served_call import ServedCall
from emolive.server.settings import Keeping, ServerSettings
from tests.server.running import Running, serving, tiny
from tests.server.vendors import AudioHook, AudioSocket, TwilioStream
from tests.waiting import until

posix = pytest.mark.skipif(os.name != "posix", reason="file descriptors")


def one_of_each(running: Running, number: int) -> None:
    """A short call of each tap; every other of them breaks off."""
    rude = number % 2 == 1
    with running.connect("/v1/taps/twilio") as socket:
        stream = TwilioStream(socket, f"CA{number}")
        stream.start()
        for chunk in range(1, 20):
            stream.media("inbound", chunk, b"\x7f" * 160)
        if not rude:
            stream.stop()
    with running.connect("/v1/taps/audiohook") as socket:
        hook = AudioHook(socket)
        hook.open()
        socket.send(bytes(3_200))
        if not rude:
            hook.send("close", {"reason": "end"})
            hook.receive()
    with running.connect("/v1/taps/freeswitch") as socket:
        socket.send(bytes(3_200))
    with running.connect("/v1/taps/pcm") as socket:
        socket.send(json.dumps({"sampling_rate": 16_000, "channels": 2}))
        socket.send(bytes(6_400) if not rude else bytes(3))
    port = running.server.audiosocket_port
    assert port is not None
    client = AudioSocket(port, uuid.uuid4().bytes)
    client.send(0x10, bytes(320))
    client.send(0x00 if not rude else 0x77, b"" if not rude else b"what is this")
    client.socket.close()
    with running.watching() as watch:
        watch.until("snapshot")


def _open_files(library: Path) -> int:
    """Without SQLite's of its database, which it keeps for its next connection."""
    found = psutil.Process().open_files()
    kept = sum(one.path.startswith(str(library)) and one.path.endswith(".sqlite3") for one in found)
    assert kept <= 30
    return psutil.Process().num_fds() - kept


@posix
def test_nothing_is_left_of_calls_that_are_over(tmp_path: Path) -> None:
    settings = ServerSettings(
        model=tiny(tmp_path),
        provider="cpu",
        library=tmp_path / "library",
        audiosocket_port=0,
        keeping=Keeping.SOUND,
        shown_after_s=0.0,
        max_calls=100,
        measured=False,
    )
    with serving(settings) as running:

        def quiet() -> bool:
            server = running.get("/v1/server")
            return not running.calls() and not server["watchers"]

        def left() -> tuple[int, int, int]:
            until(quiet)
            gc.collect()
            calls = sum(type(one) is ServedCall for one in gc.get_objects())
            return _open_files(tmp_path), threading.active_count(), calls

        for number in range(2):  # what is made once is made
            one_of_each(running, number)
        until(lambda: left()[2] == 0)
        before = left()
        for number in range(6):
            one_of_each(running, number)
        # What ends of itself may take a moment on a busy machine; no more may be left than before.
        until(lambda: all(now <= then for now, then in zip(left(), before, strict=True)))
        assert running.get("/v1/server")["opened"] >= 8 * 5 - 4
