from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from emolive import i18n
from emolive.errors import SessionError
from emolive.session import schema
from emolive.session.database import DATABASE_FILE, Database, library_folder
from emolive.session.export.json_document import timeline_dict
from emolive.session.folders import recorded_elsewhere, session_folder
from emolive.session.library import Library
from emolive.session.library_settings import LibrarySettings
from emolive.session.records import AlertRecord, Annotation, Note, SessionState, StreamInfo
from emolive.session.timeline import Timeline
from emolive.types import Band, Role, SpeechState
from tests.session.filled import (
    GAP,
    LABELS,
    RATE,
    activity,
    fill,
    new_session,
    segment,
    window,
    write_audio,
)


def test_everything_that_is_written_is_read_back(library: Library) -> None:
    at = datetime(2025, 1, 31, 15, 45, 0, 123456, tzinfo=UTC)
    writer = library.create(replace(new_session("Größe 1", at), tags=("vip", "a", "vip")))
    windows = [
        window("customer", 3 * RATE, "angry", 0.8),
        replace(window("agent", 3 * RATE, None), state=SpeechState.NOT_INFERRED),
        window("customer", 4 * RATE, None),
    ]
    segments = [segment("agent", 0, 4, "silence"), segment("customer", 0, 3.25, "angry")]
    heard = activity(512, [True, False, True])
    alert = AlertRecord("loud", 9_000, "It is loud.", "critical", None, "customer", {"db": -3.5})
    mark = Annotation("m1", 10, 20, "sad", "well", "customer", "me")
    writer.add_windows(windows)
    writer.add_segments(segments)
    writer.add_activity("customer", heard)
    writer.add_gap(GAP)
    writer.add_alert(alert)
    writer.end_alert("loud", "customer", 9_000, 12_000)
    writer.add_note(Note("first", 5))
    writer.add_annotations([mark])
    writer.set_bands({"agent": Band.NARROW})
    write_audio(writer, 4)
    info = writer.finish(4 * RATE)

    found = library.get(info.id)
    assert found == replace(
        info, streams=(replace(info.streams[0], band=Band.NARROW), info.streams[1])
    )
    assert (found.title, found.started_at, found.duration_s) == ("Größe 1", at, 4.0)
    assert (found.state, found.recovered, found.tags) == (
        SessionState.COMPLETE,
        False,
        ("a", "vip"),
    )
    assert [(s.name, s.role, s.emotion) for s in found.streams] == [
        ("agent", Role.AGENT, False),
        ("customer", Role.CUSTOMER, True),
    ]
    read = library.windows(info.id)
    assert [(w.stream, w.start_sample, w.end_sample, w.state, w.label) for w in read] == [
        ("agent", 0, 3 * RATE, "not_inferred", None),
        ("customer", 0, 3 * RATE, "speech", "angry"),
        ("customer", RATE, 4 * RATE, "silence", None),
    ]
    assert windows[0].probabilities is not None
    assert read[1].probabilities is not None
    np.testing.assert_array_equal(read[1].probabilities, windows[0].probabilities)
    assert read[0].probabilities is None
    assert [w.stream for w in library.windows(info.id, "agent")] == ["agent"]
    assert library.segments(info.id) == segments
    assert library.segments(info.id, "customer") == segments[1:]
    (back,) = library.activity(info.id, "customer")
    assert (back.start_sample, back.end_sample) == (512, 512 + 3 * 512)
    np.testing.assert_array_equal(back.speech, heard.speech)
    np.testing.assert_allclose(back.level_dbfs, heard.level_dbfs, atol=0.03)
    assert library.activity(info.id, "agent") == []
    assert library.gaps(info.id) == [GAP]
    assert library.alerts(info.id) == [replace(alert, end_sample=12_000)]
    assert library.annotations(info.id) == [mark]
    (note,) = library.notes(info.id)
    assert (note.text, note.at_sample) == ("first", 5)
    for stream in ("agent", "customer"):
        path = library.audio_path(info.id, stream)
        assert path is not None
        assert path.parent == session_folder(library.folder, info.id)
    assert library.audio_path(info.id, "nobody") is None
    assert library.labels() == sorted(LABELS)


