from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf

from emolive.archive.inputs import AudioInput, find_inputs
from emolive.archive.messages import Advanced, Begun, Done, Failed, Message
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import FileWork, Writer
from emolive.engine import EngineConfig, FileAnalysis
from emolive.errors import AudioFileError, EmoliveError, ModelError
from emolive.inference.decision import DecisionConfig
from emolive.types import FloatArray
from tests.archive.conftest import RATE
from tests.models import tiny_metadata, tiny_model


@pytest.fixture
def item(tmp_path: Path, speech: FloatArray) -> AudioInput:
    path = tmp_path / "in" / "sub" / "talk.wav"
    path.parent.mkdir(parents=True)
    sf.write(path, speech[: 6 * RATE], RATE)
    (item,) = find_inputs([tmp_path / "in"]).files
    return item


def writing(error: OSError) -> dict[str, Writer]:
    def write(_: FileAnalysis, path: Path) -> None:
        path.with_name(f".{path.name}.1.partial").touch()
        raise error

    return {"json": write}


def with_writers(settings: ArchiveSettings, writers: dict[str, Writer]) -> FileWork:
    loaded = FileWork.load(settings)
    return FileWork(loaded._classifier, loaded._vad, settings, writers=writers)


def test_a_file_in_short(settings: ArchiveSettings, item: AudioInput) -> None:
    result = FileWork.load(settings).run(item)
    assert result.outputs == ("sub/talk.json",)
    written = json.loads((settings.out / "sub" / "talk.json").read_text())
    assert result.label == written["summary"]["label"]
    assert result.confidence == pytest.approx(max(written["summary"]["probabilities"].values()))
    assert sum(result.seconds.values()) == pytest.approx(result.duration_s) == 6.0


def test_it_is_told_from_begin_to_end(settings: ArchiveSettings, item: AudioInput) -> None:
    told: list[Message] = []
    FileWork.load(settings).attempt(item, told.append)
    assert isinstance(told[0], Begun)
    assert isinstance(told[-2], Advanced)
    assert (told[-2].done_s, told[-2].total_s) == (6.0, 6.0)
    assert isinstance(told[-1], Done)


def test_what_a_killed_run_left_behind_goes(settings: ArchiveSettings, item: AudioInput) -> None:
    folder = settings.out / "sub"
    folder.mkdir()
    (folder / ".talk.json.4711.partial").write_text("half")
    (folder / ".other.json.4711.partial").write_text("of another file")
    FileWork.load(settings).run(item)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".other.json.4711.partial", "talk.json",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [28, 30])  # no space, read-only file system
def test_a_folder_that_takes_nothing_is_hopeless(
    settings: ArchiveSettings, item: AudioInput, number: int
) -> None:
    work = with_writers(settings, writing(OSError(number, "No room")))
    with pytest.raises(EmoliveError, match=r"No room.*another folder with --out") as caught:
        work.run(item)
    assert not isinstance(caught.value, AudioFileError)


def test_one_result_that_cannot_be_written_fails_its_file_only(
    settings: ArchiveSettings, item: AudioInput
) -> None:
    work = with_writers(settings, writing(OSError(36, "File name too long")))
    told: list[Message] = []
    work.attempt(item, told.append)
    assert isinstance(told[-1], Failed)
    assert "File name too long" in told[-1].sentence


def test_complaints_name_the_whole_path(
    settings: ArchiveSettings, item: AudioInput, speech: FloatArray
) -> None:
    work = FileWork.load(settings)
    whole = item.path.with_name("whole.flac")
    sf.write(whole, speech[: 20 * RATE], RATE)
    item.path.write_bytes(whole.read_bytes()[:60_000])
    assert (work.run(item).problem or "").startswith(f"{item.path} is damaged or cut short")
    item.path.write_bytes(b"")
    told: list[Message] = []
    work.attempt(item, told.append)
    assert isinstance(told[-1], Failed)
    assert told[-1].sentence.startswith(f"{item.path} is empty")


def test_a_model_that_breaks_is_no_fault_of_the_file(
    settings: ArchiveSettings, item: AudioInput
) -> None:
    def analyze(*_: object) -> FileAnalysis:
        raise ModelError("The model stopped working: start again.")

    work = FileWork.load(settings)
    work._analyze = analyze
    with pytest.raises(ModelError):
        work.attempt(item, lambda _: None)


def fingerprint(settings: ArchiveSettings, **changes: object) -> str:
    fields = {name: getattr(settings, name) for name in ("model", "engine", "out", "formats")}
    return ArchiveSettings.of(**(fields | changes)).fingerprint  # type: ignore[arg-type]


def test_the_fingerprint_is_of_what_the_answers_depend_on(
    settings: ArchiveSettings, tmp_path: Path
) -> None:
    same: list[Callable[[], str]] = [
        lambda: fingerprint(settings),
        lambda: fingerprint(settings, out=tmp_path / "elsewhere", formats=("csv",)),
        lambda: fingerprint(settings, engine=EngineConfig(max_batch=4, ring_s=10)),
    ]
    assert {one() for one in same} == {settings.fingerprint}
    other_model = tmp_path / "other.onnx"
    tiny_model(other_model, tiny_metadata(temperature=2.0))
    changed = [
        fingerprint(settings, model=other_model),
        fingerprint(settings, engine=EngineConfig(hop_s=1.0)),
        fingerprint(settings, engine=EngineConfig(decision=DecisionConfig(margin=0.2))),
        fingerprint(settings, channels="split"),
    ]
    assert len({settings.fingerprint, *changed}) == 5
