from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from emolive.audio.devices import NO_INPUT
from emolive.cli import doctor
from emolive.cli.doctor import Verdict
from emolive.errors import AudioDeviceError
from tests.cli.conftest import Run, launch
from tests.models import tiny_model
from tests.pulse import PulseServer


def report(text: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(text)["checks"]}


def test_everything_that_is_needed_works_here(run: Run, model: Path) -> None:
    result = run("doctor", "--json", "--model", model)
    assert result.exit_code == 0, result.stdout
    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert document["versions"]["emolive"]
    found = report(result.stdout)
    assert found["model"]["verdict"] == "ok"
    facts = "\n".join(found["model"]["facts"])
    for fact in ("in use: CPU", "CPUExecutionProvider", "neutral, calm", "not trained", "uar"):
        assert fact in facts
    assert found["audio files"]["verdict"] == "ok"
    assert found["speech detection"]["verdict"] == "ok"
    assert "ALSA" in "\n".join(found["audio input"]["facts"]) or sys.platform != "linux"


def test_for_people_it_is_a_list_with_a_verdict(run: Run, model: Path) -> None:
    result = run("doctor", "--model", model)
    assert result.exit_code == 0
    assert "✓ model" in result.stdout
    assert "Everything that is needed works." in result.stdout


def test_a_model_that_does_not_load_is_broken(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    tiny_model(bad, with_metadata=False)
    result = run("doctor", "--json", "--model", bad)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["ok"] is False
    found = report(result.stdout)
    assert found["model"]["verdict"] == "broken"
    assert "metadata" in found["model"]["way_out"]
    # One broken thing does not hide the others.
    assert found["speech detection"]["verdict"] == "ok"
    assert "Broken: model." in run("doctor", "--model", bad).stdout


def test_no_microphone_is_a_warning_only(no_sound_card: Mapping[str, str], model: Path) -> None:
    process = launch(["doctor", "--json", "--model", model], env=no_sound_card)
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    found = report(out)["audio input"]
    assert found["verdict"] == "warning"
    assert found["way_out"] == NO_INPUT


@pytest.mark.portaudio
def test_a_real_device_is_listed(pulse: PulseServer, model: Path) -> None:
    process = launch(["doctor", "--json", "--model", model], env=pulse.env)
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    found = report(out)["audio input"]
    assert found["verdict"] == "ok"
    assert any("default" in fact for fact in found["facts"])


def test_a_missing_portaudio_is_broken(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise AudioDeviceError("The PortAudio library was not found: run `apt install it`.")

    monkeypatch.setattr("emolive.audio.portaudio.query", missing)
    result = run("doctor", "--json", "--model", model)
    assert result.exit_code == 2
    assert report(result.stdout)["audio input"]["verdict"] == "broken"


def test_two_onnx_runtime_packages_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "emolive.inference.providers.installed_packages",
        lambda: ("onnxruntime", "onnxruntime-gpu"),
    )
    found = doctor.runtime_packages()
    assert found.verdict is Verdict.WARNING
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in (found.way_out or "")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is where even the superuser fails")
def test_a_read_only_home_is_a_warning_with_the_way_out(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/proc/self/nowhere")
    monkeypatch.setenv("HOME", "/proc/self")
    result = run("doctor", "--json", "--model", model)
    assert result.exit_code == 0
    found = report(result.stdout)["data folder"]
    assert found["verdict"] == "warning"
    assert "XDG_DATA_HOME" in found["way_out"]


def test_a_check_that_crashes_is_a_finding() -> None:
    def crash() -> doctor.Finding:
        raise ZeroDivisionError("of all things")

    found = doctor._guarded("strange", crash)
    assert found.verdict is Verdict.BROKEN
    assert "of all things" in (found.way_out or "")
