"""The switch for the agent's emotions: off, and off again for the next call, and its statement."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from emolive.consent.permission import STATEMENT
from emolive.consent.policy import PolicyFile, load_policy
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.monitoring.sources import CallChoice
from emolive.settings_folder import settings_folder
from emolive.ui.controls import label, push_button, under_box
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import fill, vbox
from emolive.ui.theme import Theme


class AgentSwitch(QWidget):
    """Ticking it opens the statement; only its deliberate act leaves it ticked."""

    declined = Signal()

    def __init__(self, theme: Theme, parent: QWidget, *, auditable: bool) -> None:
        """`auditable`: there is an audit log, without which nothing is permitted."""
        super().__init__(parent)
        self.theme = theme
        self.confirmed = False
        self._auditable = auditable
        self._policy: PolicyFile | None = None
        self._policy_problem = ""
        try:
            self._policy = load_policy(None, settings_folder())
        except EmoliveError as error:
            self._policy_problem = str(error)
        self.box = QCheckBox(tr("Infer the agent's emotions, too…"), self)
        self.box.clicked.connect(self._on_clicked)
        self.why = under_box("", self)
        vbox(self.box, self.why, within=self, margins=(0, 4, 0, 0), gap=2)
        self._offered: tuple[CallChoice, ...] = ()
        self.offer(())

    def offer(self, calls: Sequence[CallChoice]) -> None:
        """It can be asked for in one call with an agent; another call needs another answer."""
        if tuple(calls) != self._offered:
            self._offered = tuple(calls)
            self._set(False)
        permits = self._policy is not None and self._policy.permits
        possible = len(calls) == 1 and calls[0].has_agent and not self._reason()
        self.box.setEnabled(possible and not permits)
        self.box.setChecked(self.confirmed or permits)
        self.why.setText(self._about(calls, permits=permits))

    def _reason(self) -> str:
        """Why it cannot be asked for at all."""
        if self._policy_problem:
            return self._policy_problem
        if self._policy is not None and self._policy.forbids:
            return str(self._policy.forbidden())
        if not self._auditable:
            return tr("The library, which holds the audit log, is not open.")
        return ""

    def _about(self, calls: Sequence[CallChoice], *, permits: bool) -> str:
        if self._reason():
            return self._reason()
        if permits:
            assert self._policy is not None
            return tr("On in every call, by the policy {path}.", path=self._policy.path)
        if len(calls) == 1 and not calls[0].has_agent:
            return tr("Both parties are on one channel: nobody can be told to be the agent.")
        if len(calls) > 1:
            return tr("Off: it is asked for each call on its own, so start that one alone.")
        if self.confirmed:
            return tr("Confirmed for this call only; starting it writes that to the audit log.")
        return tr(
            "Off: the agent's speech is measured (who talks, how long, how loud), not interpreted."
        )

    def _on_clicked(self, wanted: bool) -> None:
        self._set(False)
        if not wanted:
            self.offer(self._offered)
            return
        dialog = StatementDialog(self.theme, self.window())
        asked = self._offered
        dialog.finished.connect(lambda result: self._on_answer(bool(result), asked))
        dialog.ask()

    def _on_answer(self, confirmed: bool, asked: tuple[CallChoice, ...]) -> None:
        # A device may have gone, and another taken its place, while the statement was read.
        self._set(confirmed and asked == self._offered)
        if not confirmed:
            self.declined.emit()
        self.offer(self._offered)

    def _set(self, confirmed: bool) -> None:
        self.confirmed = confirmed
        self.box.setChecked(confirmed)


class StatementDialog(Dialog):
    """Confirms for one call: a box to be ticked, then a button. Everything else declines."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr(STATEMENT.title), tr(STATEMENT.text), parent, 560)
        self.text.setProperty("role", "body")
        self.setAccessibleDescription(tr(STATEMENT.text))
        self.body.addWidget(label(tr(STATEMENT.question), self, "strong"))
        self.taken = QCheckBox(tr(STATEMENT.phrase), self)
        self.body.addWidget(self.taken)
        about = tr("For this call only. It is off again for the next one.")
        self.body.addWidget(label(about, self, "caption"))
        self.leave = push_button(tr("Leave it off"), self, self.reject)
        text = tr("Infer the agent's emotions")
        self.confirm = push_button(text, self, self.accept, kind="danger")
        self.confirm.setEnabled(False)
        self.confirm.setAutoDefault(False)
        self.leave.setDefault(True)
        self.taken.toggled.connect(self.confirm.setEnabled)
        fill(self.buttons, self.leave, self.confirm)
        self.leave.setFocus()
