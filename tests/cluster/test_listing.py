"""Files in folders and at fsspec addresses, and how they are cut into blocks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.cluster.archive.listing import Listed, Listing, _table, find, in_blocks, rows
from emolive.errors import EmoliveError


@pytest.fixture
def memory() -> str:
    """An address in memory with calls, and things that are none."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("a.wav", "sub/b.flac", "sub/.hidden/c.wav", ".d.wav", "notes.txt"):
        system.pipe_file(f"/calls/{name}", name.encode())
    return "memory://calls"


def test_addresses_are_searched_like_folders(memory: str) -> None:
    found = find([memory])
    assert [row.file for row in rows(found.listing.table)] == [
        "memory:///calls/a.wav", "memory:///calls/sub/b.flac",
    ]  # fmt: skip
    assert [item.size for item in found.listing] == [5, 10]
    assert found.problems == ()
    assert found.left_out == ("memory://calls: 3 entries are left out (2 hidden, 1 .txt).",)


def test_one_file_by_its_address_whatever_its_name(memory: str) -> None:
    found = find([f"{memory}/notes.txt", f"{memory}/a.wav", f"{memory}/a.wav"])
    assert [str(item) for item in found.listing] == [
        "memory://calls/notes.txt", "memory://calls/a.wav",
    ]  # fmt: skip


def test_folders_and_addresses_together(memory: str, talks: Path) -> None:
    found = find([str(talks), memory, f"file://{talks}/sub"])
    names = [row.file for row in rows(found.listing.table)]
    assert names[0] == str(talks / "a.wav")
    assert f"file://{talks}/sub/a.wav" in names
    assert len(names) == len(set(names)) == 6 + 2 + 2


def test_what_leads_nowhere_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = find([str(tmp_path / "empty"), "memory://nowhere"])
    assert len(found.listing) == 0
    assert [problem.split(" holds ")[0] for problem in found.problems] == [
        str(tmp_path / "empty"), "memory://nowhere",
    ]  # fmt: skip


@pytest.mark.parametrize("address", ["nosuch://bucket/calls", "memory2://x"])
def test_unknown_kinds_of_addresses_are_an_error(address: str) -> None:
    with pytest.raises(EmoliveError, match="cannot be opened"):
        find([address])


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.wav"
    Path(os.fsdecode(path)).write_bytes(b"")
    listing = find([str(tmp_path)]).listing
    assert os.fsencode(listing[0].path) == path
    assert next(rows(listing.table)).file.endswith("\\udcff.wav")


def test_what_changed_has_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"1")
    before = next(rows(find([str(path)]).listing.table))
    assert next(rows(find([str(path)]).listing.table)).digest("x") == before.digest("x")
    assert before.digest("x") != before.digest("y")
    os.utime(path, ns=(1, 1))
    assert next(rows(find([str(path)]).listing.table)).digest("x") != before.digest("x")


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 7), st.integers(1, 60))
def test_blocks_hold_every_file_once_in_order(sizes: list[int], files: int, size: int) -> None:
    listing = Listing(_table(Listed(str(n).encode(), True, s, "") for n, s in enumerate(sizes)))
    blocks = [list(rows(block)) for block in in_blocks(listing, files, size)]
    assert [row.size for block in blocks for row in block] == sizes
    for block in blocks:
        assert 1 <= len(block) <= files
        assert len(block) == 1 or sum(row.size for row in block) <= size
