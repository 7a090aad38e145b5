"""Libraries on a disk that is full, and on one that cannot be written: real file systems."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import soundfile as sf
from typer.testing import CliRunner

from emolive.cli.main import app
from emolive.errors import SessionError
from emolive.session import schema
from emolive.session.bundle import export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.database import DATABASE_FILE, DiskFullError
from emolive.session.export import FORMATS
from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.timeline import Timeline
from tests.session.filled import RATE, new_session, segment, window
from tests.session.runs import exact

NATIVE = 8_000
SIZE = 4_000_000
WORD = "unforgettable"


class Disk:
    """A small file system of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.library = place / "library"

    def fill(self) -> None:
        name = f"ballast-{len(list(self.place.iterdir()))}"
        with suppress(OSError), (self.place / name).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", self.place], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    made = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place],
        capture_output=True,
        check=False,
    )
    if not made or made.returncode:
        pytest.skip("no file system can be mounted here: needs Linux and root")
    yield Disk(place)
    subprocess.run(["umount", "--lazy", place], check=True)


def record(folder: Path, title: str, *, audio: bool = True) -> str:
    with Library.open(folder) as library:
        writer = library.create(new_session(title), audio=audio)
        for stream in ("agent", "customer"):
            if (path := writer.audio_path(stream)) is not None:
                flac = FlacWriter(path, NATIVE)
                flac.write(exact(10 * NATIVE))
                flac.close()
            writer.add_windows([window(stream, end * RATE, "sad") for end in range(3, 300)])
            writer.add_segments([segment(stream, 0, 10, "sad")])
        return writer.finish(10 * RATE).id


def check_readable(library: Library, session: str, out: Path) -> None:
    assert session in [info.id for info in library.sessions()]
    assert len(library.windows(session)) == 2 * 297
    timeline = Timeline.of_session(library, session)
    for name in ("json", "csv", "html", "eaf"):
        FORMATS[name].write(timeline, out / f"{session}.{name}")
    export_bundle(library, session, out / f"{session}.zip")
    path = library.audio_path(session, "agent")
    if path is not None:
        assert len(sf.read(path)[0]) == 10 * NATIVE


@pytest.mark.parametrize("log_left", [False, True])
def test_a_full_disk_is_read_and_deleted_from(disk: Disk, tmp_path: Path, log_left: bool) -> None:
    kept = record(disk.library, "kept")
    plain = record(disk.library, WORD, audio=False)
    loud = record(disk.library, WORD)
    if log_left:
        leave_a_log(disk.library, loud)
    disk.fill()
    with Library.open(disk.library) as library:
        for session in (kept, plain, loud):
            check_readable(library, session, tmp_path)
        with pytest.raises(DiskFullError, match="free some space"):
            library.add_note(kept, "no room for this" * 5_000)
    sessions = [loud, plain] if log_left else [plain, loud]
    for session in sessions:
        disk.fill()
        with Library.open(disk.library) as library:
            library.delete(session)
            assert session not in [info.id for info in library.sessions()]
    for path in disk.library.rglob("*"):
        assert path.is_dir() or WORD.encode() not in path.read_bytes()
    disk.fill()
    with Library.open(disk.library) as library:
        check_readable(library, kept, tmp_path)
        assert [entry.action for entry in library.audit_log()] == ["delete", "delete"]


def make_earlier(folder: Path) -> None:
    """As a library that a version 1 of the tables holds."""
    path = folder / DATABASE_FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (trigger,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'audit_keeps_content'"
        ).fetchone()
        for statement in (
            "DROP TABLE traces",
            "ALTER TABLE annotations DROP COLUMN tier",
            "DROP TABLE baselines",
            "ALTER TABLE windows DROP COLUMN raw_probabilities",
            "ALTER TABLE windows DROP COLUMN familiarity",
            "ALTER TABLE windows DROP COLUMN shift",
            "DROP TRIGGER audit_keeps_content",
            "ALTER TABLE audit DROP COLUMN digest",
            trigger,
            "PRAGMA user_version = 1",
            "VACUUM",
        ):
            connection.execute(statement)


def version(folder: Path) -> int:
    """Of its tables, from the file's header: SQLite cannot open it on a full disk."""
    return int.from_bytes((folder / DATABASE_FILE).read_bytes()[60:64], "big")


