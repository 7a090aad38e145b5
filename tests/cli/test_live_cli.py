from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import soundfile as sf

from emolive.audio.files import FileSource
from emolive.cli.live import run_in_terminal
from emolive.cli.options import LiveOptions, ModelChoice
from emolive.errors import EmoliveError
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.fallback import FallbackClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.types import FloatArray
from tests.cli.conftest import Run, launch
from tests.inference.sessions import FakeCudaRuntime, gpu_host
from tests.models import LABELS, tiny_metadata, tiny_model
from tests.pulse import MICROPHONE_NAME, PulseServer

RATE = 16_000


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def of_type(found: list[dict[str, object]], kind: str) -> list[dict[str, object]]:
    return [item for item in found if item["type"] == kind]


def assert_contract(found: list[dict[str, object]]) -> None:
    """The keys that programs rely on."""
    for item in of_type(found, "prediction"):
        keys = [
            "type", "stream", "start_s", "end_s", "state", "label", "probabilities",
            "speech_ratio", "latency_ms", "baseline",
        ]  # fmt: skip
        if item["baseline"] is not None:
            assert bool(item.get("raw_probabilities")) == bool(item["probabilities"])
            if item["probabilities"]:
                keys.insert(-1, "raw_probabilities")
        if "mixed_with" in item:
            assert item["mixed_with"] not in (None, item["label"])
            keys.insert(keys.index("label") + 1, "mixed_with")
        assert list(item) == keys
        assert item["state"] in ("speech", "silence", "uncertain")
        assert (item["label"] is not None) == (item["state"] == "speech")
        shares = item["probabilities"]
        assert isinstance(shares, dict)
        assert set(shares) == (set() if item["state"] == "silence" else set(LABELS))
        if shares:
            assert sum(shares.values()) == pytest.approx(1.0, abs=1e-4)
        assert item["latency_ms"] >= 0  # type: ignore[operator]
    for item in of_type(found, "segment"):
        assert list(item) == ["type", "stream", "start_s", "end_s", "label", "confidence"]
    for item in of_type(found, "status"):
        assert {"state", "provider", "overflows", "windows_skipped", "lag_ms"} <= set(item)
    assert len(found) == sum(len(of_type(found, k)) for k in ("prediction", "segment", "status"))


@pytest.fixture
def clip(tmp_path: Path, speech: FloatArray) -> Path:
    """Four seconds of speech."""
    path = tmp_path / "clip.wav"
    sf.write(path, speech[: 4 * RATE], RATE)
    return path


