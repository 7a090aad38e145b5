"""Before an agent's emotions are inferred: what the law says, and a deliberate act."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QWidget

from emolive.consent.permission import STATEMENT
from emolive.i18n import tr
from emolive.ui.controls import label, push_button
from emolive.ui.sessions.dialog import SessionDialog
from emolive.ui.theme import Theme


class StatementDialog(SessionDialog):
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
        self.buttons.addWidget(self.leave)
        self.buttons.addWidget(self.confirm)
        self.leave.setFocus()
