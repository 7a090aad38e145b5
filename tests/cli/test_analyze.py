from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Tell
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import WRITERS, FileWork, run_here
from emolive.cli import analyze as analyze_module
from emolive.session.export import FORMATS
from emolive.types import FloatArray
from tests.cli.conftest import Run
from tests.models import LABELS, tiny_metadata, tiny_model

RATE = 16_000


@pytest.fixture
def talk(tmp_path: Path, speech: FloatArray) -> Path:
    path = tmp_path / "in" / "talk.wav"
    path.parent.mkdir()
    sf.write(path, speech[: 5 * RATE], RATE)
    return path


def results(folder: Path) -> list[str]:
    """Everything in a folder of results but the journal."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != ".emolive-journal.jsonl")


def test_one_json_file_per_input(run: Run, model: Path, talk: Path, tmp_path: Path) -> None:
    result = run("analyze", "--model", model, "--out", tmp_path / "out", talk)
    assert result.exit_code == 0, result.stderr
    written = json.loads((tmp_path / "out" / "talk.json").read_text(encoding="utf-8"))
    assert list(written) == [
        "file", "duration_s", "sample_rate", "model", "labels", "windows", "segments", "summary",
    ]  # fmt: skip
    assert written["file"] == str(talk)
    assert written["duration_s"] == 5.0
    assert written["labels"] == list(LABELS)
    assert len(written["windows"]) == 5
    assert result.stdout.startswith(f"{talk}: {written['summary']['label']}")
    assert "1 file analysed" in result.stderr
    assert results(tmp_path / "out") == ["talk.json"]


def test_where_no_moment_is_sure_the_answer_is_uncertain(run: Run, talk: Path) -> None:
    unsure = talk.parent / "unsure.onnx"
    tiny_model(unsure, tiny_metadata(abstention_threshold=0.999))
    result = run("analyze", "--model", unsure, "--threshold", "0", talk)
    assert f"{talk}: " in result.stdout
    assert "uncertain" not in result.stdout
    result = run("analyze", "--model", unsure, talk)
    assert f"{talk}: uncertain; " in result.stdout
    assert " leads with " in result.stdout


def test_formats_and_the_default_folder(run: Run, model: Path, talk: Path) -> None:
    result = run("analyze", "--model", model, "--format", "csv, json", talk)
    assert result.exit_code == 0
    assert results(Path("emolive-results")) == ["talk.csv", "talk.json"]


def test_every_format_is_written_of_a_file(run: Run, model: Path, talk: Path) -> None:
    pytest.importorskip("audformat", reason="needs the export extra")
    names = ",".join(FORMATS)
    result = run("analyze", "--model", model, "--format", names, "--out", "out", talk)
    assert result.exit_code == 0, result.stderr
    written = {path.name for path in Path("out").iterdir()} - {".emolive-journal.jsonl"}
    assert written == {f"talk.{form.extension}" for form in FORMATS.values()}
    again = run("analyze", "--model", model, "--format", names, "--out", "out", "--resume", talk)
    assert "0 to do" in again.stderr


def test_folders_keep_their_structure(
    run: Run, model: Path, talk: Path, tmp_path: Path, speech: FloatArray
) -> None:
    (talk.parent / "sub").mkdir()
    sf.write(talk.parent / "sub" / "talk.flac", speech[:RATE], RATE)
    result = run("analyze", "--model", model, "--out", tmp_path / "out", talk.parent)
    assert result.exit_code == 0
    assert results(tmp_path / "out") == ["sub/talk.json", "talk.json"]


def test_bad_inputs_are_reported_and_the_rest_is_done(
    run: Run, model: Path, talk: Path, tmp_path: Path, speech: FloatArray
) -> None:
    folder = talk.parent
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no audio")
    whole = folder / "whole.flac"
    sf.write(whole, speech[: 10 * RATE], RATE)
    cut = folder / "cut.flac"
    cut.write_bytes(whole.read_bytes()[:60_000])
    nan = speech[: 4 * RATE].copy()
    nan[:100] = np.nan
    sf.write(folder / "nan.wav", nan, RATE, subtype="FLOAT")
    sf.write(folder / "short.wav", speech[RATE : RATE + 800], RATE)
    sf.write(folder / "six.wav", np.repeat(speech[: 4 * RATE, None], 6, axis=1), 96_000)
    missing = folder / "missing.wav"
    result = run("analyze", "--model", model, "--out", tmp_path / "out", folder, missing)
    assert result.exit_code == 1
    # What was decoded of the cut file is there, and yet it counts as failed.
    done = ["cut", "nan", "short", "six", "talk", "whole"]
    assert results(tmp_path / "out") == [f"{name}.json" for name in done]
    complaints = result.stderr.splitlines()
    for name in ("empty.wav", "text.wav", "cut.flac", "missing.wav"):
        (sentence,) = (line for line in complaints if name in line)
        assert sentence.rstrip().endswith(".")
    (note,) = (line for line in complaints if "nan.wav" in line)
    assert note.startswith("Notice:")
    assert "5 files analysed, 4 failed" in complaints[-1]
    assert "Traceback" not in result.stderr
    short = json.loads((tmp_path / "out" / "short.json").read_text())
    assert len(short["windows"]) == 1
    six = json.loads((tmp_path / "out" / "six.json").read_text())
    assert six["sample_rate"] == 96_000


def test_only_bad_inputs_still_is_exit_code_1(run: Run, model: Path) -> None:
    result = run("analyze", "--model", model, "nothing.wav")
    assert result.exit_code == 1
    assert "nothing.wav does not exist" in result.stderr


def test_an_empty_folder_is_reported(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("analyze", "--model", model, "empty")
    assert result.exit_code == 1
    assert "empty holds no audio files" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "xml"], "'xml' is not a format"),
        (["--hop", "0.255"], "multiple of 10 ms"),
        (["--model", "none.onnx"], "none.onnx does not exist"),
        (["--out", "file.txt/out"], "Cannot write to"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, model: Path, talk: Path, arguments: list[str], words: str
) -> None:
    Path("file.txt").touch()
    usual = [] if "--model" in arguments else ["--model", model]
    result = run("analyze", talk, *usual, *arguments)
    assert result.exit_code == 2
    (sentence,) = result.stderr.splitlines()
    assert words in sentence
    assert result.stdout == ""


def test_a_model_that_breaks_the_contract_is_refused(run: Run, talk: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    tiny_model(bad, input_shape=("batch", 1, 64, 298))
    result = run("analyze", talk, "--model", bad)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may write everywhere"
)
def test_a_read_only_folder_for_results_is_one_sentence(run: Run, model: Path, talk: Path) -> None:
    closed = Path("closed")
    closed.mkdir(mode=0o500)
    result = run("analyze", talk, "--model", model, "--out", closed)
    assert result.exit_code == 2
    assert "choose another folder with --out" in result.stderr


def test_a_full_disk_is_one_sentence(
    run: Run, model: Path, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(WRITERS, "json", full)
    result = run("analyze", talk, "--model", model)
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr


def test_interrupting_keeps_what_is_done(
    run: Run,
    model: Path,
    talk: Path,
    tmp_path: Path,
    speech: FloatArray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sf.write(talk.parent / "z.wav", speech[: 5 * RATE], RATE)

    def interrupted(
        settings: ArchiveSettings, items: Sequence[AudioInput], _jobs: int, tell: Tell
    ) -> None:
        run_here(FileWork.load(settings), items[:1], tell)
        raise KeyboardInterrupt

    monkeypatch.setattr(analyze_module, "run_in_processes", interrupted)
    result = run("analyze", talk.parent, "--model", model, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "1 of 2 files are done" in result.stderr
    assert "--resume" in result.stderr
    assert results(tmp_path / "out") == ["talk.json"]
