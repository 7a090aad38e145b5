"""Choosing a model to analyse a session with again, and watching it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QRadioButton, QWidget

from emolive.i18n import tr
from emolive.session.comparison import OtherTimeline, analyse_again
from emolive.session.library import Library
from emolive.session.session_history import SessionHistory
from emolive.times import duration_text
from emolive.ui.background import Background
from emolive.ui.controls import label, push_button, text_field
from emolive.ui.dialog import WorkDialog
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.model_names import adapted_choices, bundled_choices
from emolive.ui.settings.form import Choice
from emolive.ui.theme import Theme

ModelChooser = Callable[[QWidget], str]


def choose_model(parent: QWidget) -> str:
    """Ask for a model file; "" for none."""
    chosen, _ = QFileDialog.getOpenFileName(
        parent, tr("Choose a model"), "", f"{tr('Models')} (*.onnx);;{tr('All files')} (*)"
    )
    return chosen


class CompareDialog(WorkDialog):
    """Accepted once the other timeline is there: `other`."""

    def __init__(
        self,
        theme: Theme,
        library: Library,
        session: SessionHistory,
        worker: Background,
        parent: QWidget | None = None,
        *,
        choose: ModelChooser = choose_model,
    ) -> None:
        text = tr(
            "The sound of this session is analysed again, and both timelines are shown one above "
            "the other. Nothing that is stored changes. Recorded with: {model}.",
            model=session.info.model,
        )
        super().__init__(theme, tr("Compare models"), text, worker, parent)
        self._library = library
        self._session = session
        self._choose = choose
        self._began = 0.0
        self.other: OtherTimeline | None = None
        self.bundled = QRadioButton(tr("The bundled model"), self)
        self.named = QRadioButton(tr("Another model"), self)
        self.models = Choice(tr("Model"), [*bundled_choices()[1:], *adapted_choices()], self)
        self.another = QRadioButton(tr("Another model file"), self)
        self.bundled.setChecked(True)
        self.file = text_field(tr("Model file"), self, placeholder=tr("An ONNX file"))
        self.file_button = push_button(tr("Choose…"), self, self._on_choose)
        fill(
            self.body,
            self.bundled,
            hbox(self.named, self.models, STRETCH, gap=8),
            self.another,
            hbox((self.file, 1), self.file_button, margins=(26, 0, 0, 0), gap=8),
        )
        self.bar.setMaximum(1000)
        self.state = label(" ", self, "muted")
        self.state.hide()
        fill(self.body, self.bar, self.state)
        self.cancel_button = push_button(tr("Cancel"), self, self.reject)
        self.go_button = push_button(tr("Compare"), self, self.go, kind="primary")
        self.go_button.setDefault(True)
        fill(self.buttons, self.cancel_button, self.go_button)
        for button in (self.named, self.another):
            button.toggled.connect(self._on_change)
        self.file.textChanged.connect(self._on_change)
        self._on_change()

    def go(self) -> None:
        """Analyse again."""
        if self._running:
            return
        model: Path | None = None
        if self.another.isChecked():
            model = Path(self.file.text()).expanduser()
        elif self.named.isChecked():
            model = self.models.value()
        library, session = self._library, self._session
        self._began = time.monotonic()
        self._begin(
            lambda: analyse_again(library, session, model, self.tell), self._on_done, "compare"
        )
        self.bar.setValue(0)
        self.bar.show()
        self.state.setText(tr("Loading the model…"))
        self.state.show()
        self._on_change()
        self.fit()

    def _on_change(self) -> None:
        another, rests = self.another.isChecked(), not self._running
        for part in (self.file, self.file_button):
            part.setEnabled(another and rests)
        self.models.setEnabled(self.named.isChecked() and rests)
        for button in (self.bundled, self.named, self.another):
            button.setEnabled(rests)
        ready = not another or bool(self.file.text().strip())
        self.go_button.setEnabled(ready and rests)

    def _on_choose(self) -> None:
        if chosen := self._choose(self):
            self.file.setText(chosen)

    def _on_progress(self, done_s: float, total_s: float) -> None:
        share = min(1.0, done_s / total_s) if total_s else 0.0
        self.bar.setValue(round(1000 * share))
        passed = time.monotonic() - self._began
        text = tr("{done} of {total}", done=duration_text(done_s), total=duration_text(total_s))
        if share > 0.02 and passed > 2.0:
            left = duration_text(passed / share * (1 - share))
            text += "  ·  " + tr("about {time} left", time=left)
        self.state.setText(text)

    def _on_done(self, other: OtherTimeline) -> None:
        self.other = other
        self.accept()

    def _on_failed(self, problem: str) -> None:
        super()._on_failed(problem)
        self.bar.hide()
        self.state.hide()
        self._on_change()
