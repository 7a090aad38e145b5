"""Parts of results: what is finished, what is half done, and what is there twice."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from emolive.archive.messages import FileResult
from emolive.cluster.archive.listing import Listed, Listing, _table
from emolive.cluster.archive.parts import FILES, SEGMENTS, WINDOWS, Parts, file_row, file_schema
from emolive.errors import EmoliveError

LABELS = ("happy", "sad")
RESULT = FileResult(
    duration_s=10.0,
    label="sad",
    probabilities={"happy": 0.25, "sad": 0.75},
    seconds={"sad": 6.0, "silence": 4.0},
    outputs=(),
    note="A note.",
)


def listed(name: str, version: str = "1") -> Listed:
    return Listed(f"memory:///{name}".encode(), True, 5, version)


def listing(*files: Listed) -> Listing:
    return Listing(_table(iter(files)))


def tables(*files: Listed, failed: tuple[Listed, ...] = ()) -> dict[str, object]:
    names = [row.file for row in files for _ in range(2)]
    details = pa.table({"file": names, "start_s": [0.0, 0.5] * len(files)})
    done = [file_row(row, "fp", RESULT) for row in files]
    bad = [file_row(row, "fp", "It is no audio.") for row in failed]
    return {
        WINDOWS: details, SEGMENTS: details,
        FILES: pa.Table.from_pylist(done + bad, file_schema(LABELS)),
    }  # fmt: skip


@pytest.fixture(params=["folder", "memory"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "deep" / "out")
    fsspec.filesystem("memory").store.clear()
    return "memory://out"


def content(out: str, table: str) -> list[str]:
    """The files that rows are about, in order."""
    parts = Parts(out)
    return sorted(
        file
        for name in parts._names(table)
        for file in parts._read(table, name)["file"].to_pylist()
    )


def test_what_is_finished_comes_back_as_it_was(out: str) -> None:
    a, b = listed("a"), listed("b")
    assert not Parts(out)
    Parts(out).write("one", tables(a, b))
    assert Parts(out)
    assert dict(Parts(out).resume(listing(b, listed("c"), a), "fp")) == {0: RESULT, 2: RESULT}


def test_what_changed_or_failed_is_removed_to_be_done_again(out: str) -> None:
    a, b, other = listed("a"), listed("b"), listed("other")
    Parts(out).write("one", tables(a, b, other, failed=(listed("bad"),)))
    changed = listing(a, listed("b", "2"), listed("bad"))
    assert dict(Parts(out).resume(changed, "fp")) == {0: RESULT}
    assert content(out, WINDOWS) == sorted([a.file, other.file] * 2)
    assert content(out, FILES) == [a.file, other.file]
    # Nothing more to do the second time; other settings make everything anew.
    assert dict(Parts(out).resume(changed, "fp")) == {0: RESULT}
    assert dict(Parts(out).resume(changed, "other")) == {}
    assert content(out, FILES) == [other.file]


def test_half_done_parts_are_removed(out: str) -> None:
    a, b = listed("a"), listed("b")
    parts = Parts(out)
    parts.write("one", tables(a))
    parts.write("two", tables(b))
    parts._system.rm_file(parts._path(FILES, "part-two.parquet"))
    assert dict(parts.resume(listing(a, b), "fp")) == {0: RESULT}
    assert content(out, SEGMENTS) == [a.file] * 2


def test_killed_while_a_part_was_rewritten_no_row_stays_twice(out: str) -> None:
    a, b = listed("a"), listed("b")
    parts = Parts(out)
    parts.write("one", tables(a, b))
    parts.write("rewritten", tables(a))  # and killed before the old one went
    found = list(parts.resume(listing(a, listed("b", "2")), "fp"))
    assert found == [(0, RESULT)]
    assert content(out, WINDOWS) == [a.file] * 2
    assert content(out, FILES) == [a.file]


def test_a_place_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmoliveError, match="choose another place with --out"):
        Parts(str(tmp_path / "file" / "out"))
