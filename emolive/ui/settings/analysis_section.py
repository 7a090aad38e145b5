"""Settings of the model and of how it decides."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from emolive.i18n import tr
from emolive.settings import Settings
from emolive.ui.controls import label
from emolive.ui.layouts import hbox
from emolive.ui.model_names import adapted_choices, bundled_choices
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Choice, Number, Section, Switch
from emolive.ui.settings.taught_model import TaughtModel
from emolive.ui.theme import Theme

_ANOTHER = "another"


class AnalysisSection(Section):
    """They hold from the next start of a run on, and that is said."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Analysis"), parent)
        self._preferences = preferences
        note = label(tr("Changes hold from the next start on."), self, "caption")
        self.add(note)
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
        self.provider = Choice(
            tr("Processor"),
            [
                (tr("Automatic"), "auto"),
                (tr("Processor (CPU)"), "cpu"),
                (tr("Graphics card (CUDA)"), "cuda"),
            ],
            self,
        )
        self.provider.picked.connect(lambda value: preferences.change("model", provider=value))
        about = tr("Automatic takes the graphics card where it really works, and says which it is.")
        self.row(tr("Runs on"), about, self.provider)
        self.hop = self._number((0.1, 3.0), 0.1, tr("s"), "hop_s")
        about = tr("Time from one answer to the next. Shorter costs more.")
        self.row(tr("An answer every"), about, self.hop)
        self.own = Switch(theme, self)
        self.own.setAccessibleName(tr("Own threshold"))
        self.own.clicked.connect(self._on_own)
        self.threshold = self._number((0.0, 1.0), 0.05, "", "threshold")
        both = QWidget(self)
        hbox(self.own, self.threshold, within=both, gap=10)
        about = tr(
            "Below this confidence the answer is “uncertain”. Switched off, the model's own "
            "threshold is used, which was chosen on speakers it had not heard."
        )
        self.row(tr("Own threshold"), about, both)
        self.smoothing = self._number((0.0, 10.0), 0.5, tr("s"), "smoothing_s")
        about = tr("Averages answers over this time. Longer is calmer, and later.")
        self.row(tr("Smoothing"), about, self.smoothing)
        self.dwell = self._number((0.0, 10.0), 0.5, tr("s"), "min_dwell_s")
        about = tr("A shown emotion stays at least this long, unless silence ends it.")
        self.row(tr("Shown at least"), about, self.dwell)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        analysis = settings.analysis
        self._show_model(settings.model.file)
        self.provider.show_value(settings.model.provider)
        self.hop.show_value(analysis.hop_s)
        self.smoothing.show_value(analysis.smoothing_s)
        self.dwell.show_value(analysis.min_dwell_s)
        self.own.setChecked(analysis.threshold is not None)
        self.threshold.setEnabled(analysis.threshold is not None)
        self.threshold.show_value(0.5 if analysis.threshold is None else analysis.threshold)

    def showEvent(self, event: QShowEvent) -> None:
        """Models may have been taught or removed meanwhile."""
        super().showEvent(event)
        self._show_model(self._preferences.effective.model.file)

    def _show_model(self, file: Path | None) -> None:
        choices = [*bundled_choices(), *adapted_choices()]
        if file is not None and file not in [value for _, value in choices]:
            choices.append((file.name, file))
        self.model.set_values([*choices, (tr("An ONNX file…"), _ANOTHER)])
        self.model.show_value(file)
        self.model.setToolTip("" if file is None else str(file))
        self.taught.show_model(file)

    def _number(self, bounds: tuple[float, float], step: float, unit: str, name: str) -> Number:
        box = Number(bounds, step, unit, self)
        box.valueChanged.connect(
            lambda value: self._preferences.change("analysis", **{name: round(value, 3)})
        )
        return box

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
