from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.archive.inputs import AudioInput
from emolive.archive.journal import NAME, Journal
from emolive.archive.messages import FileResult

ITEM = AudioInput(Path("in/sub/talk.wav"), PurePath("sub/talk"), 1000, 5)
RESULT = FileResult(
    duration_s=12.5,
    label="happy",
    probabilities={"happy": 0.6, "sad": 0.4},
    seconds={"happy": 10.0, "silence": 2.5},
    outputs=("sub/talk.json", "sub/talk.csv"),
    note="Something was replaced.",
)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in RESULT.outputs:
        (tmp_path / name).touch()
    return tmp_path


def record(out: Path, *items: AudioInput, fingerprint: str = "f") -> None:
    with Journal(out) as journal:
        for item in items:
            journal.record(item, fingerprint, RESULT)


def test_what_was_recorded_is_found_again(out: Path) -> None:
    with Journal(out) as journal:
        assert journal.finished(ITEM, "f", ("json",)) is None
        journal.record(ITEM, "f", RESULT)
        assert journal.finished(ITEM, "f", ("json", "csv")) == RESULT
    with Journal(out) as journal:
        assert journal.finished(ITEM, "f", ("json",)) == RESULT


@pytest.mark.parametrize(
    "other",
    [
        replace(ITEM, size=1001),
        replace(ITEM, modified_ns=6),
        replace(ITEM, path=Path("in/talk.wav")),
        replace(ITEM, result=PurePath("talk")),
    ],
)
def test_a_changed_file_is_not_finished(out: Path, other: AudioInput) -> None:
    record(out, ITEM)
    with Journal(out) as journal:
        assert journal.finished(other, "f", ("json",)) is None


def test_other_settings_other_formats_and_lost_results_are_not_finished(out: Path) -> None:
    record(out, ITEM)
    (out / "sub" / "talk.csv").unlink()
    with Journal(out) as journal:
        assert journal.finished(ITEM, "g", ("json",)) is None
        assert journal.finished(ITEM, "f", ("json", "parquet")) is None
        assert journal.finished(ITEM, "f", ("csv",)) is None
        assert journal.finished(ITEM, "f", ("json",)) == RESULT


def test_the_last_line_of_a_file_counts_and_the_others_are_dropped(out: Path) -> None:
    record(out, *[replace(ITEM, size=size) for size in range(50)], ITEM)
    assert len((out / NAME).read_bytes().splitlines()) == 51
    record(out)
    assert len((out / NAME).read_bytes().splitlines()) == 1
    with Journal(out) as journal:
        assert journal.finished(ITEM, "f", ("json",)) == RESULT


def test_a_torn_line_costs_one_file(out: Path) -> None:
    other = replace(ITEM, path=Path("in/other.wav"))
    record(out, ITEM, other)
    content = (out / NAME).read_bytes()
    (out / NAME).write_bytes(content[:-20])
    with Journal(out) as journal:
        assert journal.finished(ITEM, "f", ("json",)) == RESULT
        assert journal.finished(other, "f", ("json",)) is None
        # What is written after it begins a line of its own.
        journal.record(other, "f", RESULT)
    with Journal(out) as journal:
        assert journal.finished(other, "f", ("json",)) == RESULT


@given(junk=st.binary(max_size=200))
def test_no_content_of_the_file_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("out")
    (folder / "sub").mkdir()
    (folder / "sub" / "talk.json").touch()
    (folder / NAME).write_bytes(junk)
    record(folder, ITEM)
    with Journal(folder) as journal:
        assert journal.finished(ITEM, "f", ("json",)) == RESULT


def test_names_that_are_no_text_are_kept_apart(out: Path) -> None:
    odd = [
        AudioInput(Path(f"in/{name}.wav"), PurePath("sub/talk")) for name in ("\udcff", "\udcfe")
    ]
    record(out, odd[0])
    with Journal(out) as journal:
        assert journal.finished(odd[0], "f", ("json",)) == RESULT
        assert journal.finished(odd[1], "f", ("json",)) is None


def test_each_line_is_json(out: Path) -> None:
    record(out, ITEM)
    line = json.loads((out / NAME).read_text())
    assert (line["size"], line["modified_ns"], line["fingerprint"]) == (1000, 5, "f")
    assert Path(line["file"]).is_absolute()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_names_of_files_need_not_be_text(tmp_path: Path) -> None:
    latin = os.fsdecode("M\xfcller".encode("latin-1"))
    item = replace(ITEM, path=Path(f"in/{latin}.wav"), result=PurePath(latin))
    result = RESULT.model_copy(
        update={"outputs": (f"{latin}.json",), "problem": f"{latin}.wav is damaged."}
    )
    (tmp_path / f"{latin}.json").touch()
    with Journal(tmp_path) as journal:
        journal.record(item, "f", result)
    with Journal(tmp_path) as journal:
        found = journal.finished(item, "f", ("json",))
        assert found is not None
        assert found.problem == "M\\udcfcller.wav is damaged."
        assert journal.finished(item, "f", ("csv",)) is None
