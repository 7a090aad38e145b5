"""Settings of recordings: where they go, what is kept, for how long, and the reminder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QWidget

from emolive.i18n import tr
from emolive.session.library_settings import CONSENT_TEXT, LibrarySettings
from emolive.settings import Settings
from emolive.ui.controls import timer
from emolive.ui.layouts import hbox
from emolive.ui.library_controller import LibraryController
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Number, PathField, SettingsSection, Switch
from emolive.ui.theme import Theme

_USUAL_DAYS = 90
_TYPED_MS = 900


class RecordingSection(SettingsSection):
    """The folder and audio are this person's; expiry and the reminder belong to the library."""

    def __init__(
        self,
        preferences: Preferences,
        controller: LibraryController,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(tr("Recording"), preferences, theme, parent)
        self._controller = controller
        self._typing = timer(self, _TYPED_MS, self._store, once=True)
        self.folder = PathField(tr("the usual folder"), self)
        self.folder.choose.connect(self._choose_folder)
        self.folder.reset.connect(lambda: preferences.change("recording", library=None))
        about = tr("Sessions are kept here, in a database with their audio beside it.")
        self.row(tr("Library"), about, self.folder)
        about = tr("Switched off, a session is its timeline alone: nobody can listen to it again.")
        self.audio = self.switch("recording", "save_audio", tr("Keep the audio"), about)
        self.expires = Switch(theme, self)
        self.expires.setAccessibleName(tr("Delete old sessions"))
        self.expires.clicked.connect(lambda _: self._store())
        self.days = Number((1, 3650), 1, tr("days"), self)
        self.days.valueChanged.connect(lambda _: self._store())
        both = QWidget(self)
        hbox(self.expires, self.days, within=both, gap=10)
        about = tr("Sessions that are older are deleted for good when the program starts.")
        self.row(tr("Delete old sessions"), about, both)
        about = tr("Shown before the first recording; with an empty text nothing is asked.")
        title = tr("Reminder to ask for consent")
        self.again = self.button(tr("Ask again"), self._ask_again, title, about)
        self.consent = QPlainTextEdit(self)
        self.consent.setAccessibleName(tr("Text of the reminder"))
        self.consent.setTabChangesFocus(True)
        self.consent.setFixedHeight(78)
        self.consent.textChanged.connect(lambda: self._typing.start())
        self.add(self.consent)
        controller.settled.connect(self.show_library)
        controller.opened.connect(lambda _: self._enable())
        self._enable()

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        super().show_settings(settings)
        self.folder.show_path(settings.recording.library)

    def show_library(self, settings: LibrarySettings) -> None:
        """Show the library's own settings."""
        days = settings.expire_after_days
        self.expires.setChecked(days is not None)
        self.days.show_value(_USUAL_DAYS if days is None else days)
        text = tr(settings.consent_text)
        if self.consent.toPlainText() != text and not self._typing.isActive():
            self.consent.blockSignals(True)
            self.consent.setPlainText(text)
            self.consent.blockSignals(False)
        self._enable()

    def _enable(self) -> None:
        settings = self._controller.settings
        there = settings is not None
        for widget in (self.expires, self.consent):
            widget.setEnabled(there)
        self.days.setEnabled(there and self.expires.isChecked())
        self.again.setEnabled(settings is not None and settings.consented_at is not None)

    def _store(self) -> None:
        """Change the library's settings; another text is asked about anew."""
        old = self._controller.settings
        if old is None:
            return
        text = self.consent.toPlainText().strip()[:4000]
        if text == tr(CONSENT_TEXT):
            text = CONSENT_TEXT  # which is shown in the language of whoever reads it
        days = round(self.days.value()) if self.expires.isChecked() else None
        shown = {"expire_after_days": days, "consent_text": text}
        if touched := {name: value for name, value in shown.items() if value != getattr(old, name)}:
            self._controller.change_settings(**touched)

    def _ask_again(self) -> None:
        settings = self._controller.settings
        if settings is not None:
            usual = {} if settings.consent_text else {"consent_text": CONSENT_TEXT}
            self._controller.change_settings(consented_at=None, **usual)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Choose a folder for sessions"))
        if chosen:
            self._preferences.change("recording", library=Path(chosen))
