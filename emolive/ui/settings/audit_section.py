"""What is decided about agents' emotions, and who did what: the policy and the audit log."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from emolive import toml_files
from emolive.consent.policy import FILE_NAME, load_policy
from emolive.errors import EmoliveError
from emolive.i18n import mark, moment_text, ntr, tr
from emolive.private_files import owner_only
from emolive.session.audit_log import AuditCheck
from emolive.session.export.atomic import replacing
from emolive.session.export.csv_file import cell
from emolive.session.library import Library
from emolive.session.records import AuditEntry
from emolive.settings_folder import settings_folder
from emolive.ui.background import Background
from emolive.ui.controls import Notice, card, label, push_button
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import fill
from emolive.ui.library_controller import LibraryController
from emolive.ui.settings.example_file import ExampleButton, write_example, written_to
from emolive.ui.settings.form import Section
from emolive.ui.text_table import TextTable
from emolive.ui.theme import Theme

_COLUMNS = (mark("When"), mark("Who"), mark("What"), mark("Details"))
# Newest first; all of them go into the file.
_SHOWN = 2_000
_ACTIONS = {
    "agent_emotion.granted": mark("agent's emotions permitted"),
    "agent_emotion.declined": mark("agent's emotions declined"),
    "call.listened_in": mark("listened in to a call"),
    "delete": mark("session deleted"),
    "settings": mark("library settings changed"),
    "exported": mark("session exported"),
    "recover": mark("recording recovered"),
}


class AuditSection(Section):
    """The policy in a sentence, and a button for the log."""

    def __init__(
        self, controller: LibraryController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Policy and audit log"), parent)
        self._controller = controller
        self._theme = theme
        self.policy = label("", self, wrap=True)
        self.add(self.policy)
        title = tr("Write an example of a policy")
        self.example = ExampleButton(title, "policy-example.toml", self._write_example, self)
        about = tr("A policy file, explained, to begin with.")
        self.row(tr("Begin with an example"), about, self.example)
        self.said = Notice(self, "caption")
        self.add(self.said)
        about = tr("Who permitted what, listened in, or deleted, and when; it is only appended to.")
        text = tr("Show the audit log…")
        self.open = self.button(text, self.show_log, tr("Audit log"), about)
        controller.opened.connect(lambda library: self.open.setEnabled(library is not None))
        self.open.setEnabled(controller.library is not None)
        self.look()

    def look(self) -> None:
        """Read the policy."""
        self.policy.setText(policy_text())

    def _write_example(self, path: Path) -> None:
        self.said.show()
        try:
            write_example(path, toml_files.example("emolive.consent"))
        except EmoliveError as error:
            self.said.setText(str(error))
            return
        policy = settings_folder() / FILE_NAME
        text = tr(
            "Written: {path}. Change it in a text editor; it holds as {policy}.",
            path=path,
            policy=policy,
        )
        self.said.setText(text)
        self.look()

    def show_log(self) -> AuditDialog | None:
        """Open the log."""
        if (library := self._controller.library) is None:
            return None
        return AuditDialog(self._theme, library, self.window()).ask()


def policy_text() -> str:
    """What is decided about agents' emotions, in a sentence."""
    try:
        policy = load_policy(None, settings_folder())
    except EmoliveError as error:
        return str(error)
    path = settings_folder() / FILE_NAME
    if policy is None:
        return tr(
            "Agents' emotions are off unless a person confirms them for one call. A policy file "
            "decides for all: {path}.",
            path=path,
        )
    agent = policy.policy.agent_emotion
    if policy.permits and agent is not None:
        return tr(
            "Agents' emotions are on in every call: {responsible} answers for it ({basis}). "
            "Policy: {path}.",
            responsible=agent.responsible,
            basis=agent.basis,
            path=policy.path,
        )
    if policy.forbids:
        return tr("Agents' emotions are off in every call, by the policy {path}.", path=policy.path)
    return tr(
        "The policy {path} leaves agents' emotions to each call; they are off unless confirmed.",
        path=policy.path,
    )


class AuditDialog(Dialog):
    """The log, newest first, whether it was changed from outside, and a copy as a file."""

    def __init__(self, theme: Theme, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Audit log"), "", parent, 860)
        self._library = library
        self._entries: list[AuditEntry] = []
        self._work = Background("audit", self)
        columns = [tr(column) for column in _COLUMNS]
        self.table = TextTable(columns, tr("Audit log"), wide=(3,), height=360, parent=self)
        self.check = label(tr("Reading the audit log…"), self, "muted", wrap=True)
        self.check.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        fill(self.body, card(self, self.table, margins=(8, 4, 8, 8)), self.check)
        self.save = push_button(tr("Save as CSV…"), self, self._on_save)
        self.save.setEnabled(False)
        self.leave = push_button(tr("Close"), self, self.reject, kind="primary")
        fill(self.buttons, self.save, self.leave)
        self.finished.connect(lambda: self._work.close(0.0))
        self._work.ask(
            lambda: (library.audit_log(), library.check_audit_log()), self._show, self._fail
        )

    def write(self, path: Path) -> None:
        """Save the whole log, oldest first."""
        entries = tuple(self._entries)
        self._work.ask(
            lambda: write_csv(entries, path),
            lambda _: self.check.setText(tr("Saved: {path}", path=path)),
            self.show_problem,
        )

    def _show(self, found: tuple[list[AuditEntry], AuditCheck]) -> None:
        self._entries, check = found
        shown = self._entries[-_SHOWN:][::-1]
        self.table.show_lines([_cells(entry) for entry in shown])
        self.save.setEnabled(bool(self._entries))
        if check.problem is not None:
            self.show_problem(tr("The audit log was changed: {problem}.", problem=check.problem))
            self.check.setText("")
        elif not check.entries:
            self.check.setText(tr("Nothing yet."))
        else:
            text = ntr("{count} entry", "{count} entries", check.entries)
            self.check.setText(
                tr(
                    "{entries}, none changed or removed. Fingerprint: {fingerprint}",
                    entries=text,
                    fingerprint=check.fingerprint,
                )
            )
        self.fit()

    def _fail(self, text: str) -> None:
        self.check.setText("")
        self.show_problem(text)

    def _on_save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, tr("Save the audit log"), "audit-log.csv", "CSV (*.csv)"
        )
        if chosen:
            self.write(Path(chosen))


def _cells(entry: AuditEntry) -> tuple[str, str, str, str]:
    action = _ACTIONS.get(entry.action)
    details = ", ".join(f"{key}: {value}" for key, value in entry.details.items())
    when = moment_text(entry.at.astimezone(), seconds=True)
    return when, entry.actor, tr(action) if action else entry.action, details


def write_csv(entries: Sequence[AuditEntry], path: Path) -> None:
    """The log as a table, oldest first; the actions as they are stored.

    Raises:
        EmoliveError: it cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("at", "actor", "action", "details"))
    for entry in entries:
        details = "; ".join(f"{key}={value}" for key, value in entry.details.items())
        row = (entry.at.isoformat(), entry.actor, entry.action, details)
        table.writerow([cell(value) for value in row])
    with (
        written_to(path),
        replacing(path) as partial,
        open(partial, "w", encoding="utf-8", newline="", opener=owner_only) as file,
    ):
        file.write(text.getvalue())
