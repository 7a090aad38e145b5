"""Asks once before sessions are deleted, and says what goes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QWidget

from emolive.i18n import moment_text, ntr, tr
from emolive.session.records import SessionInfo
from emolive.times import duration_text
from emolive.ui.controls import label, push_button
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import fill
from emolive.ui.theme import Theme

_NAMED = 6


class DeleteDialog(Dialog):
    """Accepted: delete."""

    def __init__(
        self, theme: Theme, sessions: Sequence[SessionInfo], parent: QWidget | None = None
    ) -> None:
        heading = ntr("Delete this session?", "Delete {count} sessions?", len(sessions))
        text = tr(
            "Timeline, marks, notes and alerts are deleted for good, and the sound where it was "
            "kept; this cannot be undone. Exported files stay."
        )
        super().__init__(theme, heading, text, parent)
        names = [
            f"<b>{escape(info.title or tr('Untitled'), quote=False)}</b>  ·  "
            f"{moment_text(info.started_at.astimezone())}  ·  {duration_text(info.duration_s)}"
            + ("  ·  " + tr("with sound") if info.has_audio else "")
            for info in sessions[:_NAMED]
        ]
        if len(sessions) > _NAMED:
            names.append(tr("and {n} more", n=len(sessions) - _NAMED))
        listed = label("<br>".join(names), self, wrap=True)
        listed.setTextFormat(Qt.TextFormat.RichText)
        self.body.addWidget(listed)
        self.keep_button = push_button(tr("Keep"), self, self.reject)
        self.delete_button = push_button(tr("Delete"), self, self.accept, kind="danger")
        self.models = QCheckBox(self)
        self.models.hide()
        self.body.addWidget(self.models)
        fill(self.buttons, self.keep_button, self.delete_button)
        self.keep_button.setDefault(True)
        self.keep_button.setFocus()

    def show_models(self, names: Sequence[str]) -> None:
        """Say which models were taught with them, which can be deleted, too."""
        if names:
            listed = ", ".join(names)
            text = tr("Also delete what was taught with them: {models}", models=listed)
            self.models.setText(text.replace("&", "&&"))
            self.models.setToolTip(tr("A model holds no sound, but what it learned from it."))
            self.models.show()
            self.fit()
