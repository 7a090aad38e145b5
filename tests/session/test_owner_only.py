"""What a library holds belongs to its owner alone, whoever made the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from emolive.session.bundle import export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.library import Library
from tests.session.filled import RATE, new_session, segment, window, write_audio

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no permissions of this kind here")


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    """New files are readable and writable by all, unless their maker says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Files and folders, this one included, to which users besides the owner have rights."""
    everything = [folder, *folder.rglob("*")]
    assert len(everything) > 4
    return [path.name for path in everything if stat.S_IMODE(path.stat().st_mode) & 0o077]


def fill(library: Library) -> str:
    writer = library.create(new_session())
    write_audio(writer, 5.0)
    writer.add_windows([window("customer", 3 * RATE, "happy")])
    writer.add_segments([segment("customer", 0, 4, "happy")])
    assert open_to_others(library.folder) == []  # while it is recorded: lock, log, shared memory
    return writer.finish(5 * RATE).id


def test_in_a_folder_that_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    with Library.open(folder) as library:
        exported = tmp_path / "one.zip"
        export_bundle(library, fill(library), exported)
        import_bundle(library, exported, again=True)
        assert {path.name for path in folder.iterdir()} >= {"library.sqlite3-wal", "sessions"}
        assert open_to_others(folder) == []
    assert open_to_others(folder) == []


def test_a_library_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    """By an earlier version, or since it was copied."""
    folder = tmp_path / "library"
    with Library.open(folder) as library:
        fill(library)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    outside = tmp_path / "outside"
    outside.touch()
    (folder / "sessions" / "link").symlink_to(outside)
    with Library.open(folder):
        (folder / "sessions" / "link").unlink()
        assert open_to_others(folder) == []
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666


def test_a_folder_of_other_things_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "letter").touch()
    tmp_path.chmod(0o755)
    with Library.open(tmp_path) as library:
        fill_only = {"letter", tmp_path.name}
        writer = library.create(new_session())
        write_audio(writer, 1.0)
        writer.finish(RATE)
        assert set(open_to_others(tmp_path)) == fill_only
