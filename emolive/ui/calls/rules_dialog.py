"""The rules of a file: add, change, delete, try on what was recorded, save."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QMenu,
    QSizePolicy,
    QWidget,
)

from emolive.alerts.conditions.registry import CONDITIONS
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.rule_drafts import NO_ADDRESS, RuleDrafts, RuleError, new_rule
from emolive.alerts.rule_file import example, load_rules, parse_rules, save_edited, save_rules
from emolive.alerts.rules import RuleSet
from emolive.alerts.trial import Trial, try_on_last, try_rules
from emolive.i18n import decimal, ntr, tr
from emolive.session.library import Library
from emolive.settings_folder import settings_folder
from emolive.ui.background import Background
from emolive.ui.calls.rule_form import RuleForm
from emolive.ui.calls.rule_views import RuleList, RuleTrial
from emolive.ui.calls.webhooks_dialog import WebhooksDialog
from emolive.ui.controls import MenuButton, card, label, push_button, timer
from emolive.ui.dialog import Dialog
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.layouts import fill, hbox, stack, vbox
from emolive.ui.theme import Theme
from emolive.wording import severity_name

FILE_NAME = "rules.toml"
# After the last change, before the rule is tried.
_TRY_AFTER_MS = 250


class RulesDialog(Dialog):
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
        """`labels` are the model's emotions, `path` the file in use (None: none).

        Without one, the usual file is opened if it is there.
        """
        room = parent.window().height() if parent is not None else 0
        high = min(max(room - 40, 580), 780)
        super().__init__(theme, tr("Alert rules"), "", parent, 960, high)
        self.path: Path | None = None  # whose rules are shown
        self.drafts = RuleDrafts()
        self._in_use = path
        self._read: RuleSet | None = None  # what is in the file
        self._labels = labels
        self._library = library
        self._edited = -1  # the rule that the form shows
        self._changed = False
        self._wrong = False  # what the form shows now cannot be kept
        self._trial: Trial | None = None
        self._cancelled = threading.Event()
        self._soon = timer(self, _TRY_AFTER_MS, self._try_on_last, once=True)
        self._work = Background("rules", self)
        self._build()
        self.finished.connect(self._on_finished)
        self._show_all()
        usual = _usual_file()
        if path is not None or usual.exists():
            self.open_file(path or usual)

    # What can be done with it.

    @property
    def index(self) -> int:
        """The chosen rule, or -1."""
        return self.list.currentRow()

    @property
    def rule(self) -> Rule | None:
        """The chosen rule."""
        return self.drafts.rules[self.index] if 0 <= self.index < len(self.drafts.rules) else None

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
        self.form.take_typed()
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
        return dialog.ask()

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
        """Write the file that was opened, or a new one; `saved` follows."""
        path, read = self.path or _usual_file(), self._read
        self._save(lambda rules: save_edited(rules, path, read))

    def _save(self, write: Callable[[RuleSet], Path]) -> None:
        self.form.take_typed()
        if self._wrong:
            return
        if empty := [hook.name for hook in self.drafts.webhooks if hook.url == NO_ADDRESS]:
            self.show_problem(tr("The webhook {name} has no address yet.", name=empty[0]))
            return
        rules = self.drafts.rule_set()
        self.begin.setEnabled(False)
        self._work.ask(lambda: write(rules), self._on_saved, self._on_not_saved, key="save")

    def show_problem(self, text: str) -> None:
        """Say what is wrong; "" hides it."""
        super().show_problem(text)
        self._show_saving()

    def reject(self) -> None:
        """Close, unless that would lose something: then a button says so."""
        if self._changed and not self.discard.hasFocus():
            self.note.setText(tr("What you changed is not saved yet."))
            self.discard.setFocus()
            return
        super().reject()

    # How it is put together.

    def _build(self) -> None:
        self.file = label("", self, "caption")
        self.file.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.titles.setSpacing(0)
        self.titles.addWidget(self.file)
        tip = tr("Servers and chats that get alerts: add, change and test them")
        self.webhooks = push_button("", self, self.ask_for_webhooks, tip=tip)
        fill(
            self.head,
            self.webhooks,
            push_button(tr("Open a file…"), self, self._on_open),
            push_button(tr("Save as…"), self, self._on_save_as),
        )
        self.list = RuleList(self.theme, self)
        self.list.currentRowChanged.connect(lambda _: self._on_other_row())
        self.adding = MenuButton(tr("Add a rule"), self)
        self.kinds = menu = QMenu(self.adding)
        for condition in CONDITIONS:
            action = menu.addAction(tr(condition.title))
            action.triggered.connect(lambda _=False, chosen=condition: self.add(chosen))
        menu.addSeparator()
        menu.addAction(tr("Examples of every kind"), self._add_examples)
        # Not as the button's own menu: for that its text would have to make room.
        self.adding.clicked.connect(lambda _: self._offer_kinds())
        self.deleting = push_button(tr("Delete"), self, self.delete, kind="quiet")
        frame = card(self, self.list, margins=4)
        left = vbox((frame, 1), hbox((self.adding, 1), self.deleting), gap=8)
        self.words = label("", self, "hint", wrap=True)
        self.trial = RuleTrial(self.theme, self)
        self.found = label("", self, "muted", wrap=True)
        self.form = RuleForm(self._labels, (), self)
        self.form.edited.connect(self._on_edited)
        self.form.typing.connect(self._on_typing)
        self.empty = Invitation(self.theme, Ghost.BARS, self)
        more = self.empty.add_button(tr("Add examples"), self._add_examples, "primary")
        own = self.empty.add_button(tr("Add a rule"), self._offer_kinds)
        self.empty.say(
            tr("Be told when a call needs you"),
            tr("A rule says when you are told: add one, or open a file with rules."),
            "",
            more,
            own,
        )
        # The ghost is drawn on a card's colour.
        self.right = stack(self, card(self, self.empty, margins=None), self.form)
        self.line = QFrame(self)  # what is tried is no part of the form
        self.line.setObjectName("line")
        right = vbox(self.words, (self.right, 1), self.line, self.trial, self.found, gap=8)
        self.body.addLayout(hbox((left, 3), (right, 7), gap=16))
        tip = tr("How often would these rules have fired on what is in the library?")
        self.trying = push_button(tr("Try on all sessions"), self, self.try_out, tip=tip)
        self.tried = label("", self, "caption", wrap=True)
        self.note = label("", self, "caption")
        self.discard = push_button("", self, self._on_close)
        self.begin = push_button(tr("Save and use"), self, self.save, kind="primary")
        self.buttons.insertWidget(0, self.trying)
        self.buttons.insertWidget(1, self.tried, 1)
        fill(self.buttons, self.note, self.discard, self.begin)

    def _offer_kinds(self) -> None:
        self.kinds.popup(self.adding.mapToGlobal(self.adding.rect().bottomLeft()))

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with what is there, or with adding something."""
        super().showEvent(event)
        (self.list if self.drafts.rules else self.adding).setFocus()

    def _show_all(self, row: int = 0) -> None:
        self.file.setText(str(self.path) if self.path else tr("not saved yet"))
        self.file.setToolTip(self.file.text())
        count = len(self.drafts.webhooks)
        text = ntr("{count} webhook…", "{count} webhooks…", count) if count else tr("Webhooks…")
        self.webhooks.setText(text)
        self.list.show_rules(self.drafts.rules, max(0, row))
        self._on_row()

    def _on_other_row(self) -> None:
        self.form.take_typed()
        self._on_row()

    def _on_row(self) -> None:
        rule = self.rule
        self._edited = self.index
        self._wrong = False
        self.form.set_webhooks(tuple(hook.name for hook in self.drafts.webhooks))
        self.form.show_rule(rule)
        self.right.setCurrentIndex(0 if rule is None else 1)
        self.deleting.setEnabled(rule is not None)
        self._show_trying()
        self.show_problem("")
        self._show_words()

    def _show_trying(self) -> None:
        """What cannot be tried says why."""
        self.trying.setEnabled(self._library is not None and self.rule is not None)
        if self._library is None:
            self.trying.setToolTip(tr("The library of sessions is not open."))

    def _show_saving(self) -> None:
        """What can be lost is named where it would be lost."""
        other = self.path is not None and self.path != self._in_use
        fine = self.problem.isHidden() and not self._wrong
        self.begin.setEnabled((self._changed or other) and fine)
        self.discard.setText(tr("Discard changes") if self._changed else tr("Close"))
        self.note.setText("")

    def _show_words(self) -> None:
        rule = self.rule
        self.words.setVisible(rule is not None)
        if rule is not None:
            self.words.setText(f"{html.escape(rule.in_words())}<br>{_then(rule)}")
        self.line.setVisible(rule is not None)
        self.trial.setVisible(rule is not None)
        self._soon.start()
        found = self._trial.sentences.get(rule.name, "") if rule and self._trial else ""
        self.found.setText(found)
        self.found.setVisible(bool(found))

    # What follows.

    def _on_edited(self, values: dict[str, Any]) -> None:
        index = self._edited
        try:
            drafts = self.drafts.changed(index, values)
        except RuleError as error:
            self._wrong = True
            shown = self.form.show_problem(next(iter(values)), str(error))
            self.show_problem("" if shown else str(error))
            return
        self._take(drafts)
        self.form.show_problem("", "")
        self.show_problem("")
        self.list.show_rule(index, drafts.rules[index])
        self._show_words()

    def _on_typing(self) -> None:
        self._changed = True
        self._show_saving()

    def _take(self, drafts: RuleDrafts) -> None:
        self.drafts = drafts
        self._changed = True
        self._wrong = False
        self._trial = None
        self.tried.setText("")
        self._show_saving()

    def _on_loaded(self, path: Path, rules: RuleSet) -> None:
        self.path, self._read = path, rules
        self._take(RuleDrafts.of(rules))
        self._changed = False
        self._show_all()
        self._show_saving()
        self.list.setFocus()

    def _on_webhooks(self, drafts: RuleDrafts) -> None:
        row = self.index
        self._take(drafts)
        self._show_all(row)

    def _add_examples(self) -> None:
        self.form.take_typed()
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
        if chosen:  # the system has asked whether a file may be replaced
            self._save(partial(_written, path=Path(chosen)))

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

    def _try_on_last(self) -> None:
        """Try the chosen rule as it stands on the newest session it could watch."""
        library, rule = self._library, self.rule
        if rule is None:
            return
        if library is None:
            self.trial.show_text(tr("The library of sessions is not open."))
            return
        self._work.ask(
            lambda: try_on_last(library, rule),
            self.trial.show_last,
            self.trial.show_text,
            key="last",
        )

    def _on_close(self) -> None:
        """The button that says what it does."""
        super().reject()

    def _on_finished(self) -> None:
        self._cancelled.set()
        self._work.close(0.0)


def _then(rule: Rule) -> str:
    """What happens once it is raised, in few words."""
    parts = [severity_name(rule.severity)]
    parts += [tr("sound")] if rule.sound else []
    parts += [tr("desktop notification")] if rule.desktop else []
    parts += rule.webhooks
    if rule.cool_down_s:
        parts.append(tr("then quiet for {seconds} s", seconds=decimal(rule.cool_down_s)))
    return tr("Then: {what}.", what=", ".join(html.escape(part) for part in parts))


def _written(rules: RuleSet, path: Path) -> Path:
    save_rules(rules, path)
    return path


def _usual_file() -> Path:
    return settings_folder() / FILE_NAME
