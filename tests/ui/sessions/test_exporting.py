from __future__ import annotations

import csv
import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from emolive.session import export_folder
from emolive.session.export_choices import CHOICES, unavailable
from emolive.session.export_folder import (
    ExportRequest,
    StoppedByUserError,
    export_sessions,
    file_stem,
)
from emolive.session.library import Library
from emolive.ui.background import Background
from emolive.ui.messages import Message, Severity
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.theme import DARK
from tests.ui.stored_sessions import store


def test_every_format_is_written_for_every_session(library: Library, tmp_path: Path) -> None:
    sessions = [library.get(store(library, title=f"Talk {i}", audio=False)) for i in range(2)]
    names = [name for name in CHOICES if unavailable(name) is None]
    names.remove("manifest")
    told: list[tuple[int, int, str]] = []
    result = export_sessions(
        library,
        sessions,
        ExportRequest(tuple(names), tmp_path / "new" / "folder"),
        lambda *at: told.append(at),
    )
    assert result.problems == ()
    there = sorted(path for path in (tmp_path / "new" / "folder").rglob("*") if path.is_file())
    assert sorted(result.written) == there, "every file is counted, once"
    assert len(there) > 2 * len(names), "some formats write several"
    total = 2 * len(names)
    assert [done for done, _, _ in told] == list(range(total + 1))
    assert all(of == total for _, of, _ in told)


@pytest.mark.parametrize(
    ("title", "end"),
    [
        ("Talk: one/two?", "-Talk-one-two"),
        ("  ..Überraschung!  ", "-Überraschung"),
        ("", ""),
        ("???", ""),
        ("x" * 200, "-" + "x" * 60),
    ],
)
def test_file_names_are_valid_and_unique(library: Library, title: str, end: str) -> None:
    info = library.get(store(library, audio=False))
    assert file_stem(replace(info, title=title)) == info.id + end


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs folders that refuse")
def test_a_folder_that_cannot_be_written_is_one_sentence(library: Library, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    info = library.get(store(library, audio=False))
    result = export_sessions(library, [info], ExportRequest(("csv",), tmp_path))
    assert "cannot be written" in result.problems[0]


def test_one_format_that_fails_loses_nothing_else(library: Library, tmp_path: Path) -> None:
    info = library.get(store(library, audio=False))
    blocked = tmp_path / f"{file_stem(info)}.csv"
    blocked.mkdir()
    (blocked / "in the way").write_text("x")
    result = export_sessions(library, [info], ExportRequest(("csv", "json"), tmp_path))
    assert [path.suffix for path in result.written] == [".json"]
    assert len(result.problems) == 1
    assert "choose another folder" in result.problems[0]


def test_stopping_keeps_what_is_written(library: Library, tmp_path: Path) -> None:
    info = library.get(store(library, audio=False))

    def stop(done: int, total: int, text: str) -> None:  # noqa: ARG001
        if done == 1:
            raise StoppedByUserError

    with pytest.raises(StoppedByUserError):
        export_sessions(library, [info], ExportRequest(("csv", "json"), tmp_path), stop)
    assert library.audit_log()[-1].details["formats"] == ["csv"]
    assert (tmp_path / f"{file_stem(info)}.csv").exists()
    assert not (tmp_path / f"{file_stem(info)}.json").exists()


def test_the_dialog_can_be_stopped_and_tells_a_problem(
    qtbot: QtBot, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = library.get(store(library, audio=False))
    worker = Background("test export")
    gate = threading.Event()
    real = export_folder.export_sessions

    def slow(*arguments: object) -> object:
        assert gate.wait(60)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("emolive.ui.sessions.export_dialog.export_sessions", slow)
    chosen = str(tmp_path / "chosen")
    dialog = ExportDialog(DARK, library, [info], worker, choose=lambda *_: chosen)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.folder_button.click()
    assert dialog.folder.text() == chosen
    dialog.export()
    assert not dialog.export_button.isEnabled()
    dialog.reject()
    assert dialog.isVisible()
    gate.set()
    with qtbot.waitSignal(dialog.finished_writing):
        pass
    assert not Path(chosen).exists() or not list(Path(chosen).iterdir())
    assert not dialog.problem.isVisible()

    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    dialog.folder.setText(str(blocked))
    with qtbot.waitSignal(dialog.finished_writing):
        dialog.export()
    assert dialog.problem.isVisible()
    assert "cannot be written" in dialog.problem.text()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert worker.close()


def test_nothing_chosen_cannot_be_exported(qtbot: QtBot, library: Library, session: str) -> None:
    worker = Background("test export")
    dialog = ExportDialog(DARK, library, [library.get(session)], worker, formats=())
    qtbot.addWidget(dialog)
    assert not dialog.export_button.isEnabled()
    dialog.boxes["json"].setChecked(True)
    assert dialog.export_button.isEnabled()
    dialog.folder.clear()
    assert not dialog.export_button.isEnabled()
    assert worker.close()


def test_a_bundle_goes_to_another_library_and_opens_there(
    qtbot: QtBot, page: SessionsPage, library: Library, session: str, tmp_path: Path
) -> None:
    info = library.get(session)
    with Library.open(tmp_path / "elsewhere") as elsewhere:
        later = info.started_at + timedelta(days=1)
        moved = elsewhere.get(store(elsewhere, title="From far away", started_at=later))
        result = export_sessions(elsewhere, [moved], ExportRequest(("bundle",), tmp_path))
    assert result.problems == ()
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(result.written[0].read_bytes()[:1000])
    page._choose_bundles = lambda _: [result.written[0], damaged]
    page.refresh()
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 1)
    with qtbot.waitSignal(page.message, check_params_cb=_an_error) as told:
        page.list.import_button.click()
    assert "damaged.zip" in told.args[0].text
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 2)
    assert [entry.action for entry in library.audit_log()][-1] == "imported"
    # What came is chosen.
    qtbot.waitUntil(lambda: [r.info.title for r in page.list.table.chosen] == ["From far away"])
    page.list.details.open_button.click()
    qtbot.waitUntil(lambda: page.replay.session is not None)
    assert page.replay.session is not None
    assert page.replay.session.info.duration_samples == info.duration_samples
    assert page.replay.session.streams[0].audio is not None


def _an_error(message: Message | None) -> bool:
    return message is not None and message.severity is Severity.ERROR


def test_what_people_marked_becomes_a_manifest_to_train_on(
    library: Library, session: str, tmp_path: Path
) -> None:
    info = library.get(session)
    result = export_sessions(library, [info], ExportRequest(("manifest",), tmp_path))
    assert result.problems == ()
    with result.written[0].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1
    assert "happy" in rows[0].values()
    assert list((tmp_path / "training-manifest" / "audio").rglob("*.flac"))
    assert [entry.action for entry in library.audit_log()][-1] == "exported"


def test_a_session_without_marks_has_no_manifest(library: Library, tmp_path: Path) -> None:
    info = library.get(store(library, audio=False))
    result = export_sessions(library, [info], ExportRequest(("json", "manifest"), tmp_path))
    assert len(result.written) == 1
    assert len(result.problems) == 1