def test_a_library_of_an_earlier_version_on_a_full_disk(disk: Disk, tmp_path: Path) -> None:
    kept = record(disk.library, "kept")
    plain = record(disk.library, WORD, audio=False)
    loud = record(disk.library, WORD)
    with Library.open(disk.library) as library:
        for number in range(60):
            library.audit("exported", {"session": kept, "number": number})
    make_earlier(disk.library)
    disk.fill()
    for _ in range(2):
        with Library.open(disk.library) as library:
            for session in (kept, plain, loud):
                check_readable(library, session, tmp_path)
            assert library.check_audit_log().problem is None
            with pytest.raises(DiskFullError, match="free some space"):
                library.add_tag(kept, "x")
        assert version(disk.library) == 1
    with Library.open(disk.library) as library:
        library.delete(plain)
        assert [info.id for info in library.sessions()] == [loud, kept]
    assert version(disk.library) == schema.VERSION
    disk.fill()
    with Library.open(disk.library) as library:
        check_readable(library, kept, tmp_path)
        library.delete(loud)
        assert library.check_audit_log().problem is None
        assert [entry.action for entry in library.audit_log()[-2:]] == ["delete", "delete"]
    for path in disk.library.rglob("*"):
        assert path.is_dir() or WORD.encode() not in path.read_bytes()


def leave_a_log(folder: Path, session: str) -> None:
    """As a killed program does: what it committed last is in the log alone."""
    database = folder / DATABASE_FILE
    log = folder / f"{DATABASE_FILE}-wal"
    with Library.open(folder) as library:
        library.rename(session, WORD + " renamed")
        kept = {path: path.read_bytes() for path in (database, log)}
    for path, content in kept.items():
        path.write_bytes(content)


def test_an_import_that_finds_no_room_leaves_nothing(disk: Disk, tmp_path: Path) -> None:
    session = record(tmp_path / "other", WORD)
    with Library.open(tmp_path / "other") as other:
        export_bundle(other, session, tmp_path / "a.zip")
    Library.open(disk.library).close()
    for room in (2_500, 600, 150, 0):  # kB: for all but something, for less, for nothing
        ballast = disk.place / "ballast"
        free = shutil.disk_usage(disk.place).free
        ballast.write_bytes(bytes(max(0, free - room * 1_000)))
        if room == 0:
            disk.fill()
        with Library.open(disk.library) as library:
            try:
                info = import_bundle(library, tmp_path / "a.zip")
            except SessionError:
                assert room < 2_500
                assert library.sessions() == []
            else:
                assert room == 2_500
                library.delete(info.id)
        assert list((disk.library / "sessions").iterdir()) == []
        for path in disk.library.rglob("*"):
            assert path.is_dir() or WORD.encode() not in path.read_bytes()
        for path in disk.place.glob("ballast*"):
            path.unlink()


def test_a_full_disk_is_told_once(disk: Disk, tmp_path: Path) -> None:
    session = record(disk.library, "kept", audio=False)
    with Library.open(tmp_path / "other") as other:
        for name in "ab":
            made = other.create(new_session(name), audio=False).finish(RATE)
            export_bundle(other, made.id, tmp_path / f"{name}.zip")
    with Library.open(disk.library) as library:
        library.create(new_session("cut off"), audio=False).abandon()
    disk.fill()
    for command in (
        ("tag", session, "x"),
        ("import", tmp_path / "a.zip", tmp_path / "b.zip"),
        ("list",),
    ):
        arguments = ["sessions", *map(str, command), "--library", str(disk.library)]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == (0 if command == ("list",) else 2)
        assert result.stderr.count("is full: free some space") == 1, result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("log_left", [False, True])
def test_a_read_only_disk_is_read(disk: Disk, tmp_path: Path, log_left: bool) -> None:
    session = record(disk.library, WORD)
    if log_left:
        leave_a_log(disk.library, session)
    before = {path: path.stat().st_mtime_ns for path in disk.library.rglob("*")}
    disk.remount("ro")
    with Library.open(disk.library) as library:
        assert library.problems == library.recovered == ()
        check_readable(library, session, tmp_path)
        assert library.get(session).title == (WORD + " renamed" if log_left else WORD)
        for change in (
            lambda: library.delete(session),
            lambda: library.add_tag(session, "x"),
            lambda: library.create(new_session("more")),
        ):
            with pytest.raises(SessionError, match="cannot be written"):
                change()
        assert library.audio_path(session, "agent") is not None
    done = subprocess.run(
        [sys.executable, "-m", "emolive", "sessions", "export", "last", "--format", "json",
         "--out", tmp_path / "out", "--library", disk.library],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()).exists()
    (sentence,) = done.stderr.splitlines()
    assert "audit log" in sentence
    assert {path: path.stat().st_mtime_ns for path in disk.library.rglob("*")} == before


@pytest.mark.parametrize(("version", "newer"), [(1, False), (999, True)])
def test_a_read_only_library_of_another_version(disk: Disk, version: int, newer: bool) -> None:
    disk.library.mkdir(mode=0o700)
    connection = sqlite3.connect(disk.library / DATABASE_FILE, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in schema.statements(schema.MIGRATIONS[0]):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    disk.remount("ro")
    if newer:
        with pytest.raises(SessionError, match="newer"):
            Library.open(disk.library)
    else:
        with Library.open(disk.library) as library:
            assert library.sessions() == library.audit_log() == []
