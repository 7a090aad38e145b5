"""Every command that takes `--model` takes a model of any kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile as sf

from emolive.cli.doctor import Verdict, model_and_provider
from emolive.features import LogMelSpec
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.providers import Host, Requested
from emolive.inference.shift import ShiftReference
from emolive.session.library import Library
from emolive.session.records import StreamInfo
from emolive.types import FloatArray, Segment
from tests.cli.conftest import Run
from tests.inference.sessions import FakeCudaRuntime, gpu_host
from tests.models import LABELS, tiny_metadata, tiny_model, waveform_metadata
from tests.session.filled import session_record

RATE = 16_000
KINDS = {
    "waveform": waveform_metadata(name="tiny"),
    "80-bands": tiny_metadata(front_end=LogMelSpec(n_mels=80, n_fft=512), embedding_size=4),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that always says it is angry."""
    path = tmp_path_factory.mktemp("kind") / f"{request.param}.onnx"
    tiny_model(path, KINDS[request.param], bias=[1000.0 * (name == "angry") for name in LABELS])
    return path


@pytest.fixture
def clips(tmp_path: Path, speech: FloatArray) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(3):
        sf.write(folder / f"{number}.wav", speech[number * RATE :][: 4 * RATE], RATE)
    return folder


def test_doctor_says_what_it_takes(run: Run, kind: Path) -> None:
    result = run("doctor", "--json", "--model", kind)
    assert result.exit_code == 0, result.stdout
    (model,) = [c for c in json.loads(result.stdout)["checks"] if c["name"] == "model"]
    taken = {"waveform": "3 s windows of sound, 16000 Hz", "80-bands": "windows of 80 mel bands"}
    assert any(taken[kind.stem] in fact for fact in model["facts"])


def test_live_and_offline_agree(run: Run, kind: Path, clips: Path) -> None:
    result = run("demo", "--json", "--duration", 4, "--model", kind)
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    live = [line for line in lines if line["type"] == "prediction"]
    assert live
    assert {line["label"] for line in live if line["probabilities"]} == {"angry"}
    result = run("analyze", clips, "--model", kind, "--format", "json", "--out", "answers")
    assert result.exit_code == 0, result.stderr
    for path in sorted(Path("answers").rglob("*.json")):
        document = json.loads(path.read_text())
        assert document["model"] == "tiny"
        assert document["summary"]["label"] == "angry"
        assert [window["end_s"] for window in document["windows"]] == [3.0, 3.5, 4.0]


def test_a_recorded_session_is_analysed_again(
    run: Run, kind: Path, speech: FloatArray, tmp_path: Path
) -> None:
    new = session_record(
        streams=(StreamInfo("mono", RATE),),
        labels=LABELS,
        model="old model",
    )
    with Library.open(tmp_path / "library") as library:
        writer = library.create(new, audio=True)
        audio = writer.audio_path("mono")
        assert audio is not None
        sf.write(audio, speech[: 6 * RATE], RATE)
        writer.add_segments([Segment("mono", 0, 6 * RATE, "happy", 0.6)])
        writer.finish(6 * RATE)
    result = run("sessions", "replay", "last", "--library", tmp_path / "library", "--model", kind)
    assert result.exit_code == 0, result.stderr
    assert "The same label 0.0\u00a0% of the time" in result.stdout
    assert "tiny" in result.stdout


def metadata_text(**changes: object) -> str:
    document = json.loads(waveform_metadata().to_json())
    return json.dumps(document | changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (metadata_text(format_version=1), "need format_version 2"),
        (metadata_text(embedding_size=None), "found embedding, logits"),
        (metadata_text(embedding_size=7), r"(batch, 7)"),
        (metadata_text(window_s=2.0), "(batch, 32000)"),
        (metadata_text(front_end={"kind": "waveform", "sampling_rate": 8_000}), "16000 Hz"),
        (metadata_text(front_end={"kind": "mfcc"}), "front_end"),
    ],
)
def test_a_file_that_contradicts_itself_is_one_sentence(
    run: Run, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "wrong.onnx"
    tiny_model(path, waveform_metadata(), metadata_text=text)
    result = run("analyze", path, "--model", path)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_of_the_first_version_runs(run: Run, tmp_path: Path, clips: Path) -> None:
    metadata: ModelMetadata = tiny_metadata()
    document = json.loads(metadata.to_json()) | {"format_version": 1}
    for newer in ("embedding_size", "shift"):
        document.pop(newer, None)
    del document["front_end"]["kind"]
    tiny_model(tmp_path / "first.onnx", metadata, metadata_text=json.dumps(document))
    result = run("analyze", clips / "0.wav", "--model", tmp_path / "first.onnx")
    assert result.exit_code == 0, result.stderr


def test_doctor_finds_a_graphics_card_that_waits_for_the_cpu(
    kind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that says CUDA, and whose profile says where its operators really ran."""

    def on_fake_gpu(
        path: Path, provider: Requested, *_: object, host: Host | None = None
    ) -> OnnxClassifier:
        assert host is None
        assert provider == "auto"
        return OnnxClassifier(path, host=gpu_host(), session_factory=FakeCudaRuntime())

    with monkeypatch.context() as patched:
        patched.setattr("emolive.inference.loading.OnnxClassifier", on_fake_gpu)
        found = model_and_provider(kind, "auto")
    assert found.verdict is Verdict.WARNING
    assert any(fact.startswith("in use: CUDA") for fact in found.facts)
    assert any("these operators ran on the CPU: " in fact for fact in found.facts)
    assert found.way_out is not None
    assert "NAME.gpu.onnx" in found.way_out


def test_what_a_model_was_not_trained_on_is_said(run: Run, tmp_path: Path, clips: Path) -> None:
    """A reference that knows no speech but one embedding, far from every other."""
    reference = ShiftReference(mean=(1e6,) * 6, residual_variance=1.0, distances=(0.0, 1.0, 2.0))
    path = tmp_path / "strict.onnx"
    tiny_model(path, waveform_metadata(shift=reference))
    result = run("demo", "--json", "--duration", 4, "--model", path)
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    answers = [line for line in lines if line["type"] == "prediction" and line["probabilities"]]
    assert answers
    assert {line["shift"] for line in answers} == {1.0}
    unlike = "unlike anything this model was trained on"
    assert {line["familiarity"] for line in answers} == {unlike}
    result = run("analyze", clips / "0.wav", "--model", path, "--format", "json", "--out", "out")
    assert result.exit_code == 0, result.stderr
    document = json.loads(Path("out/0.json").read_text())
    assert document["summary"]["familiarity"] == {unlike: 1.0}