def test_a_session_that_is_being_recorded_shows_what_is_committed(library: Library) -> None:
    writer = library.create(new_session(), audio=False)
    writer.add_segments([segment("agent", 0, 1, "sad")])
    assert library.segments(writer.info.id) == []
    writer.commit(RATE)
    info = library.get("last")
    assert info.state is SessionState.RECORDING
    assert (info.duration_s, info.has_audio) == (1.0, False)
    assert len(library.segments(info.id)) == 1
    with pytest.raises(SessionError, match="stop the recording first"):
        library.delete(info.id)
    assert library.get(info.id).state is SessionState.RECORDING
    with Library.open(library.folder) as other:  # as another process would
        assert other.recovered == ()
        assert other.get(info.id).state is SessionState.RECORDING
    assert writer.finish(2 * RATE).duration_s == 2.0
    assert not recorded_elsewhere(session_folder(library.folder, info.id))
    with pytest.raises(RuntimeError, match="finished"):
        writer.add_gap(GAP)
    with pytest.raises(RuntimeError, match="finished"):
        writer.finish(0)


def test_a_discarded_session_leaves_nothing(library: Library) -> None:
    writer = library.create(new_session())
    write_audio(writer, 1)
    folder = writer.folder
    writer.discard()
    assert library.sessions() == []
    assert not folder.exists()


def test_sessions_are_found_by_id_beginning_or_last(library: Library) -> None:
    with pytest.raises(SessionError, match="no session yet"):
        library.get("last")
    ids = [
        library.create(replace(new_session(), id=name), audio=False).finish(RATE).id
        for name in ("ab1", "ab2", "abc", "abc1")
    ]
    assert library.get("ab1").id == "ab1"
    assert library.get("abc").id == "abc"  # exact, although another begins so
    assert library.get("last").id == ids[-1]
    for wrong, message in (("x", "There is no session 'x'"), ("", "no session"), ("ab", "4 sess")):
        with pytest.raises(SessionError, match=message):
            library.get(wrong)
    assert [info.id for info in library.sessions()] == ids[::-1]


def test_ids_are_safe_as_folder_names(library: Library) -> None:
    for wrong in ("../x", "a/b", "", ".", "a" * 65, "-a", "a b"):
        with pytest.raises(SessionError, match="cannot be the id"):
            library.create(replace(new_session(), id=wrong or " "))
    streams = tuple(StreamInfo(name, 8_000) for name in ("../../x", "a/b:c", "", "…"))
    writer = library.create(new_session(streams=streams))
    paths = [writer.audio_path(stream.name) for stream in streams]
    assert len({path.name for path in paths if path}) == 4
    assert all(path is not None and path.parent == writer.folder for path in paths)
    writer.discard()
    library.create(replace(new_session(), id="twice"), audio=False).finish(1)
    with pytest.raises(SessionError, match="There is a session twice already"):
        library.create(replace(new_session(), id="twice"))


def test_names_tags_and_notes_change(library: Library) -> None:
    info = fill(library, "old")
    library.rename(info.id, "new")
    library.add_tag(info.id, " complaint ")
    library.add_tag(info.id, "complaint")
    library.add_tag(info.id, "vip")
    library.remove_tag(info.id, "vip")
    first = library.add_note(info.id, "one", 5)
    second = library.add_note(info.id, " two ")
    library.delete_note(info.id, first.id)
    assert library.get(info.id).title == "new"
    assert library.get(info.id).tags == ("complaint",)
    assert library.tags() == ["complaint"]
    assert library.notes(info.id) == [second]
    with pytest.raises(SessionError, match="empty"):
        library.add_tag(info.id, "  ")
    with pytest.raises(SessionError, match="empty"):
        library.add_note(info.id, "\n")
    with pytest.raises(SessionError, match="There is no session"):
        library.rename("nobody", "x")


def test_what_is_shown_in_lists_is_summed_up(library: Library) -> None:
    one = fill(
        library,
        segments=[
            segment("agent", 0, 30, "not_inferred"),
            segment("customer", 0, 10, "silence"),
            segment("customer", 10, 16, "happy"),
            segment("customer", 16, 30, "uncertain"),
        ],
    )
    two = fill(library, segments=[segment("customer", 0, 30, "silence")])
    fill(library)
    assert library.label_samples()[one.id]["happy"] == 6 * RATE
    assert library.dominant() == {one.id: "happy", two.id: None}
    assert library.label_samples(two.id) == {two.id: {"silence": 30 * RATE}}


