"""`emolive adapt` and what comes after it, from the command line."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import pytest

from emolive.adapt import shelf
from emolive.session.library import Library
from emolive.session.records import Annotation
from emolive.types import Role
from tests.adapt.taught import base_model, voices
from tests.cli.conftest import Run
from tests.ui.stored_sessions import RATE, Part, demo, store


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return voices(tmp_path_factory.mktemp("voices"), 8)


def marked(library: Library, labels: tuple[str, ...], *, times: int = 3) -> str:
    """A session with `times` marks of each label, where somebody speaks."""
    segments = [s for s in demo().analysis.segments if s.label != "silence"]
    marks = [
        Annotation(f"m{i}", s.start_sample, s.end_sample, labels[i % len(labels)])
        for i, s in enumerate(segments[: times * len(labels)])
    ]
    assert len(marks) == times * len(labels)
    return store(library, annotations=marks)


def test_from_a_manifest_to_results(run: Run, base: Path, manifest: Path, tmp_path: Path) -> None:
    result = run("adapt", "--name", "mine", "--manifest", manifest, "--model", base, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["name"] == "mine"
    assert document["labels"] == ["neutral", "angry"]
    assert document["base"]["name"] == "tiny base"
    assert document["low"] <= document["gain"] <= document["high"]
    assert document["better"] == (document["low"] > 0)
    assert [one["label"] for one in document["classes"]] == ["neutral", "angry"]

    out = tmp_path / "out"
    result = run("analyze", manifest.parent / "angry-0.wav", "--model", "mine", "--out", out)
    assert result.exit_code == 0, result.stderr
    found = json.loads((out / "angry-0.json").read_text(encoding="utf-8"))
    assert found["model"] == "mine"
    assert found["labels"] == ["neutral", "angry"]

    result = run("demo", "--headless", "--json", "--duration", "4", "--model", "mine")
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {tuple(p["probabilities"]) for p in lines if p["type"] == "prediction"
            and p["probabilities"]} <= {("neutral", "angry")}  # fmt: skip

    listed = json.loads(run("models", "--json").stdout)
    (own,) = [one for one in listed if one["name"] == "mine"]
    assert own["taught"] == document["taught"]
    assert "angry" in run("models").stdout
    shown = run("models", "mine").stdout
    assert "Taught with" in shown
    result = run("doctor", "--model", "mine", "--json")
    assert "mine" in result.stdout

    assert run("adapt", "remove", "mine", "--yes").exit_code == 0
    result = run("analyze", manifest.parent / "angry-0.wav", "--model", "mine", "--out", out)
    assert result.exit_code == 2
    assert "There is no model mine" in result.stderr
    assert run("adapt", "remove", "mine").exit_code == 1


def test_the_result_for_people(run: Run, base: Path, manifest: Path) -> None:
    result = run("adapt", "--name", "my voices", "--manifest", manifest, "--model", base)
    assert result.exit_code == 0, result.stderr
    assert "nothing was learned that is plainly better" in result.stdout
    assert "replaced" not in result.stderr
    assert '--model "my voices"' in result.stdout
    again = ("adapt", "--name", "my voices", "--manifest", manifest, "--model", base)
    for asked in (again, ("adapt", "remove", "my voices")):
        refused = run(*asked)
        assert refused.exit_code == 2
        assert "add --yes" in refused.stderr
    again = run(*again, "--yes")
    assert "The model my voices that was there before is replaced." in again.stderr


def test_from_a_folder_and_own_labels(run: Run, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    for label in ("confident", "hesitant"):
        (folder / label).mkdir(parents=True)
    voices(tmp_path, 6, ("confident", "hesitant"))
    for label in ("confident", "hesitant"):
        for i in range(6):
            (tmp_path / f"{label}-{i}.wav").rename(folder / label / f"{i}.wav")
    result = run("adapt", "--name", "coach", "--folder", folder, "--model", base, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["guessing"] is True
    assert document["base_uar"] == 0.5
    assert document["grouped"] is False


def test_some_rows_that_cannot_be_read(run: Run, base: Path, manifest: Path) -> None:
    worse = manifest.with_name("worse.csv")
    text = manifest.read_text(encoding="utf-8")
    bad = manifest.with_name("bad.wav")
    bad.write_bytes(b"no sound")
    worse.write_text(text + "gone.wav,angry,x\nbad.wav,angry,x\n", encoding="utf-8")
    result = run("adapt", "--name", "mine", "--manifest", worse, "--model", base)
    assert result.exit_code == 1
    assert "there is no file gone.wav" in result.stderr
    assert "bad.wav is not audio" in result.stderr
    assert shelf.named("mine")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "needs a name"),
        (["--name", "fast", "--manifest", "{m}"], "comes with emolive"),
        (["--name", "a/b", "--manifest", "{m}"], "cannot be the name"),
        (["--name", "x", "--manifest", "none.csv"], "There is no manifest none.csv"),
        (["--name", "x", "--folder", "none"], "There is no folder none"),
        (["--name", "x", "--manifest", "{m}", "--model", "nosuch"], "There is no model nosuch"),
        (["--name", "x", "--library", "lib", "--model", "{b}"], "nothing labelled"),
        (["next", "--library", "lib", "--model", "{b}"], "No moments to label"),
        (["remove", "nosuch"], "There is no taught model nosuch"),
    ],
)
def test_wrong_use(
    run: Run, base: Path, manifest: Path, arguments: list[str], sentence: str
) -> None:
    filled = [a.format(m=manifest, b=base) for a in arguments]
    result = run("adapt", *filled)
    assert result.exit_code in (1, 2)
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_too_few_labels_are_counted(run: Run, base: Path, tmp_path: Path) -> None:
    few = voices(tmp_path, 2)
    result = run("adapt", "--name", "mine", "--manifest", few, "--model", base)
    assert result.exit_code == 2
    assert "1 more of" in result.stderr
    one = voices(tmp_path, 4, ("angry",))
    result = run("adapt", "--name", "mine", "--manifest", one, "--model", base)
    assert result.exit_code == 2
    assert "two different emotions" in result.stderr
    assert not shelf.kept()[0]


def test_an_adapted_model_is_no_base(run: Run, base: Path, manifest: Path) -> None:
    assert run("adapt", "--name", "one", "--manifest", manifest, "--model", base).exit_code == 0
    result = run("adapt", "--name", "two", "--manifest", manifest, "--model", "one")
    assert result.exit_code == 2
    assert "was adapted itself" in result.stderr


def test_marks_replay_and_deletion(run: Run, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with Library.open(folder) as library:
        session = marked(library, ("angry", "neutral"))
    result = run("adapt", "--name", "mine", "--library", folder, "--model", base)
    assert result.exit_code == 0, result.stderr
    result = run("sessions", "replay", session, "--library", folder, "--model", "mine")
    assert result.exit_code == 0, result.stderr
    assert "mine" in result.stdout

    result = run("sessions", "delete", session, "--library", folder, "--yes")
    assert result.exit_code == 0
    assert "The model mine was taught with what is deleted here" in result.stderr
    assert "--with-models" in result.stderr
    assert shelf.named("mine")


def test_deleted_sessions_show_beside_the_model(
    run: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(tmp_path / "library"))
    with Library.open() as library:
        session = marked(library, ("angry", "neutral"))
        other = marked(library, ("angry", "neutral"))
    assert run("adapt", "--name", "mine", "--model", base).exit_code == 0
    assert run("adapt", "--name", "my own", "--model", base).exit_code == 0
    assert run("sessions", "delete", session, "--yes").exit_code == 0
    assert '`emolive adapt remove "my own"`' in " ".join(run("models").stdout.split())
    assert run("adapt", "remove", "my own", "--yes").exit_code == 0
    listed = json.loads(run("models", "--json").stdout)
    assert listed[-1]["deleted_sessions"] == 1
    assert "1 of the sessions that mine was taught with" in run("models").stdout
    result = run("sessions", "delete", other, "--yes", "--with-models")
    assert result.exit_code == 0
    assert not shelf.kept()[0]


def test_agents_are_not_taught_without_permission(run: Run, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    parts = [Part("agent", 1, Role.AGENT), Part("customer", 1, Role.CUSTOMER)]
    segments = [s for s in demo().analysis.segments if s.label != "silence"][:6]
    marks = [
        Annotation(f"m{i}", s.start_sample, s.end_sample, ("angry", "sad")[i % 2], "", "agent")
        for i, s in enumerate(segments)
    ]
    with Library.open(folder) as library:
        store(library, parts, annotations=marks)
    result = run("adapt", "--name", "mine", "--library", folder, "--model", base)
    assert result.exit_code == 2
    assert "6 marks of agents" in result.stderr
    # Nobody is there to confirm it.
    result = run("adapt", "--name", "mine", "--library", folder, "--model", base, "--infer-agent")
    assert result.exit_code == 2
    assert "at a terminal" in result.stderr
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "version = 1\n[agent_emotion]\ninfer = true\nstatement = 1\n"
        'responsible = "Jane Doe, officer"\nbasis = "Safety of dispatchers, agreed"\n',
        encoding="utf-8",
    )
    allowed = ("--library", folder, "--model", base, "--policy", policy)
    result = run("adapt", "--name", "mine", *allowed)
    assert result.exit_code == 0, result.stderr
    assert shelf.named("mine").agents
    with Library.open(folder) as library:
        entry = library.audit_log()[-1]
    assert entry.action == "agent_emotion.granted"
    assert entry.details["call"] == "teaching mine"


def test_what_to_label_next(run: Run, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with Library.open(folder) as library:
        session = store(library, [Part("mono", 2)], title="Interview",
                        annotations=[Annotation("m", 0, 10 * RATE, "angry")])  # fmt: skip
    result = run("adapt", "next", "--library", folder, "--model", base, "-n", "8", "--json")
    assert result.exit_code == 0, result.stderr
    moments = json.loads(result.stdout)
    assert 3 <= len(moments) <= 8
    assert {one["session"] for one in moments} == {session}
    spans = sorted((one["start_s"], one["end_s"]) for one in moments)
    assert spans[0][0] >= 10.0  # what is labelled is not asked again
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert "Interview" in run("adapt", "next", "--library", folder, "--model", base).stdout

    sheet = tmp_path / "next.csv"
    result = run("adapt", "next", "--library", folder, "--model", base, "--out", sheet)
    assert result.exit_code == 0
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [""] * len(rows)
    for i, row in enumerate(rows):
        row["label"] = ("confident", "hesitant")[i % 2]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = run("adapt", "--name", "mine", "--manifest", sheet, "--model", base)
    assert result.exit_code == 0, result.stderr
    assert shelf.named("mine").labels == ("confident", "hesitant")
