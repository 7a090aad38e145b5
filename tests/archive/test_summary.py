from __future__ import annotations

import csv
from pathlib import Path, PurePath

import pytest

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import FileResult
from emolive.archive.summary import FileOutcome, Summary, write_summary

LABELS = ("happy", "sad")


def outcome(name: str, **fields: object) -> FileOutcome:
    defaults: dict[str, object] = {
        "duration_s": 10.0,
        "label": "happy",
        "probabilities": {"happy": 0.75, "sad": 0.25},
        "seconds": {"happy": 6.0, "silence": 4.0},
        "outputs": (f"{name}.json",),
    }
    result = FileResult.model_validate(defaults | fields)
    return FileOutcome(AudioInput(Path(f"{name}.wav"), PurePath(name)), result)


OUTCOMES = (
    outcome("in/a"),
    outcome("in/b", label="sad", seconds={"sad": 20.0, "uncertain": 10.0}, duration_s=30.0),
    outcome("in/quiet", label=None, probabilities={}, seconds={"silence": 10.0}),
    outcome("in/cut", problem="It is cut short.", seconds={"happy": 10.0}),
    FileOutcome(AudioInput(Path("in/bad.wav"), PurePath("in/bad")), failure="It is no audio."),
)


def test_it_sums_up() -> None:
    summary = Summary.of(OUTCOMES)
    assert (summary.files, summary.problems, summary.duration_s) == (5, 2, 60.0)
    assert summary.seconds == {"happy": 16.0, "silence": 14.0, "sad": 20.0, "uncertain": 10.0}
    assert summary.leading == {"happy": 2, "sad": 1}
    assert summary.share("sad") == pytest.approx(1 / 3)
    assert summary.share("angry") == 0.0


def test_a_file_of_doubts_alone_leads_in_no_emotion() -> None:
    doubtful = outcome("in/doubtful", seconds={"uncertain": 9.0, "silence": 1.0, "sad": 0.0})
    assert doubtful.result is not None
    assert (doubtful.result.label, doubtful.result.verdict) == ("happy", "uncertain")
    assert Summary.of((doubtful, OUTCOMES[0])).leading == {"uncertain": 1, "happy": 1}


def test_nothing_sums_up_to_nothing() -> None:
    assert Summary.of([]).share("sad") == 0.0


def test_no_name_of_a_file_reaches_a_terminal_as_more_than_text(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    evil = "in/e\x1b]52;c;ZQ==\x07v\x9bi\nl\r\t\u202e"
    bad = FileOutcome(AudioInput(Path(evil), PurePath(evil)), failure=f"{evil} is\x1b[2J no audio.")
    write_summary([outcome(evil, problem=f"{evil} is cut."), bad], LABELS, path)
    written = path.read_bytes().decode()
    lines = written.split("\r\n")
    assert [len(lines), lines[-1]] == [4, ""]
    assert all(c.isprintable() for line in lines for c in line)
    assert "in/e]52;c;ZQ==vi l" in lines[1]


def test_one_row_per_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    write_summary(OUTCOMES, LABELS, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done", "done", "done", "partial", "failed"]
    assert rows[0] == {
        "file": str(Path("in/a.wav")), "result": "in/a", "status": "done", "duration_s": "10.0",
        "label": "happy", "confidence": "0.75", "p_happy": "0.75", "p_sad": "0.25",
        "share_happy": "0.6", "share_sad": "0.0", "share_silence": "0.4", "share_uncertain": "0.0",
        "problem": "",
    }  # fmt: skip
    assert rows[2]["label"] == rows[2]["confidence"] == rows[2]["p_happy"] == ""
    assert rows[2]["share_silence"] == "1.0"
    assert rows[3]["problem"] == "It is cut short."
    assert rows[4]["problem"] == "It is no audio."
    assert rows[4]["duration_s"] == ""
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]


def test_names_that_are_no_text_are_written_as_escapes(tmp_path: Path) -> None:
    write_summary([outcome("in/\udcff")], LABELS, tmp_path / "summary.csv")
    assert "\\udcff" in (tmp_path / "summary.csv").read_text(encoding="utf-8")
