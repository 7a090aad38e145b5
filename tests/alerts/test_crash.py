"""A process that dies between an alert and its delivery, for real."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import soundfile as sf

from emolive.alerts.outbox import Outbox
from emolive.resources import DEMO_AUDIO, asset
from tests.alerts.server import SECRET, WebhookServer
from tests.cli.conftest import launch
from tests.models import LABELS, tiny_model

RULES = """
[[rule]]
name = "upset"
kind = "emotion"
emotions = ["angry"]
role = "customer"
probability = 0.5
for_s = 0.5
webhooks = ["team"]

[[webhook]]
name = "team"
url = "{url}"
secret = "{secret}"
timeout_s = 0.3
"""


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """A stereo call whose customer, on the right, never stops talking."""
    samples, rate = sf.read(asset(DEMO_AUDIO), dtype="float32", frames=20 * 16_000)
    stereo = tmp_path / "call.wav"
    sf.write(stereo, [[0.0, value] for value in samples], rate)
    return stereo


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that hears nothing but anger."""
    path = tmp_path / "angry.onnx"
    tiny_model(path, bias=[20.0 if label == "angry" else 0.0 for label in LABELS])
    return path


def rules_for(server: WebhookServer, folder: Path) -> Path:
    path = folder / "rules.toml"
    path.write_text(RULES.format(url=server.url, secret=SECRET))
    return path


def killed_after_the_alert(
    call: Path, model: Path, rules: Path, library: Path, until: object = None
) -> dict[str, object]:
    """Monitor the call in a process, and kill it once it has told of an alert."""
    process = launch(
        ["call", "live", call, "--json", "--alerts", rules, "--library", library, "--model", model]
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = json.loads(line)
            if found["type"] == "alert":
                if callable(until):
                    until()
                return found  # type: ignore[no-any-return]
        pytest.fail("no alert")
    finally:
        process.kill()  # SIGKILL
        process.communicate(timeout=240)


def deliver(rules: Path, library: Path) -> subprocess.CompletedProcess[str]:
    process = launch(["alerts", "deliver", rules, "--library", library, "--timeout", "30"])
    out, errors = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def waiting(library: Path) -> int:
    outbox = Outbox.open(library)
    depth = outbox.depth()
    outbox.close()
    return depth.waiting


def test_killed_before_the_server_was_there(call: Path, model: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    with WebhookServer() as server:
        rules = rules_for(server, tmp_path)
        server.close()
        alert = killed_after_the_alert(call, model, rules, library)
        assert waiting(library) == 1
        server.open()
        done = deliver(rules, library)
        assert done.returncode == 0, done.stderr
        assert "1 message delivered" in done.stderr
        (received,) = server.received
        assert received.json["message"] == alert["message"]
        assert received.json["stream"] == "customer"
    assert waiting(library) == 0


def test_killed_while_the_server_hung(call: Path, model: Path, tmp_path: Path) -> None:
    """It had got the message and not answered: it gets the same one again."""
    library = tmp_path / "library"
    with WebhookServer() as server:
        rules = rules_for(server, tmp_path)
        server.answer = lambda _: "hang"
        killed_after_the_alert(
            call, model, rules, library, lambda: server.wait(lambda got: len(got) >= 1)
        )
        assert waiting(library) == 1
        server.answer = lambda _: 200
        done = deliver(rules, library)
        assert done.returncode == 0, done.stderr
        assert len({one.id for one in server.received}) == 1
        assert [one.answered for one in server.received][-1] == 200
    assert waiting(library) == 0
