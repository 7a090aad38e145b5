from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.files import FileSource
from emolive.cli import outcome
from emolive.cli.live import run_in_terminal
from emolive.cli.options import LiveOptions, ModelChoice, RecordOptions
from emolive.session.library import Library
from emolive.session.records import Annotation, Gap, GapKind
from emolive.types import FloatArray
from tests.cli.conftest import Run
from tests.session.filled import RATE, fill, new_session, segment, window

SEGMENTS = [
    segment("customer", 0, 12, "angry", 0.8),
    segment("customer", 12, 20, "silence", 0.0),
    segment("customer", 20, 30, "happy"),
    segment("agent", 0, 30, "not_inferred", 0.0),
]


@pytest.fixture
def filled(folder: Path) -> list[str]:
    """The ids of three sessions, newest first."""
    now = datetime.now(UTC)
    with Library.open(folder) as library:
        ids = [
            fill(
                library, title, SEGMENTS[:count], at=now - timedelta(days=days), audio=days == 0
            ).id
            for title, count, days in (("new [bold]", 4, 0), ("older", 1, 3), ("", 0, 40))
        ]
        library.add_tag(ids[0], "vip")
        library.add_note(ids[1], "asks for a refund", RATE)
        library.change_annotations(
            ids[0], put=[Annotation("m", 0, RATE, "sad", "cries", "customer")]
        )
    return ids


