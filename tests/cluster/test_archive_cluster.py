"""`analyze --cluster` on a real Ray cluster of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile as sf
from typer.testing import CliRunner

import emolive
from emolive.baseline import ProfileStore, Source
from emolive.cli.main import app
from emolive.inference.known_models import described
from emolive.types import FloatArray
from tests.baseline.answers import answers, usual_mix
from tests.baseline.test_evidence import session as heard
from tests.cli.conftest import launch
from tests.conftest import REPOSITORY
from tests.test_privacy import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="clusters run on Linux")
RATE = 16_000


def run(arguments: Sequence[object], code: int = 0) -> tuple[str, str]:
    """A command line in a process of its own; its output and what it told."""
    process = launch(arguments, env={"PYTHONPATH": str(REPOSITORY)})
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return out, err


def run_here(arguments: Sequence[object], code: int) -> str:
    """A command line that needs no cluster, in this process; what it told."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.stderr


def rows(folder: Path) -> list[dict[str, object]]:
    return pq.read_table(folder).to_pylist() if folder.exists() else []


def test_the_same_values_as_on_one_machine(model: Path, talks: Path, tmp_path: Path) -> None:
    plain, cluster = tmp_path / "plain", tmp_path / "cluster"
    common = ("--model", model)
    here = ("analyze", talks, "--format", "parquet", "--jobs", 1, "--out", plain, *common)
    run_here(here, code=1)
    out, err = run(
        ("analyze", talks, "--cluster", "local", "--jobs", 2, "--out", cluster, *common), code=1
    )
    assert "1 .txt" in err
    assert f"{talks / 'bad.wav'} is not audio" in err
    assert "5 files analysed, 1 failed" in err
    assert "times real time" in err
    assert len(out.splitlines()) == 5
    found = rows(cluster / "windows")
    for path in plain.rglob("*.parquet"):
        wanted = pq.read_table(path).to_pylist()
        mine = [row for row in found if row["file"] == wanted[0]["file"]]
        assert [{k: v for k, v in row.items() if k != "stream"} for row in mine] == wanted
    assert len({row["file"] for row in found}) == 5
    assert {row["stream"] for row in found} == {"mono"}
    assert {row["file"] for row in rows(cluster / "segments")} == {row["file"] for row in found}
    files = {Path(str(row["file"])).name: row for row in rows(cluster / "files")}
    assert files["bad.wav"]["status"] == "failed"
    assert "not audio" in str(files["bad.wav"]["problem"])
    assert files["stereo.wav"]["status"] == "done"
    assert "same sound on both channels" in str(files["stereo.wav"]["note"])

    # A second time is refused, and gone on with on request: what failed is tried again.
    arguments = ("analyze", talks, "--cluster", "local", "--out", cluster, *common)
    assert "holds results of an earlier run" in run_here(arguments, code=2)
    _, err = run((*arguments, "--resume"), code=1)
    assert "5 files done before, 1 to do" in err
    assert "0 files analysed, 5 done before, 1 failed" in err
    assert len(rows(cluster / "files")) == 6

    # From an address into an address, through a file system that is no folder.
    shutil.make_archive(str(tmp_path / "calls"), "zip", talks)
    address = f"zip://::file://{tmp_path}/calls.zip"
    there = f"file://{tmp_path}/there"
    _, err = run(
        ("analyze", address, "--cluster", "local", "--jobs", 1, "--out", there, *common), code=1
    )
    assert f"zip://bad.wav::file://{tmp_path}/calls.zip is not audio" in err

    def answers(folder: Path) -> list[list[object]]:
        return sorted(
            [str(row["file"]).partition("::")[0].rpartition("/")[2], row["start_s"],
             row["p_happy"] or 0.0, str(row["state"])]
            for row in rows(folder)
        )  # fmt: skip

    assert answers(tmp_path / "there" / "windows") == answers(cluster / "windows")


