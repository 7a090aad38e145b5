"""The command itself, in a process of its own: it starts, is told to stop, and loses nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from emolive.cli.main import app
from emolive.session.library import Library
from tests.server.running import TOKEN, speech, tiny
from tests.server.vendors import linear, paced

posix = pytest.mark.skipif(os.name != "posix", reason="signals")


class Command:
    """`emolive serve`, with what it says."""

    def __init__(self, *arguments: str, token: str | None = TOKEN) -> None:
        environment = dict(os.environ) | ({} if token is None else {"EMOLIVE_TOKEN": token})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emolive", "serve", "--port", "0", *arguments],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.said: list[str] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def address(self) -> str:
        """Where it serves, once it does."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if found := re.search(r"http://[\d.]+:\d+", " ".join(self.said)):
                return found[0]
            assert self.process.poll() is None, self.said
            time.sleep(0.05)
        raise AssertionError(self.said)

    def end(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(90)
        self._thread.join()
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        self.process.stderr.close()
        self.process.stdout.close()
        return code


@posix
def test_a_recording_that_goes_on_is_whole_after_sigterm(tmp_path: Path) -> None:
    library = tmp_path / "library"
    arguments = ["--library", str(library), "--model", str(tiny(tmp_path)), "--record"]
    command = Command(*arguments)
    address = command.address()
    sound = speech(6.0, 8_000)
    sent = 0
    with (
        connect(f"{address.replace('http', 'ws')}/v1/watch?token={TOKEN}") as watcher,
        connect(f"{address.replace('http', 'ws')}/v1/taps/pcm?token={TOKEN}") as tap,
    ):
        tap.send('{"sampling_rate": 8000, "call": "cut", "title": "Cut short"}')
        tap.recv(timeout=60)
        for number in paced(240):
            tap.send(linear(sound[number * 160 : (number + 1) * 160]))
            sent += 160
        time.sleep(0.5)  # what was sent has arrived
        command.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            [tap.recv(timeout=60) for _ in range(3)]
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001, "every client knows it"
        with pytest.raises(ConnectionClosed) as gone:
            [watcher.recv(timeout=60) for _ in range(10_000)]
        assert gone.value.rcvd is not None
        assert gone.value.rcvd.code == 1012
    assert command.end() == 0, command.said
    with Library.open(library) as opened:
        assert not opened.recovered, "nothing had to be put right"
        (session,) = opened.sessions()
        assert session.title == "Cut short"
        path = opened.audio_path(session.id, "customer")
        assert path is not None
        heard, _ = soundfile.read(path, dtype="float32")
    assert len(heard) == sent
    np.testing.assert_allclose(heard, sound[:sent, np.newaxis][:, 0], atol=2 / 32_768)


@posix
def test_calls_may_go_on_for_a_while_and_no_other_is_taken(tmp_path: Path) -> None:
    arguments = ["--library", str(tmp_path / "library"), "--model", str(tiny(tmp_path))]
    command = Command(*arguments, "--drain", "60")
    address = command.address()
    with connect(f"{address.replace('http', 'ws')}/v1/taps/pcm?token={TOKEN}") as tap:
        tap.send('{"sampling_rate": 8000, "call": "goes on"}')
        tap.recv(timeout=60)
        command.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while (answer := httpx.get(f"{address}/v1/ready")).status_code != 503:
            assert time.monotonic() < deadline
        assert answer.json()["status"] == "draining"
        tap.send(bytes(3_200))
        assert command.process.poll() is None
        tap.send('{"type": "stop"}')
        with pytest.raises(ConnectionClosed):
            tap.recv(timeout=60)
    assert command.end() == 0, command.said


@posix
def test_a_token_is_made_where_there_is_none(tmp_path: Path) -> None:
    arguments = ["--library", str(tmp_path / "library"), "--model", str(tiny(tmp_path))]
    command = Command(*arguments, token=None)
    address = command.address()
    deadline = time.monotonic() + 60
    while not (found := re.search(r"for everything: (\S+)", " ".join(command.said))):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    answer = httpx.get(f"{address}/v1/calls", headers={"Authorization": f"Bearer {found[1]}"})
    assert answer.json() == {"calls": []}
    assert httpx.get(f"{address}/v1/calls").status_code == 401
    command.process.send_signal(signal.SIGINT)
    assert command.end() == 0, command.said


def emolive(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_tokens_on_the_command_line(tmp_path: Path) -> None:
    library = ("--library", str(tmp_path / "library"))
    made = emolive("serve", "token", "add", "wall", "--scope", "watch", *library)
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert token.startswith("emolive_")
    listed = emolive("serve", "token", "list", "--json", *library)
    assert '"wall"' in listed.stdout
    assert token not in listed.stdout
    assert emolive("serve", "token", "revoke", "wall", *library).exit_code == 0
    gone = emolive("serve", "token", "revoke", "wall", *library)
    assert gone.exit_code == 2
    assert "There is no token 'wall'" in gone.stderr
    audit = emolive("audit", "--json", *library)
    assert "token.added" in audit.stdout
    assert "token.revoked" in audit.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "--tls-certificate"),
        (["--token", "\n"], "letters, digits and signs"),
        (["--only-consented"], "--record"),
        (["--audiohook-secret", "no secret"], "KEY=SECRET"),
        (["--audiohook-organization", "ours"], "the organization's ID"),
        (["--alerts", "nowhere.toml"], "nowhere.toml"),
        (["--model", "nowhere.onnx"], "nowhere.onnx"),
        (["--hop", "0.123"], "does not fit the model"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    found = emolive("serve", "--port", "0", "--library", str(tmp_path / "library"), *arguments)
    assert found.exit_code == 2
    assert isinstance(found.exception, SystemExit)
    assert sentence in found.stderr
