"""The policy in a sentence, and the audit log as a table that says whether it was changed."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from emolive import toml_files
from emolive.consent.permission import STATEMENT, grant_confirmed
from emolive.consent.policy import FILE_NAME
from emolive.session.library import Library
from emolive.settings_folder import settings_folder
from emolive.ui.library_controller import LibraryController
from emolive.ui.settings.audit_section import AuditDialog, AuditSection, policy_text
from emolive.ui.theme import DARK


def test_the_log_is_shown_checked_and_saved(qtbot: QtBot, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        grant_confirmed(library, "Line 7")
        library.audit("call.listened_in", {"call": "Line 7"})
        dialog = AuditDialog(DARK, library)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.table.rowCount() == 2, timeout=10_000)
        texts = [dialog.table.item(row, 2).text() for row in range(2)]
        assert texts == ["listened in to a call", "agent's emotions permitted"]
        assert "Line 7" in dialog.table.item(0, 3).text()
        assert "2 entries, none changed" in dialog.check.text()
        dialog.write(tmp_path / "log.csv")
        qtbot.waitUntil(lambda: "Saved" in dialog.check.text(), timeout=10_000)
        with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["action"] for row in rows] == ["agent_emotion.granted", "call.listened_in"]
        dialog.close()


def test_a_log_that_was_changed_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        library.audit("call.listened_in", {"call": "Line 7"})
        library.audit("call.listened_in", {"call": "Line 8"})
        path = library.database.path
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute("UPDATE audit SET actor = 'somebody else' WHERE id = 1")
    connection.commit()
    connection.close()
    with Library.open(tmp_path / "library") as library:
        dialog = AuditDialog(DARK, library)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: "was changed" in dialog.problem.text(), timeout=10_000)
        dialog.close()


def test_an_example_of_a_policy_is_written_in_the_app(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = AuditSection(LibraryController(), DARK)
    qtbot.addWidget(section)
    chosen = tmp_path / "own.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    section.example.click()
    assert chosen.read_text(encoding="utf-8") == toml_files.example("emolive.consent")
    assert str(settings_folder() / FILE_NAME) in section.said.text()
    chosen = tmp_path / "nowhere" / "own.toml"
    section.example.click()
    assert "choose another place" in section.said.text()
    assert "`" not in section.policy.text()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "unless a person confirms"),
        ("version = 1\n[agent_emotion]\ninfer = false\n", "off in every call"),
        (
            f"version = 1\n[agent_emotion]\ninfer = true\nstatement = {STATEMENT.version}\n"
            'responsible = "Jane Doe"\nbasis = "Safety of dispatchers"\n',
            "Jane Doe answers for it",
        ),
        ("version = 1\n", "leaves agents' emotions to each call"),
        ("version = 3\n", "version"),
    ],
)
def test_the_policy_is_told(content: str | None, expected: str) -> None:
    if content is not None:
        settings_folder().mkdir(parents=True, exist_ok=True)
        (settings_folder() / "policy.toml").write_text(content)
    assert expected in policy_text()