def test_json_lines_of_a_whole_clip_and_its_end(
    model: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_in_terminal(
        FileSource(clip, paced=True), LiveOptions(json=True, using=ModelChoice(model))
    )
    assert code == 0
    captured = capsys.readouterr()
    found = objects(captured.out)
    assert_contract(found)
    assert captured.err == ""
    assert found[0]["state"] == "starting"
    assert found[-1]["type"] == "status"
    assert found[-1]["state"] == "stopped"
    ends = [item["end_s"] for item in of_type(found, "prediction")]
    assert ends == [3.0, 3.5, 4.0]
    segments = of_type(found, "segment")
    assert segments[0]["start_s"] == 0.0
    assert segments[-1]["end_s"] == 4.0


def test_without_a_terminal_each_segment_is_a_line(
    model: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_in_terminal(
        FileSource(clip, paced=True), LiveOptions(headless=True, using=ModelChoice(model))
    )
    assert code == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].startswith("00:00.0 - ")
    assert "- 00:04.0  mono" in lines[-1]
    assert any(label in lines[0] for label in (*LABELS, "uncertain"))
    assert captured.err.splitlines() == ["Listening to clip.wav: tiny on CPU."]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_graphics_card_that_is_lost_is_told_once(
    model: Path,
    clip: Path,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = 0

    def lose() -> None:
        nonlocal runs
        runs += 1
        if runs > loading_runs + 1:
            raise RuntimeError("CUDA failure 719: unspecified launch failure")

    loading_runs = 1_000
    runtime = FakeCudaRuntime(on_run=lose)
    gpu = OnnxClassifier(model, "auto", host=gpu_host(), session_factory=runtime)
    loading_runs = runs
    classifier = FallbackClassifier(gpu, lambda: OnnxClassifier(model, "cpu"))
    monkeypatch.setattr("emolive.cli.loading.load_classifier", lambda *_: classifier)
    options = LiveOptions(headless=True, json=as_json, using=ModelChoice(model))
    assert run_in_terminal(FileSource(clip, paced=True), options) == 0
    captured = capsys.readouterr()
    if as_json:
        statuses = of_type(objects(captured.out), "status")
        first, last = statuses[0], statuses[-1]
        assert (first["provider"], first["provider_note"]) == ("CUDA", None)
        assert last["provider"] == "CPU"
        assert str(last["provider_note"]).startswith("CUDA stopped working, so the model runs on")
        assert captured.err == ""
    else:
        told = captured.err.splitlines()
        assert told[0] == "Listening to clip.wav: tiny on CUDA."
        assert len(told) == 2
        assert told[1].startswith("CUDA stopped working, so the model runs on the CPU")


def test_a_source_that_fails_is_one_sentence_and_exit_code_2(run: Run, model: Path) -> None:
    """Through the command line: the demo with a model that answers with nonsense."""
    broken = model.with_name("nan.onnx")
    tiny_model(broken, tiny_metadata(), bias=[float("nan")] * len(LABELS))
    result = run("demo", "--headless", "--model", broken)
    assert result.exit_code == 2
    assert result.stderr.count("\n") <= 2
    assert "not numbers" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_demo_in_json_for_a_set_time(run: Run, model: Path) -> None:
    result = run("demo", "--json", "--duration", 4, "--model", model)
    assert result.exit_code == 0
    found = objects(result.stdout)
    assert_contract(found)
    assert found[-1]["state"] == "stopped"
    # The clip goes on for 42 s.
    assert 3.0 <= found[-1]["elapsed_s"] < 20.0  # type: ignore[operator]
    assert of_type(found, "prediction")
    assert result.stderr == ""


def test_without_a_display_the_demo_uses_the_terminal(run: Run, model: Path) -> None:
    result = run("demo", "--model", model, "--duration", 1)
    assert result.exit_code == 0
    assert "Listening to demo.flac" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_ends_cleanly(model: Path, number: signal.Signals) -> None:
    process = launch(["demo", "--json", "--model", model])
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["type"] == "prediction":
            break
    process.send_signal(number)
    rest, errors = process.communicate(timeout=240)
    assert process.returncode == 0
    assert errors == ""
    last = objects(rest)[-1]
    assert (last["type"], last["state"]) == ("status", "stopped")
    assert of_type(objects(rest), "segment")


def test_a_reader_that_goes_away_ends_it_quietly(model: Path) -> None:
    process = launch(["demo", "--json", "--model", model])
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("options", [["--headless"], ["--json"], ["--device", "Yeti"]])
def test_without_a_device_live_is_one_clear_sentence(
    no_sound_card: Mapping[str, str], model: Path, options: list[str]
) -> None:
    process = launch(["live", *options, "--model", model], env=no_sound_card)
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 2
    (sentence,) = errors.splitlines()
    assert "emolive demo" in sentence
    assert "emolive analyze FILE" in sentence
    if "--json" in options:
        assert objects(out)[-1]["state"] == "failed"
        assert objects(out)[-1]["reason"] == sentence
    else:
        assert out == ""


@pytest.mark.portaudio
def test_live_json_from_a_real_device(pulse: PulseServer, model: Path) -> None:
    player = pulse.play(asset(DEMO_AUDIO))
    try:
        process = launch(["live", "--json", "--duration", "7", "--model", model], env=pulse.env)
        out, errors = process.communicate(timeout=240)
    finally:
        player.kill()
        player.wait()
    assert process.returncode == 0, errors
    assert errors == ""
    found = objects(out)
    assert_contract(found)
    assert {item["state"] for item in of_type(found, "prediction")} & {"speech", "uncertain"}
    last = found[-1]
    assert last["state"] == "stopped"
    assert last["overflows"] == 0


@pytest.mark.portaudio
def test_live_keeps_two_channels_apart(pulse: PulseServer, model: Path) -> None:
    process = launch(
        ["live", "--json", "--channels", "2", "--duration", "4", "--model", model], env=pulse.env
    )
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    streams = {item["stream"] for item in of_type(objects(out), "prediction")}
    assert streams == {"left", "right"}
    # Nothing is played: the monitor delivers digital zeros, and that is explained.
    hints = [item["hint"] for item in of_type(objects(out), "status")]
    assert any(hint and "digital silence" in str(hint) for hint in hints)


@pytest.mark.portaudio
def test_devices_lists_the_real_one(pulse: PulseServer) -> None:
    process = launch(["devices", "--json"], env=pulse.env)
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    found = json.loads(out)
    assert found
    assert list(found[0]) == [
        "index", "name", "host_api", "channels", "sampling_rate", "is_default", "loopback",
    ]  # fmt: skip
    microphone, monitor = found
    assert (microphone["name"], microphone["host_api"]) == (MICROPHONE_NAME, "PulseAudio")
    assert microphone["is_default"]
    assert not microphone["loopback"]
    assert monitor["loopback"]
    assert monitor["is_default"]
    table = launch(["devices"], env=pulse.env)
    text, _ = table.communicate(timeout=240)
    assert found[0]["name"] in text
    assert monitor["name"] in text
    assert "what this computer plays" in text


def test_no_devices_is_an_empty_list(no_sound_card: Mapping[str, str]) -> None:
    process = launch(["devices", "--json"], env=no_sound_card)
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert json.loads(out) == []


# The app.


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> None:
    """A display that the app can use, as far as the command line knows."""
    monkeypatch.setattr("emolive.cli.live.has_display", lambda: True)
    monkeypatch.setattr("emolive.ui.preflight.check_desktop", lambda *_: None)


@pytest.mark.usefixtures("display")
@pytest.mark.parametrize(
    ("arguments", "source", "device"),
    [
        (["demo"], "demo", None),
        (["live", "--device", "Yeti", "--channels", "2"], "microphone", "Yeti"),
    ],
)
def test_with_a_display_the_app_opens(
    run: Run,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    source: str,
    device: str | None,
) -> None:
    asked: list[dict[str, object]] = []

    def run_app(**options: object) -> int:
        asked.append(options)
        return 0

    monkeypatch.setattr("emolive.ui.app.run_app", run_app)
    given = ["--model", model, "--provider", "cpu", "--hop", 1, "--threshold", 0.4]
    assert run(*arguments, *given).exit_code == 0
    live = source == "microphone"
    assert asked == [
        {
            "source": source,
            "device": device,
            "split": live,
            "listen": live,
            "language": None,
            "model": model,
            "provider": "cpu",
            "hop_s": 1.0,
            "threshold": 0.4,
        }
    ]
    asked.clear()
    assert run(*arguments).exit_code == 0
    chosen = {name: asked[0][name] for name in ("model", "provider", "hop_s", "threshold")}
    assert set(chosen.values()) == {None}, "what is not given is as the app has it"


@pytest.mark.usefixtures("display")
def test_where_the_app_cannot_open_the_terminal_does(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise EmoliveError("Qt cannot be loaded: install libegl1.")

    monkeypatch.setattr("emolive.ui.preflight.check_desktop", missing)
    monkeypatch.setattr(
        "emolive.cli.live.FileSource",
        lambda path, **options: FileSource(path.with_name("missing.flac"), **options),
    )
    result = run("demo", "--model", model)
    assert result.exit_code == 2
    assert "Qt cannot be loaded: install libegl1." in result.stderr
    assert "missing.flac does not exist" in result.stderr
