"""Nothing leaves the machine, and nothing is written outside of the program's own folders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from emolive.onnx_runtime import remove_traces
from emolive.resources import VAD_MODEL, asset
from tests import closed_network
from tests.conftest import REPOSITORY
from tests.pulse import PulseServer

DEMO = asset("demo.flac")
OWN = ("home/.local/share/emolive/", "home/.config/emolive/")
# By which PulseAudio's library, in any program that uses it, proves whose program this is.
SOUND_SYSTEM = "home/.config/pulse/cookie"
TRACES = Path(".cache", "Microsoft", "DeveloperTools", ".onnxruntime")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's places")


class Sandbox:
    """A user's empty home and temporary folder, and a network without a way out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.temporary = folder / "home", folder / "tmp"
        self.home.mkdir()
        self.temporary.mkdir()

    def env(self, more: Mapping[str, str]) -> dict[str, str]:
        """What a program is started with; nothing by which it could tell that this is a test."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "1",
            **more,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
        }

    def run(self, *command: str, **more: str) -> tuple[list[str], list[str]]:
        """Run Python; what it sent, and the files it left outside of the program's own folders."""
        python = [sys.executable, *command]
        done, packets = closed_network.run(python, self.env(more), self.folder, timeout=240)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        outside = [name for name in self.files() if not name.startswith(OWN)]
        return packets, [name for name in outside if name != SOUND_SYSTEM]

    def files(self) -> list[str]:
        """All files in home, temporary and working folder."""
        found = (path for path in self.folder.rglob("*") if not path.is_dir())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    if reason := closed_network.missing():
        pytest.skip(reason)
    return Sandbox(tmp_path)


def test_what_a_program_sends_and_writes_is_seen(sandbox: Sandbox) -> None:
    packets, files = sandbox.run(
        "-c",
        "import pathlib, socket\n"
        "(pathlib.Path.home() / 'seen').touch()\n"
        "for name in ('telemetry.example.org', '192.0.2.7', '2001:db8::7'):\n"
        "    try:\n"
        "        socket.create_connection((name, 443), timeout=0.5)\n"
        "    except OSError:\n"
        "        pass\n",
    )
    assert files == ["home/seen"]
    assert any("telemetry.example.org" in packet for packet in packets)
    assert any(packet.startswith("tcp 192.0.2.7 443") for packet in packets)


@pytest.mark.portaudio
def test_twenty_seconds_live_send_nothing_and_leave_nothing(
    sandbox: Sandbox, pulse: PulseServer
) -> None:
    playing = pulse.play(DEMO)
    try:
        packets, files = sandbox.run(
            "-m", "emolive", "live", "--record", "--json", "--duration", "20", **pulse.env
        )
    finally:
        playing.kill()
        playing.wait()
    assert packets == []
    assert files == []
    assert any(name.endswith(".flac") for name in sandbox.files())


def test_neither_training_nor_a_worker_reports_once_a_model_has_run_for_a_while(
    sandbox: Sandbox,
) -> None:
    """Ten seconds is how long ONNX Runtime waits before it reports."""
    program = sandbox.home / ".config" / "emolive" / "runs.py"
    program.parent.mkdir(parents=True)
    program.write_text(
        "import multiprocessing, time\n"
        "import numpy as np\n"
        "def run():\n"
        "    import onnxruntime\n"
        f"    model = onnxruntime.InferenceSession({str(asset(VAD_MODEL))!r})\n"
        "    state = np.zeros((1, 1, 128), np.float32)\n"
        "    feeds = {'input': np.zeros((1, 576), np.float32), 'h': state, 'c': state}\n"
        "    feeds['lengths'] = np.ones(1, np.int32)\n"
        "    end = time.monotonic() + 12\n"
        "    while time.monotonic() < end:\n"
        "        model.run(None, feeds)\n"
        "        time.sleep(0.2)\n"
        "if __name__ == '__main__':\n"
        "    import training\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=run)\n"
        "    worker.start()\n"
        "    run()\n"
        "    worker.join()\n"
    )
    packets, files = sandbox.run(str(program))
    assert packets == []
    assert files == []


def test_an_archive_on_all_cores_sends_nothing_and_leaves_nothing(sandbox: Sandbox) -> None:
    results = sandbox.home / ".local" / "share" / "emolive" / "results"
    audio = str(DEMO)
    packets, files = sandbox.run(
        "-m", "emolive", "analyze", audio, audio, "--jobs", "2", "--format", "json,html",
        "--out", str(results),
    )  # fmt: skip
    assert packets == []
    assert files == []


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://192.0.2.7/a.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile http://192.0.2.7/a.wav\n",
        "v=0\no=- 0 0 IN IP4 192.0.2.7\ns=a\nc=IN IP4 192.0.2.7\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        '<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT9S">'
        "<BaseURL>http://192.0.2.7/</BaseURL><Period><AdaptationSet><Representation id='1' "
        "bandwidth='1' mimeType='audio/mp4'><BaseURL>a.mp4</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>",
    ],
    ids=["playlist", "concat", "session description", "manifest"],
)
def test_a_file_that_names_an_address_opens_no_connection(sandbox: Sandbox, content: str) -> None:
    pytest.importorskip("av", reason="needs the media extra")
    for extension in ("m4a", "wav", "m3u8", "mpd", "sdp", "ffconcat"):
        (sandbox.home / f"talk.{extension}").write_text(content)
    code = (
        "import pathlib, contextlib\n"
        "from emolive.audio.decoding import FileDecoder\n"
        "from emolive.errors import EmoliveError\n"
        "for path in pathlib.Path.home().glob('talk.*'):\n"
        "    with contextlib.suppress(EmoliveError):\n"
        "        FileDecoder(path, 1.0, 'mix')\n"
    )
    packets, _ = sandbox.run("-c", code)
    assert packets == []


@pytest.mark.parametrize("first", ["emolive", "emolive.onnx_runtime", "emolive.ui.app", "training"])
def test_every_way_in_keeps_onnx_runtime_from_reporting(first: str, tmp_path: Path) -> None:
    """Also where the user's own environment says otherwise."""
    code = (
        f"import {first}, os, sys\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
    )
    env = {**os.environ, "ORT_DISABLE_TELEMETRY": "0", "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=env, cwd=REPOSITORY, check=True)


@LINUX
def test_what_earlier_runs_left_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / TRACES
    folder.mkdir(parents=True)
    left = ["deviceid", "deviceid.lock", "deviceid.tmp.1-2", "onnxruntime.db", "onnxruntime.db-wal"]
    for name in (*left, "olive.db"):
        (folder / name).touch()
    (folder.parent / "deviceid").touch()
    session = tmp_path / ".ses"
    session.write_text("1795739640707\n337a18c6-1af5-c584-bc6b-4b5e755618cd\n")
    remove_traces()
    kept = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert kept == ["deviceid", "olive.db"]

    (folder / "olive.db").unlink()
    (folder / "onnxruntime.db").touch()
    session.write_text("another program's\n")
    remove_traces()
    assert not folder.exists()
    assert (folder.parent / "deviceid").exists()
    assert session.exists()


@LINUX
def test_an_identifier_that_only_other_tools_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    identifier = tmp_path / TRACES.relative_to(".cache") / "deviceid"
    identifier.parent.mkdir(parents=True)
    identifier.touch()
    remove_traces()
    assert identifier.exists()