def _left_of(process: subprocess.Popen[str]) -> list[int]:
    """Processes of Ray that were started by a run and still live."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if f"emolive-ray-{process.pid}-".encode() in line:
                found.append(int(folder.name))
    return found


def test_answers_are_adapted_by_what_the_library_knows(
    model: Path, talks: Path, tmp_path: Path
) -> None:
    about = described(model)
    folder = Source(name=str(talks), model=about.fingerprint, labels=about.labels)
    ProfileStore(tmp_path / "library").add(folder, heard(answers(usual_mix(), 3_000), 3_000), 50.0)
    cluster = tmp_path / "cluster"
    file, command = talks / "a.wav", ["--cluster", "local", "--jobs", 1, "--out", cluster]
    command += ["--library", tmp_path / "library", "--baseline", "library"]
    _, err = run(["analyze", file, *command, "--model", model, "--expected-neutral", "0.8"])
    assert f"{talks}: adapted to this source: 10 min" in err
    wanted = emolive.analyze(
        file, model=model, baseline="library", expected_neutral=0.8, library=tmp_path / "library"
    )
    found = rows(cluster / "windows")
    spoken = [window for window in wanted.windows if window.probabilities is not None]
    mine = [row for row in found if row["p_neutral"] is not None]
    assert len(spoken) == len(mine) > 3
    for window, row in zip(spoken, mine, strict=True):
        for prefix, shares in (("p_", window.probabilities), ("raw_", window.raw_probabilities)):
            values = [row[prefix + label] for label in about.labels]
            assert values == pytest.approx(shares, abs=1e-4)
        assert row["p_neutral"] != row["raw_neutral"]


def test_killed_in_the_middle_it_goes_on_and_nothing_is_twice(
    model: Path, speech: FloatArray, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(24):
        sf.write(folder / f"{number:02}.flac", speech.repeat(2), 2 * RATE)
    arguments = ("analyze", folder, "--cluster", "local", "--jobs", 1, "--out", out,
                 "--model", model)  # fmt: skip
    process = launch(arguments, env={"PYTHONPATH": str(REPOSITORY)})
    try:
        while not rows(out / "files"):
            assert process.poll() is None, process.stderr
            time.sleep(0.1)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    finished = len(rows(out / "files"))
    assert finished < 24
    until = time.monotonic() + 150
    while _left_of(process):
        assert time.monotonic() < until, "Ray outlives the program"
        time.sleep(0.2)
    _, err = run((*arguments, "--resume"))
    before = int(err.partition(" files done before")[0].split()[-1])
    assert before >= finished
    assert f"{24 - before} files analysed, {before} done before;" in err
    assert sorted(str(row["file"]) for row in rows(out / "files")) == sorted(
        str(path) for path in folder.iterdir()
    )
    windows = [(row["file"], row["start_s"]) for row in rows(out / "windows")]
    assert len(windows) == len(set(windows))
    assert not list(Path("/tmp").glob(f"emolive-ray-{process.pid}-*"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--cluster", "127.0.0.1:1"), "There is no Ray cluster at 127.0.0.1:1"),
        (("--cluster", "local", "--format", "eaf"), "leave --format out"),
        (("--cluster", "local", "--summary"), "leave --summary out"),
        (("--cluster", "local", "--baseline", "files"), "use --baseline library"),
        (("--cluster", "local", "--provider", "cuda"), "leave --provider out"),
        (("--cluster", "local", "--out", "nosuch://x"), "nosuch://x cannot be opened"),
        (("s3://bucket/calls",), "s3://bucket/calls is an address: read it with --cluster"),
    ],
)
def test_wrong_use_is_one_sentence(
    model: Path, talks: Path, tmp_path: Path, more: tuple[str, ...], sentence: str
) -> None:
    arguments = ["analyze", talks / "a.wav", "--model", model, *more]
    if "--out" not in more:
        arguments += ["--out", tmp_path / "out"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_nothing_leaves_the_machine_and_nothing_is_left(tmp_path: Path, talks: Path) -> None:
    from tests import closed_network

    if reason := closed_network.missing():
        pytest.skip(reason)
    place = tmp_path / "place"
    place.mkdir()
    sandbox = Sandbox(place)
    results = sandbox.home / ".local" / "share" / "emolive" / "results"
    packets, files = sandbox.run(
        "-m", "emolive", "analyze", str(talks / "sub"), "--cluster", "local", "--jobs", "1",
        "--out", str(results),
    )  # fmt: skip
    outside = [packet for packet in packets if " 127.0.0.1 " not in packet]
    assert outside == []
    assert files == []
    assert (results / "files").is_dir()
