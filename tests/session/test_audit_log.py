from __future__ import annotations

import getpass
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from emolive.errors import SessionError
from emolive.session import audit_log, schema
from emolive.session.database import DATABASE_FILE
from emolive.session.library import Library

ENTRIES = 6


@pytest.fixture
def logged(folder: Path) -> Path:
    """A library's database with a few entries, closed."""
    with Library.open(folder) as library:
        for number in range(ENTRIES):
            library.audit("exported", {"session": f"s{number}"}, actor="anna")
    return folder / DATABASE_FILE


def tamper(path: Path, *statements: str) -> None:
    """What somebody with rights to the file, and knowledge of SQLite, can do."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("audit_digest", 6, audit_log.digest)
        for name in ("audit_keeps_rows", "audit_keeps_content"):
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def checked(path: Path, noted: str | None = None) -> audit_log.AuditCheck:
    with Library.open(path.parent) as library:
        return library.check_audit_log(noted)


def test_an_untouched_log_passes_and_goes_on(logged: Path) -> None:
    first = checked(logged)
    assert (first.entries, first.problem) == (ENTRIES, None)
    with Library.open(logged.parent) as library:
        library.audit("imported", {})
    second = checked(logged, first.fingerprint)
    assert (second.entries, second.problem) == (ENTRIES + 1, None)
    assert second.fingerprint != first.fingerprint


def test_an_empty_log_passes(library: Library) -> None:
    assert library.check_audit_log() == audit_log.AuditCheck(0, "", None)


@pytest.mark.parametrize("column", ["at", "actor", "action", "details", "digest"])
@pytest.mark.parametrize("number", [1, 3, ENTRIES])
def test_a_changed_entry_is_found(logged: Path, column: str, number: int) -> None:
    tamper(logged, f"UPDATE audit SET {column} = {column} || ' ' WHERE id = {number}")
    found = checked(logged)
    assert found.problem is not None
    assert found.problem.startswith(f"entry {number} of ")


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["DELETE FROM audit WHERE id = 1"], "between entry 0 and entry 2"),
        (["DELETE FROM audit WHERE id = 3"], "between entry 2 and entry 4"),
        ([f"DELETE FROM audit WHERE id > {ENTRIES - 2}"], f"after entry {ENTRIES - 2}"),
        (["DELETE FROM audit"], "after entry 0"),
        (
            ["DELETE FROM audit WHERE id = 3", "UPDATE audit SET id = id - 1 WHERE id > 3"],
            "entry 3",
        ),
        (
            ["UPDATE audit SET id = -id", f"UPDATE audit SET id = {ENTRIES + 1} + id"],
            "entry 1",
        ),
        (["UPDATE audit SET details = x'ff' WHERE id = 2"], "entry 2"),
        (
            [
                "UPDATE audit SET actor = 'nobody' WHERE id = 2",
                "UPDATE audit SET digest = audit_digest((SELECT digest FROM audit WHERE id = 1),"
                " id, at, actor, action, details) WHERE id = 2",
            ],
            "entry 3",
        ),
    ],
)
def test_what_was_removed_moved_or_signed_anew_is_found(
    logged: Path, statements: list[str], problem: str
) -> None:
    tamper(logged, *statements)
    found = checked(logged)
    assert found.problem is not None
    assert problem in found.problem


def test_a_log_that_was_made_anew_does_not_hold_a_fingerprint_noted_before(logged: Path) -> None:
    noted = checked(logged).fingerprint
    _, change = schema.statements(schema.MIGRATIONS[1])[1:3]
    tamper(logged, "UPDATE audit SET actor = 'nobody' WHERE id = 2", change)
    assert checked(logged).problem is None
    problem = checked(logged, noted).problem
    assert problem is not None
    assert noted in problem


def test_an_entry_that_cannot_be_read_is_one_sentence(logged: Path) -> None:
    tamper(logged, "UPDATE audit SET details = '{' WHERE id = 2")
    with Library.open(logged.parent) as library, pytest.raises(SessionError, match="Entry 2 of"):
        library.audit_log()


def test_entries_of_before_the_chain_are_kept_and_chained(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as old:
        for statement in schema.statements(schema.MIGRATIONS[0]):
            old.execute(statement)
        old.execute("PRAGMA user_version = 1")
        old.executemany(
            "INSERT INTO audit (at, actor, action, details) VALUES (?, 'user', ?, '{}')",
            [(f"2025-01-01T00:00:{n:02}+00:00", f"a{n}") for n in range(20)],
        )
    with Library.open(folder) as library:
        assert [entry.action for entry in library.audit_log()] == [f"a{n}" for n in range(20)]
        library.audit("exported", {})
        assert library.check_audit_log().problem is None
    tamper(folder / DATABASE_FILE, "UPDATE audit SET action = 'b' WHERE id = 7")
    assert "entry 7 of" in (checked(folder / DATABASE_FILE).problem or "")


def test_several_programs_write_one_chain(folder: Path) -> None:
    libraries = [Library.open(folder) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            list(pool.map(lambda one: one.audit("exported", {}), libraries))
    found = libraries[0].check_audit_log()
    for library in libraries:
        library.close()
    assert (found.entries, found.problem) == (40, None)


@pytest.mark.skipif(os.name != "posix", reason="the password database of POSIX")
def test_who_is_the_login_and_not_what_a_variable_says(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "boss")
    assert getpass.getuser() == "boss"
    library.audit("exported", {})
    library.confirm_consent()
    assert {entry.actor for entry in library.audit_log()} == {pwd.getpwuid(os.getuid()).pw_name}
