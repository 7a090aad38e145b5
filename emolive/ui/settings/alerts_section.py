"""Settings of alerts: a file of rules, checked when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from emolive.alerts.dispatch import unusable_ways
from emolive.alerts.rule_file import example, exposed_secrets, load_rules
from emolive.i18n import ntr, tr
from emolive.settings import Settings
from emolive.ui.background import Background
from emolive.ui.controls import Notice
from emolive.ui.preferences import Preferences
from emolive.ui.settings.example_file import ExampleButton, write_example
from emolive.ui.settings.form import PathField, Section


class AlertsSection(Section):
    """Which rules are watched for while the live page runs."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(tr("Alerts"), parent)
        self._preferences = preferences
        self._checked: Path | None = None
        self._work = Background("rules", self)
        self.file = PathField(tr("no rules"), self)
        self.file.clear.setText(tr("None"))
        self.file.choose.connect(self._choose)
        self.file.reset.connect(lambda: preferences.change("alerts", rules_file=None))
        about = tr("Rules in a TOML file say when you are told. They hold from the next start on.")
        self.row(tr("Rules"), about, self.file)
        title = tr("Write an example of rules")
        self.example = ExampleButton(title, "rules.toml", self._write_example, self)
        about = tr("A file with every kind of rule, explained, to begin with.")
        self.row(tr("Begin with an example"), about, self.example)
        self.said = Notice(self, "caption")
        self.add(self.said)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set, and whether it can be used."""
        path = settings.alerts.rules_file
        self.file.show_path(path)
        if path == self._checked:
            return
        self._checked = path
        self.said.setVisible(path is not None)
        if path is not None:
            self.said.setText(tr("Reading the rules…"))
            self._ask(lambda: _rules_text(path))

    def end(self, timeout: float) -> None:
        """End the thread that reads rules."""
        self._work.close(timeout)

    def _ask(self, work: Callable[[], str]) -> None:
        self._work.ask(work, self.said.setText, self.said.setText, key="rules")

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, tr("Choose rules"), "", "TOML (*.toml)")
        if chosen:
            self._checked = None
            self._preferences.change("alerts", rules_file=Path(chosen))
            self.show_settings(self._preferences.effective)

    def _write_example(self, path: Path) -> None:
        self.said.show()
        self._ask(lambda: _write(path))


def _rules_text(path: Path) -> str:
    rules = load_rules(path)
    watched = ntr(
        "{count} rule is watched for.", "{count} rules are watched for.", len(rules.enabled)
    )
    return " ".join([watched, *unusable_ways(rules), *exposed_secrets(rules, path)])


def _write(path: Path) -> str:
    write_example(path, example())
    return tr("Written: {path}. Change it in a text editor, then choose it above.", path=path)
