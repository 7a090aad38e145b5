"""Settings of the model and of how it decides."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from emolive.adapt import shelf
from emolive.adapt.wording import taught_text, verdict_text
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.inference.adapted_file import adapted_names
from emolive.settings import Settings
from emolive.ui.controls import label, push_button
from emolive.ui.layouts import hbox
from emolive.ui.model_names import adapted_choices, bundled_choices
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Choice, Number, SettingsSection, Switch
from emolive.ui.theme import Theme


class TaughtModel(QWidget):
    """Hidden unless an adapted model is chosen; `removed` once that one is deleted."""

    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self._asked = False
        self.about = label("", self, "caption", wrap=True, plain=True)
        self.remove_button = push_button(tr("Delete…"), self, self._on_remove, kind="quiet")
        hbox((self.about, 1), self.remove_button, within=self, gap=18)
        self.hide()

    def show_model(self, choice: Path | None) -> None:
        """Tell about a chosen model."""
        self._name = "" if choice is None else str(choice)
        self.setVisible(self._name in adapted_names())
        self._ask(again=False)
        if self.isHidden():
            return
        try:
            model = shelf.named(self._name)
        except EmoliveError as error:
            self.about.setText(str(error))
        else:
            taught = tr("Taught with {labels}.", labels=taught_text(model))
            self.about.setText(f"{verdict_text(model)} {taught}")

    def _ask(self, *, again: bool) -> None:
        self._asked = again
        self.remove_button.setText(tr("Really delete") if again else tr("Delete…"))

    def _on_remove(self) -> None:
        if not self._asked:
            self._ask(again=True)
            return
        try:
            shelf.remove(self._name)
        except EmoliveError as error:
            self.about.setText(str(error))
        else:
            self.removed.emit()


_ANOTHER = "another"


class AnalysisSection(SettingsSection):
    """They hold from the next start of a run on, and that is said."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Analysis"), preferences, theme, parent)
        self.add(label(tr("Changes hold from the next start on."), self, "caption"))
        self.model = Choice(tr("Model"), [], self)
        self.model.picked.connect(self._on_model)
        about = tr(
            "One that came along, one that you taught, or an ONNX file that keeps to emolive's "
            "contract; another one is refused."
        )
        self.row(tr("Model"), about, self.model)
        self.taught = TaughtModel(self)
        self.taught.removed.connect(self._on_removed)
        self.add(self.taught)
        about = tr("Automatic takes the graphics card where it really works, and says which it is.")
        processors = [
            (tr("Automatic"), "auto"),
            (tr("Processor (CPU)"), "cpu"),
            (tr("Graphics card (CUDA)"), "cuda"),
        ]
        self.provider = self.choice("model", "provider", tr("Runs on"), about, processors)
        self.provider.setAccessibleName(tr("Processor"))
        about = tr("Time from one answer to the next. Shorter costs more.")
        self.hop = self.number(
            "analysis", "hop_s", tr("An answer every"), about, (0.1, 3.0), 0.1, tr("s")
        )
        self.own = Switch(theme, self)
        self.own.setAccessibleName(tr("Own threshold"))
        self.own.clicked.connect(self._on_own)
        self.threshold = Number((0.0, 1.0), 0.05, "", self)
        self.threshold.valueChanged.connect(
            lambda value: preferences.change("analysis", threshold=round(value, 3))
        )
        both = QWidget(self)
        hbox(self.own, self.threshold, within=both, gap=10)
        about = tr(
            "Below this confidence the answer is “uncertain”. Switched off, the model's own "
            "threshold is used, which was chosen on speech it had not heard."
        )
        self.row(tr("Own threshold"), about, both)
        about = tr("Averages answers over this time. Longer is calmer, and later.")
        self.smoothing = self.number(
            "analysis", "smoothing_s", tr("Smoothing"), about, (0.0, 10.0), 0.5, tr("s")
        )
        about = tr("A shown emotion stays at least this long, unless silence ends it.")
        self.dwell = self.number(
            "analysis", "min_dwell_s", tr("Shown at least"), about, (0.0, 10.0), 0.5, tr("s")
        )

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        super().show_settings(settings)
        threshold = settings.analysis.threshold
        self._show_model(settings.model.file)
        self.own.setChecked(threshold is not None)
        self.threshold.setEnabled(threshold is not None)
        self.threshold.show_value(0.5 if threshold is None else threshold)

    def showEvent(self, event: QShowEvent) -> None:
        """Models may have been taught or removed meanwhile."""
        super().showEvent(event)
        self._show_model(self._preferences.effective.model.file)

    def _show_model(self, file: Path | None) -> None:
        choices = [*bundled_choices(), *adapted_choices()]
        if file is not None and file not in [value for _, value in choices]:
            choices.append((file.name, file))
        self.model.offer([*choices, (tr("An ONNX file…"), _ANOTHER)])
        self.model.show_value(file)
        self.model.setToolTip("" if file is None else str(file))
        self.taught.show_model(file)

    def _on_own(self, on: bool) -> None:
        value = self.threshold.value() if on else None
        self._preferences.change("analysis", threshold=value)

    def _on_model(self, value: object) -> None:
        if value == _ANOTHER:
            # Until a file is chosen, what was chosen before holds.
            self._show_model(self._preferences.effective.model.file)
            chosen, _ = QFileDialog.getOpenFileName(self, tr("Choose a model"), "", "ONNX (*.onnx)")
            if not chosen:
                return
            value = Path(chosen)
        self._preferences.change("model", file=value)

    def _on_removed(self) -> None:
        self._preferences.change("model", file=None)
        self._show_model(None)
