"""`analyze` on whole folders: stopped, killed, resumed, summed up."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.archive.journal import NAME
from emolive.cli import analyze as analyze_module
from emolive.inference.classifier import OnnxClassifier
from emolive.types import FloatArray
from tests.cli.conftest import Run, launch

RATE = 16_000

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")


@pytest.fixture
def folder(tmp_path: Path, speech: FloatArray) -> Path:
    """Four short files, two of them with the same name."""
    folder = tmp_path / "in"
    for number, name in enumerate(("a.wav", "b.flac", "x/talk.wav", "y/talk.wav")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        start = 3 * number * RATE
        sf.write(folder / name, speech[start : start + 4 * RATE], RATE)
    return folder


@pytest.fixture(scope="module")
def long_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files of two minutes of silence: quickly written, and a while to analyse."""
    folder = tmp_path_factory.mktemp("in")
    for name in "abcdef":
        sf.write(folder / f"{name}.flac", np.zeros(2 * 60 * 8_000), 8_000)
    return folder


def written(out: Path) -> dict[str, int]:
    """The results and when they were written."""
    return {
        path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in out.rglob("*.json")
    }


def journalled(out: Path) -> int:
    path = out / NAME
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def test_resume_skips_what_is_finished_and_redoes_what_changed(
    run: Run, model: Path, folder: Path, speech: FloatArray
) -> None:
    arguments = ("analyze", folder, "--model", model, "--out", "out", "--jobs", 1, "--resume")
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "4 files analysed;" in result.stderr
    first = written(Path("out"))
    assert sorted(first) == ["a.json", "b.json", "x/talk.json", "y/talk.json"]

    assert "0 files analysed, 4 done before" in run(*arguments).stderr
    assert written(Path("out")) == first

    sf.write(folder / "x" / "talk.wav", speech[: 5 * RATE], RATE)
    sf.write(folder / "new.wav", speech[: 4 * RATE], RATE)
    result = run(*arguments)
    assert "3 files done before, 2 to do" in result.stderr
    assert "2 files analysed, 3 done before" in result.stderr
    assert len(result.stdout.splitlines()) == 2
    second = written(Path("out"))
    assert {name for name in first if second[name] != first[name]} == {"x/talk.json"}
    assert json.loads(Path("out/x/talk.json").read_text())["duration_s"] == 5.0

    assert "0 files analysed, 5 done" in run(*arguments).stderr
    assert "5 files analysed;" in run(*arguments, "--hop", "1").stderr
    assert "5 files analysed;" in run(*arguments[:-1], "--hop", "1").stderr


def test_what_failed_is_tried_again(run: Run, model: Path, folder: Path) -> None:
    (folder / "bad.wav").write_text("no audio")
    arguments = ("analyze", folder, "--model", model, "--out", "out", "--jobs", 1, "--resume")
    assert run(*arguments).exit_code == 1
    result = run(*arguments)
    assert result.exit_code == 1
    assert f"{folder / 'bad.wav'} is not audio" in result.stderr
    assert "0 files analysed, 4 done before, 1 failed" in result.stderr


def test_the_summary_covers_all_files_those_of_earlier_runs_too(
    run: Run, model: Path, folder: Path, speech: FloatArray
) -> None:
    sf.write(folder / "summary.wav", speech[: 4 * RATE], RATE)
    arguments = ("analyze", folder, "--model", model, "--out", "out", "--jobs", 1, "--summary")
    assert run(*arguments, "--format", "csv").exit_code == 0
    (folder / "b.flac").write_bytes((folder / "b.flac").read_bytes()[:20_000])
    result = run(*arguments, "--format", "csv", "--resume")
    assert result.exit_code == 1
    with Path("out/summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # The input of that name gave way.
    assert [row["result"] for row in rows] == ["a", "b", "in/summary", "x/talk", "y/talk"]
    assert [row["status"] for row in rows] == ["done", "partial", "done", "done", "done"]
    assert Path("out/in/summary.csv").is_file()
    table = result.stderr.split("label ")[1]
    for label in json.loads((Path("out") / NAME).read_text().splitlines()[0])["result"][
        "probabilities"
    ]:
        assert label in table
    assert "5 files" in table
    assert "times real time" in table


def test_on_a_gpu_files_share_one_model(
    run: Run, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the GPU's way but the GPU itself."""
    assert run("analyze", folder, "--model", model, "--out", "cpu", "--jobs", 1).exit_code == 0
    always = property(lambda _: "CUDA", lambda *_: None)
    monkeypatch.setattr(OnnxClassifier, "provider", always, raising=False)

    def never(*_: object) -> None:
        raise AssertionError("no processes where there is a GPU")

    monkeypatch.setattr(analyze_module, "run_in_processes", never)
    result = run("analyze", folder, "--model", model, "--out", "gpu", "--jobs", 3)
    assert result.exit_code == 0, result.stderr
    assert "4 files analysed" in result.stderr
    assert sorted(written(Path("gpu"))) == sorted(written(Path("cpu")))


def test_the_table_is_for_many_files(run: Run, model: Path, folder: Path) -> None:
    result = run("analyze", folder / "a.wav", "--model", model)
    assert result.stderr.strip() == f"1 file analysed; results are in emolive-results{os.sep}"


def test_jobs_do_not_change_the_results(run: Run, model: Path, folder: Path) -> None:
    for jobs in (1, 3):
        result = run("analyze", folder, "--model", model, "--out", f"out{jobs}", "--jobs", jobs)
        assert result.exit_code == 0
    for name in written(Path("out1")):
        assert (Path("out1") / name).read_text() == (Path("out3") / name).read_text()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_stopped_or_killed_only_files_in_flight_are_lost(
    run: Run, model: Path, long_files: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    command = ("analyze", long_files, "--model", model, "--out", out, "--resume", "--jobs")
    # Ctrl-C goes to all processes of the terminal, the others to the program alone.
    process = launch((*command, 2), start_new_session=True)
    workers = []
    try:
        deadline = time.monotonic() + 100
        while journalled(out) < 1:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        workers = _group(process.pid)
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, errors = process.communicate(timeout=240)
    finally:
        process.kill()
    assert "Traceback" not in errors
    assert process.returncode == (-number if number is signal.SIGKILL else 130)
    # Workers without a parent end by themselves.
    while _group(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(workers) >= 3
    finished = journalled(out)
    assert 1 <= finished < 6
    before = written(out)
    for name in before:
        json.loads((out / name).read_text())  # whole, or not there
    if number is not signal.SIGKILL:
        assert f"Stopped: {finished} of 6 files are done." in errors
        assert len(before) == finished

    done = run(*command, 1)
    assert done.exit_code == 0, done.stderr
    assert f"{6 - finished} files analysed, {finished} done before" in done.stderr.replace(
        "1 file a", "1 files a"
    )
    after = written(out)
    assert len(after) == 6
    assert sum(after[name] == before.get(name) for name in after) == finished
    assert list(out.rglob("*.partial")) == []


def _group(leader: int) -> list[int]:
    """The processes of a group that are alive."""
    listing = subprocess.run(
        ["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, group, state in rows if int(group) == leader and "Z" not in state]