def test_sessions_as_json_have_the_promised_shape(run: Run, filled: list[str]) -> None:
    result = run("sessions", "list", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert [item["id"] for item in found] == filled
    for item in found:
        assert {"id", "started_at", "duration_s", "streams", "recovered", "summary"} <= set(item)
        assert datetime.fromisoformat(item["started_at"]).tzinfo is not None
    assert found[0]["duration_s"] == 30.0
    assert found[0]["recovered"] is False
    assert [s["name"] for s in found[0]["streams"]] == ["agent", "customer"]
    assert found[0]["streams"][0]["audio"] is True
    assert found[0]["summary"] == {
        "label": "angry",
        "seconds": {"angry": 12.0, "happy": 10.0, "silence": 8.0},  # of the party that is read
    }
    assert found[2]["summary"] == {"label": None, "seconds": {}}
    assert found[0]["tags"] == ["vip"]


def test_the_list_for_people(run: Run, filled: list[str], folder: Path) -> None:
    lines = run("sessions", "list").stdout.splitlines()
    rows = [line for line in lines if line.strip()[:1] == "2"]
    assert [row.split()[0] for row in rows] == filled
    assert "00:30.0" in rows[0]
    assert "angry" in rows[0]
    assert "new [bold]" in rows[0]
    assert "vip" in rows[0]
    assert "no audio" in rows[1]
    empty = run("sessions", "list", "--library", folder.parent / "empty")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "no sessions" in empty.stderr
    nothing = run("sessions", "list", "--json", "--library", folder.parent / "empty")
    assert json.loads(nothing.stdout) == []


def test_one_session_in_full(run: Run, filled: list[str], folder: Path) -> None:
    with Library.open(folder) as library:
        writer = library.create(new_session("with a gap"), audio=False)
        writer.add_windows([window("customer", 3 * RATE, "angry", 0.9)])
        writer.add_segments([segment("customer", 0, 2, "angry"), segment("customer", 2, 4, "sad")])
        writer.add_gap(Gap(RATE, 3 * RATE, GapKind.SOURCE))
        session = writer.finish(4 * RATE).id
        library.add_note(session, "[red]look[/red]", 2 * RATE)
    text = run("sessions", "show", session).stdout
    for part in (
        "with a gap", session, "line 1; tiny on CPU", "customer, 8000 Hz, no audio",
        "angry → sad 1×", "gap     00:01.0 2.00 s, the input was gone",
        "note    00:02.0 [red]look[/red]",
        "90\u00a0%",
    ):  # fmt: skip
        assert part in text, part
    shown = json.loads(run("sessions", "show", "last", "--json").stdout)
    assert shown["id"] == session
    assert shown["gaps"] == [{"stream": None, "start_s": 1.0, "end_s": 3.0, "kind": "source"}]
    assert shown["transitions"] == [
        {"stream": "customer", "from": "angry", "to": "sad", "count": 1}
    ]
    assert shown["peaks"][0]["at_s"] == 1.5
    assert shown["notes"] == [{"at_s": 2.0, "text": "[red]look[/red]"}]
    assert len(shown["segments"]) == 2
    marks = json.loads(run("sessions", "show", filled[0], "--json").stdout)["annotations"]
    assert [(m["label"], m["comment"], m["end_s"]) for m in marks] == [("sad", "cries", 1.0)]


def found_ids(run: Run, *arguments: object) -> list[str]:
    result = run("sessions", "search", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return [item["id"] for item in json.loads(result.stdout)]


def test_search_in_words_and_options(run: Run, filled: list[str]) -> None:
    new, older, _ = filled
    assert found_ids(run) == filled
    assert found_ids(run, "angry", "longer", "than", "10", "s", "last", "week") == [new, older]
    assert found_ids(run, "angry longer than 13 s") == []
    assert found_ids(run, "--label", "happy", "--longer", "10s", "--last", "1d") == [new]
    assert found_ids(run, "--from", (datetime.now() - timedelta(days=5)).date()) == [new, older]
    assert found_ids(run, "--to", (datetime.now() - timedelta(days=5)).date()) == filled[2:]
    assert found_ids(run, "--tag", "VIP") == [new]
    assert found_ids(run, "refund") == [older]
    assert found_ids(run, "--role", "customer", "--min-probability", "75%") == [new, older]
    assert found_ids(run, "--stream", "agent", "--label", "angry") == []
    assert found_ids(run, "--marked", "sad") == [new]
    segments = json.loads(run("sessions", "search", "--json", "angry").stdout)[0]["segments"]
    assert segments == [
        {"stream": "customer", "start_s": 0.0, "end_s": 12.0, "label": "angry", "confidence": 0.8}
    ]
    table = run("sessions", "search", "angry").stdout
    assert table.count("12.0 s") == 2
    nothing = run("sessions", "search", "nowhere")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "Nothing was found." in nothing.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "--longer", "soon"),
        ("search", "--role", "boss"),
        ("search", "--from", "sometime"),
        ("search", "colour:red"),
        ("show", "nobody"),
        ("delete", "nobody"),
        ("tag", "nobody", "x"),
        ("tag", "last", " "),
        ("note", "last", "x", "--at", "31"),
        ("show", "2"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, filled: list[str], arguments: tuple[str, ...]
) -> None:
    assert filled
    result = run("sessions", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_titles_tags_and_notes(run: Run, filled: list[str], folder: Path) -> None:
    assert run("sessions", "rename", "last", " Complaint ").exit_code == 0
    assert run("sessions", "tag", "last", "a b", "c").exit_code == 0
    assert run("sessions", "tag", "last", "vip", "--remove").exit_code == 0
    assert run("sessions", "note", filled[0][:-1], "Größe", "--at", "1.5").exit_code == 0
    with Library.open(folder) as library:
        info = library.get(filled[0])
        assert (info.title, info.tags) == ("Complaint", ("a b", "c"))
        (note,) = library.notes(info.id)
        assert (note.text, note.at_sample) == ("Größe", round(1.5 * RATE))


def test_delete_removes_and_reports(run: Run, filled: list[str], folder: Path) -> None:
    with Library.open(folder) as library:
        live = library.create(new_session(), audio=False)
        live.commit(RATE)
        result = run("sessions", "delete", live.info.id, filled[0], filled[0], "--yes")
        assert result.exit_code == 1  # one is being recorded, the other one is done
        assert "being recorded" in result.stderr
        assert f"Session {filled[0]} is deleted." in result.stderr
        live.finish(RATE)
        assert {info.id for info in library.sessions()} == {live.info.id, *filled[1:]}
    assert not (folder / "sessions" / filled[0]).exists()


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody sits there and types this."""

    def typed(answer: str) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        class FakeSys:
            stdin = Terminal(answer)

            def __getattr__(self, name: str) -> object:
                return getattr(sys, name)

        monkeypatch.setattr(outcome, "sys", FakeSys())

    return typed


def test_on_a_terminal_deleting_is_asked_for(
    run: Run, filled: list[str], folder: Path, at_terminal: Callable[[str], None]
) -> None:
    at_terminal("n\n")
    refused = run("sessions", "delete", filled[0])
    assert refused.exit_code == 2
    assert "Delete new [bold] for good?" in refused.stderr
    assert refused.stderr.endswith("Nothing was changed.\n")
    with Library.open(folder) as library:
        assert len(library.sessions()) == 3
    at_terminal("y\n")
    assert run("sessions", "delete", filled[0]).exit_code == 0
    at_terminal("j\n")
    assert run("--language", "de", "sessions", "delete", filled[1]).exit_code == 0
    with Library.open(folder) as library:
        assert [info.id for info in library.sessions()] == filled[2:]


@pytest.mark.parametrize(
    "command",
    [
        "sessions delete {session}",
        "sessions expire --days 1",
        "sessions expire --after 1",
        "sessions export {session} --format bundle --delete",
    ],
)
def test_where_nobody_can_be_asked_nothing_is_deleted(
    run: Run, filled: list[str], folder: Path, command: str
) -> None:
    refused = run(*command.format(session=filled[0]).split())
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "add --yes" in refused.stderr
    with Library.open(folder) as library:
        assert [info.id for info in library.sessions()] == filled
        assert library.settings().expire_after_days is None


def test_expiry_once_and_from_now_on(run: Run, filled: list[str], folder: Path) -> None:
    assert "kept until" in run("sessions", "expire").stderr
    result = run("sessions", "expire", "--days", "30", "--yes")
    assert f"Session {filled[2]} is deleted." in result.stderr
    assert "kept until" in result.stderr
    result = run("sessions", "expire", "--after", "2", "--yes")
    assert f"Session {filled[1]} is deleted." in result.stderr
    assert "by themselves after 2 days" in run("sessions", "expire").stderr
    with Library.open(folder) as library:
        fill(library, at=datetime.now(UTC) - timedelta(days=3))
    assert found_ids(run) == filled[:1]
    assert "kept until" in run("sessions", "expire", "--after", "0").stderr
    assert run("sessions", "expire", "--after", "900").exit_code == 0, "nothing is that old"


def test_the_reminder_before_recording_can_be_changed(run: Run, folder: Path) -> None:
    assert "must agree to be recorded" in run("sessions", "consent").stderr
    assert run("sessions", "consent", "Ask them!").stderr == "Ask them!\n"
    assert "no reminder" in run("sessions", "consent", "").stderr
    assert "too long" in run("sessions", "consent", "x" * 5000).stderr
    with Library.open(folder) as library:
        assert not library.settings().consent_due


# live --record


@pytest.fixture
def clip(tmp_path: Path, speech: FloatArray) -> Path:
    """Four seconds of speech."""
    path = tmp_path / "clip.wav"
    sf.write(path, speech[: 4 * RATE], RATE)
    return path


def record(clip: Path, folder: Path, model: Path, **options: object) -> int:
    recording = RecordOptions(record=True, title="a clip", **options)  # type: ignore[arg-type]
    using = ModelChoice(model)
    live = LiveOptions(recording=recording, library=folder, json=True, using=using)
    return run_in_terminal(FileSource(clip, paced=True), live)


def test_a_recorded_run_is_a_session_with_what_was_shown(
    model: Path, clip: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(clip, folder, model) == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    states = [line["state"] for line in lines if line["type"] == "recording"]
    assert states[-1] == "stopped"
    assert "recording" in states
    last = next(line for line in reversed(lines) if line["type"] == "recording")
    assert (last["elapsed_s"], last["gaps"], last["error"]) == (4.0, 0, None)
    told = captured.err.splitlines()
    assert "must agree to be recorded" in told[0]
    assert told[-1] == f"Recorded 00:04.0 as session {last['session']}."
    with Library.open(folder) as library:
        info = library.get("last")
        assert (info.id, info.title, info.source) == (last["session"], "a clip", "clip.wav")
        path = library.audio_path(info.id, "mono")
        assert path is not None
        assert last["audio_bytes"] == path.stat().st_size
        audio, _ = sf.read(path, dtype="float32")
        np.testing.assert_array_equal(audio, sf.read(clip, dtype="float32")[0])
        shown = [line for line in lines if line["type"] == "prediction"]
        kept = library.windows(info.id)
        assert [(w.start_sample / RATE, w.end_sample / RATE, w.state, w.label) for w in kept] == [
            (p["start_s"], p["end_s"], p["state"], p["label"]) for p in shown
        ]
        segments = [line for line in lines if line["type"] == "segment"]
        assert [
            (s.start_sample / RATE, s.end_sample / RATE, s.label) for s in library.segments(info.id)
        ] == [(s["start_s"], s["end_s"], s["label"]) for s in segments]
        assert library.activity(info.id, "mono")
    assert record(clip, folder, model, audio=False) == 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1  # the reminder comes once
    with Library.open(folder) as library:
        assert not library.get("last").has_audio


def test_a_library_that_cannot_be_used_is_told_before_anything_runs(
    run: Run, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = run(
        "live", "--record", "--library", tmp_path / "file" / "x", "--model", model,
        "--device", "no such device", "--headless",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


def test_no_device_leaves_no_session(run: Run, model: Path, folder: Path) -> None:
    result = run("live", "--record", "--device", "no such device", "--model", model, "--headless")
    assert result.exit_code == 2
    with Library.open(folder) as library:
        assert library.sessions() == []
    assert not any((folder / "sessions").iterdir())


def test_a_demo_that_is_terminated_while_it_records_is_complete(model: Path, folder: Path) -> None:
    """Ctrl-C and a polite end keep everything; nothing has to be recovered."""
    if os.name == "nt":
        pytest.skip("there is no SIGTERM to be polite with")
    code = (
        "import sys; from pathlib import Path;"
        "from emolive.cli.live import *; from emolive.cli.options import *;"
        "source = FileSource(asset(DEMO_AUDIO), paced=True);"
        "sys.exit(run_in_terminal(source, LiveOptions(RecordOptions(True), json=True,"
        "using=ModelChoice(Path(sys.argv[1])))))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(model)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    started = time.monotonic()
    while json.loads(process.stdout.readline())["type"] != "prediction":
        assert time.monotonic() - started < 60
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert '"state": "stopped"' in out.splitlines()[-1]
    with Library.open(folder) as library:
        assert library.recovered == ()
        info = library.get("last")
        assert 3.0 <= info.duration_s < 42
        assert library.segments(info.id)[-1].end_sample == info.duration_samples
