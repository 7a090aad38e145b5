"""The rules of a file: add, change, delete, try on what was recorded, save."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from emolive.alerts.conditions.registry import CONDITIONS
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.rule_drafts import NO_ADDRESS, RuleDrafts, RuleError, new_rule
from emolive.alerts.rule_file import example, load_rules, parse_rules, save_rules
from emolive.alerts.rules import RuleSet
from emolive.alerts.trial import Trial, try_rules
from emolive.i18n import ntr, tr
from emolive.session.library import Library
from emolive.settings import settings_folder
from emolive.ui.background import Background
from emolive.ui.calls.rule_form import RuleForm, empty_form
from emolive.ui.calls.webhooks_dialog import WebhooksDialog
from emolive.ui.controls import MenuButton, card, label, push_button
from emolive.ui.theme import Theme

FILE_NAME = "rules.toml"


class RulesDialog(QDialog):
    """`saved` carries the path of the file that was written, or chosen as it is."""

    saved = Signal(object)

    def __init__(
        self,
        theme: Theme,
        labels: tuple[str, ...],
        path: Path | None,
        library: Library | None,
        parent: QWidget | None = None,
    ) -> None:
        """`labels` are the model's emotions, `path` the file in use (None: none)."""
        super().__init__(parent)
        self.theme = theme
        self.path = path
        self.drafts = RuleDrafts()
        self._labels = labels
        self._library = library
        self._changed = False
        self._trial: Trial | None = None
        self._cancelled = threading.Event()
        self._work = Background("rules", self)
        self.setWindowTitle(tr("Alert rules"))
        self.setModal(True)
        self.resize(880, 580)
        self._build()
        self.finished.connect(self._on_finished)
        if path is not None:
            self.open_file(path)
        else:
            self._show_all()

    # What can be done with it.

    @property
    def index(self) -> int:
        """The chosen rule, or -1."""
        return self.list.currentRow()

    def open_file(self, path: Path) -> None:
        """Show the rules of a file."""
        self._work.ask(
            lambda: load_rules(path),
            lambda rules: self._on_loaded(path, rules),
            self.show_problem,
            key="file",
        )

    def add(self, condition: type[Rule]) -> None:
        """A new rule about a condition, ready to use."""
        taken = [rule.name for rule in self.drafts.rules]
        self._take(self.drafts.with_rule(new_rule(condition, self._labels, taken)))
        self._show_all(len(self.drafts.rules) - 1)
        self.form.name.selectAll()
        self.form.name.setFocus()

    def delete(self) -> None:
        """Delete the chosen rule."""
        if (index := self.index) >= 0:
            self._take(self.drafts.without(index))
            self._show_all(min(index, len(self.drafts.rules) - 1))

    def ask_for_webhooks(self) -> WebhooksDialog:
        """Open the list of webhooks; what is changed there is saved with the rules."""
        dialog = WebhooksDialog(self.theme, self.drafts, self)
        dialog.changed.connect(self._on_webhooks)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def try_out(self) -> None:
        """Try the rules on the stored sessions."""
        library = self._library
        if library is None:
            self.show_problem(tr("The library of sessions is not open."))
            return
        rules, cancelled = self.drafts.rule_set(), self._cancelled
        self.trying.setEnabled(False)
        self.tried.setText(tr("Trying them on the stored sessions…"))
        self._work.ask(
            lambda: try_rules(library, rules, cancelled), self._on_tried, self._on_not_tried
        )

    def save(self) -> None:
        """Write the file; `saved` follows."""
        if empty := [hook.name for hook in self.drafts.webhooks if hook.url == NO_ADDRESS]:
            self.show_problem(tr("The webhook {name} has no address yet.", name=empty[0]))
            return
        path = self.path or settings_folder() / FILE_NAME
        rules = self.drafts.rule_set()
        self.begin.setEnabled(False)
        self._work.ask(lambda: _saved(rules, path), self._on_saved, self._on_not_saved, key="save")

    def show_problem(self, text: str) -> None:
        """Say what is wrong; "" hides it."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self.begin.setEnabled(not text and self._changed)

    # How it is put together.

    def _build(self) -> None:
        self.heading = label(tr("Alert rules"), self, "clock")
        self.file = label("", self, "caption")
        self.file.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.heading)
        names.addWidget(self.file)
        top = QHBoxLayout()
        top.addLayout(names, 1)
        self.webhooks = push_button("", self, self.ask_for_webhooks)
        self.webhooks.setToolTip(tr("Servers and chats that get alerts: add, change and test them"))
        top.addWidget(self.webhooks)
        top.addWidget(push_button(tr("Open a file…"), self, self._on_open))
        top.addWidget(push_button(tr("Save as…"), self, self._on_save_as))
        self.list = QListWidget(self)
        self.list.setAccessibleName(tr("Rules"))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._on_row)
        self.adding = MenuButton(f" {tr('Add a rule')}", self)
        menu = QMenu(self.adding)
        for condition in CONDITIONS:
            action = menu.addAction(tr(condition.title))
            action.triggered.connect(lambda _=False, chosen=condition: self.add(chosen))
        menu.addSeparator()
        menu.addAction(tr("Examples of every kind"), self._add_examples)
        self.adding.setMenu(menu)
        self.deleting = push_button(tr("Delete"), self, self.delete, kind="quiet")
        tools = QHBoxLayout()
        tools.addWidget(self.adding, 1)
        tools.addWidget(self.deleting)
        frame = card(self)
        inner = QVBoxLayout(frame)
        inner.setContentsMargins(4, 4, 4, 4)
        inner.addWidget(self.list)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(frame, 1)
        left.addLayout(tools)
        self.words = label("", self, "hint")
        self.words.setWordWrap(True)
        self.found = label("", self, "muted")
        self.found.setWordWrap(True)
        self.form = RuleForm(self._labels, (), self)
        self.form.edited.connect(self._on_edited)
        self.right = QStackedWidget(self)
        self.right.addWidget(empty_form(self))
        self.right.addWidget(self.form)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.words)
        right.addWidget(self.right, 1)
        right.addWidget(self.found)
        columns = QHBoxLayout()
        columns.setSpacing(16)
        columns.addLayout(left, 4)
        columns.addLayout(right, 6)
        self.problem = label("", self, "problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        tip = tr("How often would these rules have fired on what is in the library?")
        self.trying = push_button(tr("Try on stored sessions"), self, self.try_out, tip=tip)
        self.tried = label("", self, "caption")
        self.tried.setWordWrap(True)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        bottom.addWidget(self.trying)
        bottom.addWidget(self.tried, 1)
        bottom.addWidget(push_button(tr("Close"), self, self.reject))
        self.begin = push_button(tr("Save and use"), self, self.save, kind="primary")
        bottom.addWidget(self.begin)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 16)
        column.setSpacing(12)
        column.addLayout(top)
        column.addLayout(columns, 1)
        column.addWidget(self.problem)
        column.addLayout(bottom)

    def _show_all(self, row: int = 0) -> None:
        self.file.setText(str(self.path) if self.path else tr("not saved yet"))
        self.file.setToolTip(self.file.text())
        count = len(self.drafts.webhooks)
        text = ntr("{count} webhook…", "{count} webhooks…", count) if count else tr("Webhooks…")
        self.webhooks.setText(text)
        self.list.blockSignals(True)
        self.list.clear()
        for rule in self.drafts.rules:
            item = QListWidgetItem(rule.name)
            item.setSizeHint(QSize(0, 46))
            self.list.addItem(item)
        self.list.blockSignals(False)
        for index in range(len(self.drafts.rules)):
            self._show_item(index)
        if self.drafts.rules:
            self.list.setCurrentRow(max(0, row))
        self._on_row(self.index)

    def _show_item(self, index: int) -> None:
        rule = self.drafts.rules[index]
        about = tr(rule.title)
        if not rule.enabled:
            about = tr("{kind}, off", kind=about)
        elif about.casefold() == rule.name.casefold():
            about = ""  # once is enough
        self.list.item(index).setText(f"{rule.name}\n{about}".rstrip())

    def _on_row(self, row: int) -> None:
        rule = self.drafts.rules[row] if 0 <= row < len(self.drafts.rules) else None
        self.form.set_webhooks(tuple(hook.name for hook in self.drafts.webhooks))
        self.form.show_rule(rule)
        self.right.setCurrentIndex(0 if rule is None else 1)
        self.deleting.setEnabled(rule is not None)
        self.trying.setEnabled(rule is not None)
        self.show_problem("")
        self._show_words()

    def _show_words(self) -> None:
        row = self.index
        rule = self.drafts.rules[row] if 0 <= row < len(self.drafts.rules) else None
        self.words.setVisible(rule is not None)
        self.words.setText("" if rule is None else rule.in_words())
        found = self._trial.sentences.get(rule.name, "") if rule and self._trial else ""
        self.found.setText(found)
        self.found.setVisible(bool(found))

    # What follows.

    def _on_edited(self, values: dict[str, Any]) -> None:
        index = self.index
        try:
            drafts = self.drafts.changed(index, values)
        except RuleError as error:
            self.show_problem(str(error))
            return
        self._take(drafts)
        self.show_problem("")
        self._show_item(index)
        self._show_words()

    def _take(self, drafts: RuleDrafts) -> None:
        self.drafts = drafts
        self._changed = True
        self._trial = None
        self.tried.setText("")
        self.begin.setEnabled(True)

    def _on_loaded(self, path: Path, rules: RuleSet) -> None:
        other = path != self.path
        self.path = path
        self._take(RuleDrafts.of(rules))
        self._changed = other
        self._show_all()
        self.list.setFocus()

    def _on_webhooks(self, drafts: RuleDrafts) -> None:
        row = self.index
        self._take(drafts)
        self._show_all(row)

    def _add_examples(self) -> None:
        taken = {rule.name for rule in self.drafts.rules}
        for rule in parse_rules(example().encode(), tr("examples")).rules:
            if rule.name not in taken:
                self._take(self.drafts.with_rule(rule))
        self._show_all(len(self.drafts.rules) - 1)

    def _on_open(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, tr("Open rules"), "", "TOML (*.toml)")
        if chosen:
            self.open_file(Path(chosen))

    def _on_save_as(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, tr("Save rules"), FILE_NAME, "TOML (*.toml)")
        if chosen:
            self.path = Path(chosen)
            self.save()

    def _on_saved(self, path: Path) -> None:
        self._changed = False
        self.path = path
        self.saved.emit(path)
        self.accept()

    def _on_not_saved(self, problem: str) -> None:
        self.show_problem(problem)
        self.begin.setEnabled(True)

    def _on_tried(self, trial: Trial) -> None:
        self._trial = trial
        self.trying.setEnabled(True)
        self.tried.setText(trial.in_words())
        self._show_words()

    def _on_not_tried(self, problem: str) -> None:
        self.trying.setEnabled(True)
        self.tried.setText("")
        self.show_problem(problem)

    def _on_finished(self) -> None:
        self._cancelled.set()
        self._work.close(0.0)


def _saved(rules: RuleSet, path: Path) -> Path:
    save_rules(rules, path)
    return path
