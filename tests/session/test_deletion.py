from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emolive.errors import SessionError
from emolive.session import deletion
from emolive.session.database import DATABASE_FILE, Database
from emolive.session.folders import session_folder
from emolive.session.library import Library
from emolive.session.records import AlertRecord, Annotation, SessionState
from tests.session.filled import RATE, fill, new_session, segment, window, write_audio

SECRET = "Geheimnis-4711-the-caller-said"


def holds(folder: Path, text: str) -> list[str]:
    """The files under `folder` whose bytes contain `text`."""
    sign = text.encode()
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and sign in path.read_bytes()
    ]


def full_session(library: Library, secret: str) -> str:
    """A session that holds `secret` wherever it has room for text."""
    writer = library.create(new_session(f"title {secret}"))
    write_audio(writer, 3)
    writer.add_windows([window("customer", (3 + i) * RATE, "sad", 0.5) for i in range(20)])
    writer.add_segments([segment("customer", 0, 3, f"label {secret}")])
    writer.add_alert(AlertRecord(f"rule {secret}", 5, f"message {secret}", details={"x": secret}))
    session_id = writer.finish(3 * RATE).id
    library.add_note(session_id, f"note {secret} " + "long " * 3000)  # pages of its own
    library.add_tag(session_id, f"tag {secret}")
    library.change_annotations(
        session_id, put=[Annotation("a", 0, 5, f"label {secret}", f"comment {secret}")]
    )
    with library.database.writing() as connection:
        connection.execute(
            "INSERT INTO outbox (message_id, webhook, created_at, payload, next_try_at, state,"
            " session_id) VALUES (?, 'w', '', ?, '', 'waiting', ?)",
            (session_id, f'{{"payload": "{secret}"}}', session_id),
        )
    return session_id


def test_nothing_of_a_deleted_session_is_left_in_any_file(library: Library, folder: Path) -> None:
    kept = full_session(library, "KEPT")
    gone = full_session(library, SECRET)
    audio = session_folder(folder, gone)
    assert len(list(audio.iterdir())) == 2
    assert holds(folder, SECRET)
    library.delete(gone)
    assert holds(folder, SECRET) == []
    assert not audio.exists()
    assert [info.id for info in library.sessions()] == [kept]
    assert holds(folder, "KEPT")
    assert session_folder(folder, kept).is_dir()
    with library.database.reading() as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name not in ("audit", "settings") and not name.startswith("sqlite_")
        ]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                assert gone not in row
        assert connection.execute("SELECT count(*) FROM windows").fetchone() == (20,)
    (entry,) = library.audit_log()
    assert (entry.action, entry.details) == ("delete", {"session": gone, "reason": "asked for"})


def test_nothing_is_left_after_much_moving_about_in_the_database(
    library: Library, folder: Path
) -> None:
    """Pages that were split, merged and written anew hold no copies of what was deleted."""
    chance = random.Random(5)
    ids: dict[str, str] = {}
    for number in range(40):
        secret = f"{SECRET}-{number:03d}-"
        info = fill(library, secret)
        ids[secret] = info.id
        for _ in range(chance.randrange(1, 12)):
            other = chance.choice(list(ids))
            text = f"{other} " + "x" * chance.choice([1, 50, 300, 900, 5000])
            library.add_note(ids[other], text)
            library.add_tag(ids[other], f"{other}{chance.random()}")
        if chance.random() < 0.5:
            other = chance.choice(list(ids))
            notes = library.notes(ids[other])
            for note in notes[::2]:
                library.delete_note(ids[other], note.id)
            library.rename(ids[other], other + "y" * chance.randrange(2000))
    chance.shuffle(order := list(ids))
    for secret in order[:27]:
        library.delete(ids[secret])
        assert holds(folder, secret) == []
    for secret in order[27:]:
        assert holds(folder, secret)


def test_a_deletion_that_was_cut_off_is_finished_at_the_next_start(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = full_session(library, SECRET)

    def held(_: Path) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(deletion, "remove_folder", held)
    with pytest.raises(SessionError, match="next start of emolive removes it"):
        library.delete(gone)
    assert library.sessions() == []
    with pytest.raises(SessionError, match="There is no session"):
        library.get(gone)
    monkeypatch.undo()
    library.close()
    with Library.open(folder) as again:
        assert again.sessions() == []
        assert again.recovered == ()
        assert holds(folder, SECRET) == []
        assert not session_folder(folder, gone).exists()


def test_traces_that_a_reader_holds_are_removed_at_the_next_start(
    library: Library, folder: Path
) -> None:
    gone = full_session(library, SECRET)
    reader = Database(folder / DATABASE_FILE)
    with reader.reading() as connection:
        connection.execute("SELECT count(*) FROM notes").fetchone()
        library.database._connection.execute("PRAGMA busy_timeout = 50")
        library.delete(gone)
        assert holds(folder, SECRET)  # the reader may still look at it
    reader.close()
    with Library.open(folder):
        assert holds(folder, SECRET) == []


def test_old_sessions_expire_and_only_these(library: Library, folder: Path) -> None:
    now = datetime.now(UTC)
    ages = {
        days: fill(library, at=now - timedelta(days=days, hours=1)).id for days in (0, 6, 7, 90)
    }
    recorded = library.create(new_session(at=now - timedelta(days=400)), audio=False)
    recorded.commit(RATE)
    assert library.expire() == []
    assert sorted(library.expire(89)) == [ages[90]]
    library.change_settings(expire_after_days=7)
    with Library.open(folder) as again:
        left = {info.id: info.state for info in again.sessions()}
        assert set(left) == {ages[0], ages[6], recorded.info.id}
        assert left[recorded.info.id] is SessionState.RECORDING
        reasons = [e.details["reason"] for e in again.audit_log() if e.action == "delete"]
        assert reasons == ["older than 89 days", "older than 7 days"]
    recorded.finish(RATE)
    assert library.expire() == [recorded.info.id]


def test_sessions_can_be_deleted_from_several_threads(library: Library) -> None:
    ids = [fill(library, audio=True, seconds=0.1).id for _ in range(8)]
    threads = [threading.Thread(target=library.delete, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.sessions() == []
    assert list((library.folder / "sessions").iterdir()) == []