def test_the_summary_of_a_session(library: Library) -> None:
    writer = library.create(new_session(), audio=False)
    writer.add_windows(
        [
            window("customer", 3 * RATE, "happy", 0.6),
            window("customer", 4 * RATE, "happy", 0.9),
            window("customer", 5 * RATE, "sad", 0.5),
            window("customer", 6 * RATE, None),
        ]
    )
    writer.add_segments(
        [
            segment("customer", 0, 4, "happy"),
            segment("customer", 4, 5, "uncertain"),
            segment("customer", 5, 6, "happy"),
            segment("customer", 6, 7, "sad"),
            segment("customer", 7, 8, "silence"),
            segment("customer", 8, 9, "happy"),
            segment("customer", 9, 10, "sad"),
        ]
    )
    info = writer.finish(10 * RATE)
    summary = library.summary(info.id)
    agent, customer = summary.streams
    assert summary.dominant == customer.dominant == "happy"
    assert (agent.dominant, agent.samples, agent.peaks) == (None, {}, ())
    assert customer.samples == {
        "happy": 6 * RATE, "sad": 2 * RATE, "uncertain": RATE, "silence": RATE,
    }  # fmt: skip
    assert next(iter(customer.samples)) == "happy"
    assert customer.transitions == (("happy", "sad", 2), ("sad", "happy", 1))
    assert [(p.label, p.at_sample) for p in customer.peaks] == [
        ("happy", round(2.5 * RATE)),
        ("sad", round(3.5 * RATE)),
    ]
    assert customer.peaks[0].probability == pytest.approx(0.9)


def test_the_audit_log_only_grows(library: Library) -> None:
    library.audit("agent_emotion.granted", {"by": "me"}, actor="boss")
    (entry,) = library.audit_log()
    assert (entry.actor, entry.action, entry.details) == (
        "boss", "agent_emotion.granted", {"by": "me"},
    )  # fmt: skip
    assert abs(entry.at - datetime.now(UTC)) < timedelta(minutes=1)
    for change in ("DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"):
        with (
            pytest.raises(sqlite3.IntegrityError, match="only appended"),
            library.database.writing() as connection,
        ):
            connection.execute(change)
    assert library.audit_log() == [entry]


def test_consent_is_asked_once_and_again_for_another_text(library: Library) -> None:
    assert library.settings().consent_due
    library.confirm_consent()
    assert not library.settings().consent_due
    with Library.open(library.folder) as again:
        assert not again.settings().consent_due
        again.change_settings(expire_after_days=30)
        assert not again.settings().consent_due
        again.change_settings(consent_text="Ask them.")
        assert again.settings().consent_due
        changed = again.change_settings(consent_text=" ")
        assert changed == again.settings()
        assert not changed.consent_due
        assert changed.expire_after_days == 30, "what was not named stays"
    assert [entry.action for entry in library.audit_log()] == ["settings"] * 4


# Files and folders.


def test_the_folder_is_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOLIVE_LIBRARY", raising=False)
    assert "emolive" in library_folder().name.casefold()
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(tmp_path / "env"))
    assert library_folder() == tmp_path / "env"
    assert library_folder(tmp_path) == tmp_path


def test_a_new_database_is_safe_and_shared(library: Library) -> None:
    with library.database.reading() as connection:
        asked = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "foreign_keys", "secure_delete", "user_version")
        }
    assert asked == {
        "journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1,
        "user_version": schema.VERSION,
    }  # fmt: skip


def test_migrations_take_each_missing_step_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(folder) as library:
        fill(library, "kept")
    more = (
        "ALTER TABLE sessions ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
        "UPDATE sessions SET colour = 'green';",
        "CREATE TABLE extra (id INTEGER PRIMARY KEY);",
    )
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, *more))
    for _ in range(2):
        with Library.open(folder) as library, library.database.reading() as connection:
            assert connection.execute("SELECT colour FROM sessions").fetchall() == [("green",)]
            assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION + 2,)
    monkeypatch.undo()
    with pytest.raises(SessionError, match="written by a newer emolive"):
        Library.open(folder)


def test_a_migration_that_fails_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(folder) as library:
        fill(library, "kept")
    broken = "CREATE TABLE extra (id INTEGER); SELECT * FROM nowhere;"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(SessionError, match="nowhere"):
        Library.open(folder)
    monkeypatch.undo()
    with Library.open(folder) as library, library.database.reading() as connection:
        assert [info.title for info in library.sessions()] == ["kept"]
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert ("extra",) not in tables


