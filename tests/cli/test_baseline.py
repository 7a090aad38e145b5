"""`analyze --baseline` and `emolive baseline`, on real speech."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

import emolive
from emolive.cli.baseline import baseline_choice
from emolive.cli.options import BaselineOptions, LiveBaseline
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.library import Library
from emolive.types import FloatArray
from tests.cli.conftest import Run, launch
from tests.models import LABELS
from tests.pulse import PulseServer
from tests.session.test_readapting import stored

RATE = 16_000


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "library"
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(folder))
    monkeypatch.setenv("EMOLIVE_CONFIG", str(tmp_path / "config"))
    return folder


@pytest.fixture
def talks(tmp_path: Path, speech: FloatArray) -> Path:
    folder = tmp_path / "talks"
    folder.mkdir()
    for number in range(4):
        part = speech[number * 10 * RATE : (number + 1) * 10 * RATE]
        sf.write(folder / f"{number}.wav", part, RATE)
    return folder


def documents(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(out.glob("*.json"))]


def answered(out: Path, name: str) -> FloatArray:
    return np.array(
        [
            [window[name][label] for label in LABELS]
            for document in documents(out)
            for window in document["windows"]
            if window["probabilities"]
        ],
        np.float32,
    )


def test_files_are_adapted_to_what_they_say_together(
    run: Run, model: Path, talks: Path, tmp_path: Path
) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert run("analyze", "--model", model, "--out", plain, talks).exit_code == 0
    result = run(
        "analyze", "--model", model, "--out", out, "--baseline", "files", "--expected-neutral",
        "0.6", "--jobs", 1, talks,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "Adapted to these 4 files" in result.stderr
    assert "4 files analysed" in result.stderr
    assert [path.name for path in sorted(out.glob("*.json"))] == [f"{n}.json" for n in range(4)]
    raw, adapted = answered(out, "raw_probabilities"), answered(out, "probabilities")
    # The model's own answers are those without a baseline.
    assert raw == pytest.approx(answered(plain, "probabilities"), abs=2e-6)
    assert not np.allclose(raw, adapted, atol=0.01)
    neutral = LABELS.index("neutral")
    missing = abs(0.6 - raw[:, neutral].mean())
    assert abs(0.6 - adapted[:, neutral].mean()) < 0.9 * missing
    # One vector for all windows of all files.
    moved = np.log(adapted / raw)
    moved -= moved[:, [neutral]]
    told = np.minimum(raw, adapted) > 0.01  # six digits say too little of the others
    for label in range(len(LABELS)):
        alike = moved[told[:, label] & told[:, neutral]]
        assert len(alike) == 0 or np.ptp(alike[:, label] - alike[:, neutral]) < 0.01
    for document in documents(out):
        told = {json.dumps(w["baseline"]) for w in document["windows"] if w["probabilities"]}
        assert len(told) == 1
        assert json.loads(told.pop())["expected_neutral"] == 0.6
        shares, own = (document["summary"][n] for n in ("probabilities", "raw_probabilities"))
        assert list(shares) == list(own) == list(LABELS)
        assert document["summary"]["label"] == max(shares, key=shares.__getitem__)


def test_it_goes_on_where_it_was_and_takes_new_files_in(
    run: Run, model: Path, talks: Path, tmp_path: Path
) -> None:
    usual = ["analyze", "--model", model, "--jobs", 1, "--baseline", "files"]
    command = [*usual, "--out", tmp_path / "out"]
    first = run(*command, talks / "0.wav", talks / "1.wav")
    assert "2 files analysed" in first.stderr
    again = run(*command, "--resume", talks / "0.wav", talks / "1.wav")
    assert "0 files analysed, 2 done before" in again.stderr
    more = run(*command, "--resume", talks)
    assert "2 heard before, 2 to hear" in more.stderr
    assert "4 files analysed" in more.stderr  # under the baseline of all of them
    anew = run(*usual, "--out", tmp_path / "new", talks)
    assert anew.exit_code == 0
    assert answered(tmp_path / "out", "probabilities") == pytest.approx(
        answered(tmp_path / "new", "probabilities"), abs=2e-6
    )


def test_a_bad_file_costs_nothing_else(run: Run, model: Path, talks: Path, tmp_path: Path) -> None:
    (talks / "bad.wav").write_bytes(b"no sound at all")
    command = ["analyze", "--model", model, "--out", tmp_path / "out", "--baseline", "files"]
    result = run(*command, talks)
    assert result.exit_code == 1
    assert "bad.wav" in result.stderr
    assert len(documents(tmp_path / "out")) == 4
    # What was kept of a file is damaged: it is heard again.
    damaged = sorted((tmp_path / "out" / ".emolive-raw").glob("*.npz"))[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    result = run(*command, "--jobs", 1, "--resume", talks)
    assert result.exit_code == 1
    assert "3 heard before, 2 to hear" in result.stderr
    assert len(documents(tmp_path / "out")) == 4


def test_the_library_knows_a_folder_that_was_heard(
    run: Run, model: Path, talks: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ["analyze", "--model", model, "--out", out, "--baseline", "library"]
    unknown = run(*command, talks / "0.wav")
    assert unknown.exit_code == 0
    assert "nothing is known" in unknown.stderr
    assert np.array_equal(answered(out, "raw_probabilities"), answered(out, "probabilities"))
    files = ["--baseline", "files", "--jobs", 1]
    run("analyze", "--model", model, "--out", tmp_path / "all", *files, talks)
    known = run(*command, talks / "0.wav")
    assert str(talks) in known.stderr
    assert not np.array_equal(answered(out, "raw_probabilities"), answered(out, "probabilities"))
    # Another folder is adapted to what is known of all sources.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "0.wav").write_bytes((talks / "0.wav").read_bytes())
    assert "Library: " in run(*command, elsewhere).stderr


def test_profiles_are_listed_shown_and_forgotten(
    run: Run, model: Path, talks: Path, library: Path, tmp_path: Path
) -> None:
    assert "No source is known yet" in run("baseline", "list").stdout
    assert json.loads(run("baseline", "list", "--json").stdout) == []
    assert not library.exists()
    files = ["--baseline", "files", "--jobs", 1]
    run("analyze", "--model", model, "--out", tmp_path / "out", *files, talks)
    (known,) = json.loads(run("baseline", "list", "--json").stdout)
    assert known["source"] == str(talks)
    assert known["sessions"] == 4
    assert 0.3 < known["minutes"] < 0.8
    assert sum(known["mean"].values()) == pytest.approx(1, abs=0.01)
    listed = run("baseline", "list")
    assert known["id"] in listed.stdout
    shown = json.loads(run("baseline", "show", known["id"][:5], "--json").stdout)
    assert set(shown["vector"]) == set(LABELS)
    assert shown["expected_neutral"] == 0.45
    assert "neutral" in run("baseline", "show", known["id"]).stdout
    for which in (known["id"], "--all"):
        refused = run("baseline", "forget", which)
        assert refused.exit_code == 2
        assert "add --yes" in refused.stderr
    forgotten = run("baseline", "forget", known["id"], "--json", "--yes")
    assert json.loads(forgotten.stdout) == {"forgotten": 1}
    assert json.loads(run("baseline", "list", "--json").stdout) == []


def test_a_stored_session_is_decided_anew(
    run: Run, model: Path, talks: Path, library: Path
) -> None:
    with Library.open(library) as opened:
        stored(opened, emolive.analyze(talks / "0.wav", model=model).windows)
    export = ("sessions", "export", "last", "--format", "json", "--out", library / "out")
    adapt = ("sessions", "adapt", "last", "--model", model)

    def window() -> dict[str, Any]:
        assert run(*export).exit_code == 0
        (document,) = documents(library / "out")
        return next(one for one in document["windows"] if one["probabilities"])

    result = run(*adapt, "--expected-neutral", "calls")
    assert result.exit_code == 0, result.stderr
    assert "answers are other ones now" in result.stderr
    adapted = window()
    assert adapted["baseline"]["expected_neutral"] == 0.7
    assert run(*adapt, "--baseline", "off").exit_code == 0
    own = window()
    assert "baseline" not in own
    assert own["probabilities"] == adapted["raw_probabilities"]
    told = run("sessions", "adapt", "last")
    assert told.exit_code == 2
    assert "give its file with --model" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["baseline", "show", "zz"], "emolive baseline list"),
        (["baseline", "forget", "zz"], "emolive baseline list"),
        (["baseline", "forget"], "--all"),
        (["baseline", "forget", "zz", "--all"], "--all"),
        (["analyze", "x.wav", "--baseline", "files", "--expected-neutral", "7"], "0.01 to 0.99"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(run: Run, arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_an_expectation_without_adapting_is_told(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    del run  # without its own settings and library, nothing is switched off or on
    assert baseline_choice(BaselineOptions(LiveBaseline.OFF, "0.5"), None) is None
    assert baseline_choice(BaselineOptions(LiveBaseline.OFF, None, "German"), None) is None
    assert capsys.readouterr().err.count("do nothing without --baseline library") == 2
    assert baseline_choice(BaselineOptions(LiveBaseline.OFF), None) is None
    assert not capsys.readouterr().err


@pytest.mark.portaudio
def test_a_second_run_on_a_device_is_adapted_to_the_first(
    pulse: PulseServer, model: Path, library: Path, tmp_path: Path
) -> None:
    env = {**pulse.env, "EMOLIVE_LIBRARY": str(library), "EMOLIVE_CONFIG": str(tmp_path / "config")}
    command = ["live", "--json", "--duration", "7", "--model", model]

    def predictions(*more: str) -> list[dict[str, Any]]:
        player = pulse.play(asset(DEMO_AUDIO))
        try:
            process = launch([*command, *more], env=env)
            out, errors = process.communicate(timeout=240)
        finally:
            player.kill()
            player.wait()
        assert process.returncode == 0, errors
        found = [json.loads(line) for line in out.splitlines()]
        return [one for one in found if one["type"] == "prediction"]

    first = predictions()
    assert first
    assert {one["baseline"]["sessions"] for one in first} == {0}
    second = [one for one in predictions("--expected-neutral", "calls") if one["probabilities"]]
    assert second
    for one in second:
        assert one["baseline"]["sessions"] == 1
        assert one["baseline"]["expected_neutral"] == 0.7
        assert one["probabilities"]["neutral"] > one["raw_probabilities"]["neutral"]
    assert all(one["baseline"] is None for one in predictions("--baseline", "off"))
    (known,) = json.loads(launch(["baseline", "list", "--json"], env=env).communicate()[0])
    assert known["sessions"] == 2
    assert known["source"] == first[0]["baseline"]["source"]
