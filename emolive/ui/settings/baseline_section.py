"""Settings of adapting answers to their source, with what each choice leads to."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from emolive.baseline import ProfileStore
from emolive.errors import EmoliveError
from emolive.i18n import ntr, tr
from emolive.inference.bundled import bundled_model
from emolive.session.database import library_folder
from emolive.settings import Settings
from emolive.ui.controls import Notice, label, timer
from emolive.ui.preferences import Preferences
from emolive.ui.settings.consequence_curve import ConsequenceCurve
from emolive.ui.settings.form import CONTROL_WIDTH, Number, SettingsSection
from emolive.ui.theme import Theme
from emolive.wording import consequence_text

_TYPED_MS = 900


class BaselineSection(SettingsSection):
    """They hold from the next start of a run on."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Adapting to the source"), preferences, theme, parent)
        text = tr(
            "With a new microphone, language or group of callers, a model has a bias of its "
            "own: it calls too much of what it hears angry, say. What it answers there on "
            "average, over sessions, tells which, without any label. Changes hold from the "
            "next start on."
        )
        self.add(label(text, self, "caption", wrap=True))
        about = tr(
            "One session counts little against the past, so a call that is angry throughout stays "
            "angry. Numbers are kept of each source, never sound; the model's own probabilities "
            "are kept beside the adapted ones."
        )
        self.on = self.switch("baseline", "on", tr("Adapt answers to their source"), about)
        about = tr("How much of what is said there is neutral, as you know it.")
        mixes = [
            (tr("Mostly neutral calls"), "calls"),
            (tr("Lively talk"), "talk"),
            (tr("Balanced recordings"), "balanced"),
            (tr("Own share"), "own"),
        ]
        self.mix = self.choice("baseline", "mix", tr("What is heard"), about, mixes)
        self.neutral = Number((1, 99), 1, tr("% neutral"), self)
        self.neutral.setFixedWidth(CONTROL_WIDTH)
        self.neutral.valueChanged.connect(
            lambda value: preferences.change("baseline", neutral=value / 100)
        )
        self._own = self.row(tr("Own share"), "", self.neutral)
        self.consequence = label("", self, wrap=True)
        self.add(self.consequence)
        self.curve = ConsequenceCurve(theme, self)
        self.add(self.curve)
        self._typing = timer(self, _TYPED_MS, self._store_group, once=True)
        self.group = QLineEdit(self)
        self.group.setFixedWidth(CONTROL_WIDTH)
        self.group.setMaxLength(100)
        self.group.setPlaceholderText(tr("none"))
        self.group.textEdited.connect(lambda _: self._typing.start())
        self.group.editingFinished.connect(self._store_group)
        about = tr("Keeps what is known of one input apart: for a language, or a team.")
        self.row(tr("Group"), about, self.group)
        about = tr("Deletes what was gathered: every source is new again.")
        self.forget = self.button("", self._forget, tr("Known sources"), about)
        self.problem = Notice(self, "problem")
        self.add(self.problem)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        super().show_settings(settings)
        baseline = settings.baseline
        self.neutral.show_value(round(100 * baseline.neutral))
        self._own.setVisible(baseline.mix == "own")
        if self.group.text() != baseline.group and not self._typing.isActive():
            self.group.setText(baseline.group)
        for control in (self.mix, self.neutral, self.group):
            control.setEnabled(baseline.on)
        self._show_consequence(settings)
        self._count()

    def _show_consequence(self, settings: Settings) -> None:
        """What was measured with the chosen model; nothing of others."""
        model, baseline = bundled_model(settings.model.file), settings.baseline
        measured = None if model is None else model.measured
        if model is not None and measured is not None:
            text = consequence_text(model.name, *measured.consequence(baseline.expected))
            self.consequence.setText(text)
            self.curve.setAccessibleName(text)
            self.curve.show_mix(measured, baseline.expected)
        for shown in (self.consequence, self.curve):
            shown.setVisible(measured is not None)
            shown.setEnabled(baseline.on)

    def showEvent(self, event: QShowEvent) -> None:
        """Say how many sources are known by now."""
        super().showEvent(event)
        self._count()

    def _store(self) -> ProfileStore:
        return ProfileStore(library_folder(self._preferences.effective.recording.library))

    def _count(self) -> None:
        count = self._store().count()
        self.forget.setEnabled(count > 0)
        text = ntr("Forget {count} source", "Forget {count} sources", count)
        self.forget.setText(text if count else tr("None yet"))

    def _forget(self) -> None:
        try:
            self._store().forget()
        except EmoliveError as error:
            self.problem.say(str(error))
        else:
            self.problem.hide()
        self._count()

    def _store_group(self) -> None:
        self._typing.stop()
        if (text := self.group.text().strip()) != self._preferences.effective.baseline.group:
            self._preferences.change("baseline", group=text)