def test_statements_of_a_script_are_told_apart() -> None:
    script = "CREATE TABLE a (b); INSERT INTO a VALUES (';');\nCREATE TRIGGER t AFTER DELETE ON a\n"
    script += "BEGIN SELECT 1; SELECT 2; END;"
    assert len(schema.statements(script)) == 3
    with pytest.raises(ValueError, match="breaks off"):
        schema.statements("CREATE TABLE a (b)")


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_another_file_in_its_place_is_one_sentence(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / DATABASE_FILE).write_bytes(content)
    with pytest.raises(SessionError, match=r"not a library|damaged|cannot be used"):
        Library.open(folder)
    assert (folder / DATABASE_FILE).read_bytes() == content


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot be made"):
        Library.open(tmp_path / "file" / "library")


def test_a_lock_held_by_another_program_is_one_sentence(library: Library) -> None:
    with Database(library.folder / DATABASE_FILE).writing():
        other = Database(library.folder / DATABASE_FILE, busy_s=0.05)
        with pytest.raises(SessionError, match="Another program holds"), other.writing():
            pass
        other.close()


def test_a_transaction_is_whole_or_nothing(library: Library) -> None:
    info = fill(library, "before")
    with pytest.raises(KeyError), library.database.writing() as connection:
        _retitle(connection, fail=True)
    assert library.get(info.id).title == "before"
    with (
        pytest.raises(RuntimeError, match="within"),
        library.database.writing(),
        library.database.writing(),
    ):
        pass
    with library.database.writing() as connection:
        _retitle(connection)
        assert library.get(info.id).title == "after"  # reading joins the transaction
    assert library.get(info.id).title == "after"


def _retitle(connection: sqlite3.Connection, *, fail: bool = False) -> None:
    connection.execute("UPDATE sessions SET title = 'after'")
    if fail:
        raise KeyError


def test_settings_that_cannot_be_are_not_stored_and_stop_nothing(
    library: Library, folder: Path
) -> None:
    wrong = library.settings().model_copy(update={"expire_after_days": 10**20})
    with pytest.raises(ValidationError):
        library.change_settings(expire_after_days=10**20)
    # As an earlier version stored them.
    with library.database.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO settings VALUES ('library', ?)", (wrong.model_dump_json(),)
        )
    with Library.open(folder) as again:
        assert again.problems == ()
        assert again.settings() == LibrarySettings()


def test_texts_that_no_export_could_hold_are_refused(library: Library) -> None:
    info = fill(library, "one")
    for change in (
        lambda: library.add_tag(info.id, "x" * 1_001),
        lambda: library.rename(info.id, "x" * 100_001),
        lambda: library.add_note(info.id, "x" * 100_001),
        lambda: library.create(new_session("x" * 100_001)),
    ):
        with pytest.raises(SessionError, match="Too long"):
            change()
    library.add_tag(info.id, "x" * 1_000)


def test_text_that_utf8_cannot_hold(library: Library) -> None:
    latin = "K\udcf6ln"  # as file names in another encoding are read
    session = library.create(replace(new_session(latin), source=latin)).finish(0)
    assert library.get(session.id).title == library.get(session.id).source == "K\\udcf6ln"
    for change in (
        lambda: library.add_tag(session.id, latin),
        lambda: library.rename(session.id, latin),
        lambda: library.get(latin),
    ):
        with pytest.raises(SessionError, match="is not valid text"):
            change()


def test_an_alert_is_read_in_the_language_of_who_reads_it(library: Library) -> None:
    """What it says is stored beside how it was said; of one without that, the text is left."""

    def message(seconds: float) -> str:
        silent = i18n.tr("nobody has spoken for {silent} s.", silent=i18n.decimal(seconds, 1))
        return i18n.tr("{rule}: {what}", rule="Mein Alarm", what=silent)

    said = {"said": i18n.parts_of(message(4.5)), "silence_s": 4.5}
    writer = library.create(new_session("old"))
    writer.add_alert(AlertRecord("a", 1, message(4.5), details=said))
    writer.add_alert(AlertRecord("b", 2, "b: as it was said."))
    writer.add_alert(AlertRecord("c", 3, "c: as is.", details={"said": ["tr", "{a.b}", {}]}))
    session = writer.finish(RATE).id
    try:
        i18n.use_language("de")
        read = [one.message for one in library.alerts(session)]
        timeline = Timeline.of_session(library, session)
        document = timeline_dict(timeline)
    finally:
        i18n.use_language("en")
    german = "Mein Alarm: seit 4,5 s spricht niemand."
    assert read == [german, "b: as it was said.", "c: as is."]
    assert [one["message"] for one in document["alerts"]][:1] == [message(4.5)], "for programs"
