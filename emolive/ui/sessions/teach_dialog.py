"""Teaching a model with all that is labelled, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from emolive.adapt import shelf
from emolive.adapt.judging import ENOUGH
from emolive.adapt.labelled import from_library
from emolive.adapt.teaching import Taught, usual_base
from emolive.adapt.wording import advice_text, gain_text, how_text, more_text, points, verdict_text
from emolive.adapt.workshop import Standing, Workshop
from emolive.i18n import ntr, tr
from emolive.inference.adapted_file import AdaptedModel, adapted_names
from emolive.inference.bundled import BUNDLED, base_title
from emolive.labels import emotion_name
from emolive.session.export_folder import StoppedByUserError
from emolive.session.library import Library
from emolive.ui.background import Background
from emolive.ui.controls import Fields, empty_out, label, push_button, text_field
from emolive.ui.dialog import WorkDialog
from emolive.ui.layouts import fill
from emolive.ui.settings.form import Choice
from emolive.ui.theme import Theme
from emolive.wording import percent


def count_text(counts: Mapping[str, int]) -> str:
    """How many there are of which: "24 labels: 12 angry, 12 neutral", or "" for none."""
    if not counts:
        return ""
    each = ", ".join(f"{n} {emotion_name(name)}" for name, n in counts.items())
    return ntr("{count} label", "{count} labels", sum(counts.values())) + ": " + each


def worth_text(standing: Standing) -> str:
    """What they gain, measured; and what is still to be expected."""
    judged = standing.judgement
    lacking = more_text(standing.lacking)
    if judged is None:
        start = tr("Too few to measure what they gain.")
    elif judged.verdict == "better":
        start = tr("Measured gain so far: {gain}.", gain=gain_text(judged))
    else:
        start = tr("Gain so far: {gain}; not settled yet.", gain=gain_text(judged))
    if len(standing.counts) < 2:
        rest = tr("Most of the gain shows from {n} labels of each emotion on.", n=ENOUGH)
    elif lacking:
        rest = tr("Most of the gain shows from {n} of each on: {more}.", n=ENOUGH, more=lacking)
    elif standing.of_twice is not None:
        rest = tr(
            "Twice as many would gain {gain} points at most, by how it grew so far.",
            gain=points(standing.of_twice),
        )
    else:
        rest = tr("Each further label adds less than the ones before.")
    return f"{start} {rest}"


_USUAL_NAME = "my voices"


class TeachDialog(WorkDialog):
    """Accepted: use the new model, `model`, from now on."""

    def __init__(
        self, theme: Theme, library: Library, worker: Background, parent: QWidget | None = None
    ) -> None:
        text = tr(
            "A model learns from all marks with a label in your library, on this computer alone. "
            "It is judged on speakers or sessions that it has not learned from. Agents' voices "
            "stay out."
        )
        super().__init__(theme, tr("Teach a model"), text, worker, parent, 640)
        self._library = library
        self.model: AdaptedModel | None = None
        self.name = text_field(tr("Name of the model"), self, text=_USUAL_NAME)
        self.base = Choice(
            tr("Model underneath"), [(one.name, Path(one.name)) for one in BUNDLED], self
        )
        self.base.show_value(usual_base())
        self.counts = label(" ", self, "muted", wrap=True)
        self.form = form = Fields()
        self.taken = label(
            tr("A model of this name is there: the new one takes its place."), self, "caption"
        )
        form.add(tr("Name"), self.name)
        form.addRow("", self.taken)
        form.add(tr("Model underneath"), self.base)
        form.add(tr("Labelled"), self.counts)
        self.body.addLayout(form)
        self.doing = label("", self, "caption")
        self.doing.hide()
        fill(self.body, self.doing, self.bar)
        self.scores = QGridLayout()
        self.scores.setHorizontalSpacing(18)
        self.scores.setVerticalSpacing(3)
        self.body.addLayout(self.scores)
        self.verdict = label("", self, "heading", wrap=True)
        self.how = label("", self, "muted", wrap=True)
        for words in (self.verdict, self.how):
            words.hide()
            self.body.addWidget(words)
        self.close_button = push_button(tr("Close"), self, self.reject)
        self.forget_button = push_button(tr("Delete it again"), self, self.forget, kind="quiet")
        self.use_button = push_button(tr("Use it from now on"), self, self.accept)
        self.teach_button = push_button(tr("Teach"), self, self.teach, kind="primary")
        self.teach_button.setDefault(True)
        fill(
            self.buttons, self.close_button, self.forget_button, self.use_button, self.teach_button
        )
        self.name.textChanged.connect(self._refresh)
        self._refresh()
        worker.ask(lambda: from_library(library).counts, self._on_counts, self.show_problem)

    def teach(self) -> None:
        """Learn, judge and keep."""
        if self._running:
            return
        name = self.name.text()
        workshop = Workshop(self._library, self.base.value())

        def work() -> Taught:
            try:
                taught = workshop.teach(name, self.tell)
            finally:
                workshop.close()
            if self._cancelled.is_set():
                raise StoppedByUserError
            shelf.keep(taught.model)
            return taught

        self._begin(work, self._on_taught, "teach")
        self._show_model(None)
        self._show_doing(tr("Looking for what is labelled…"))

    def forget(self) -> None:
        """Delete the model that was just taught."""
        model = self.model
        if model is None:
            return
        self._worker.ask(
            lambda: shelf.remove(model.name), lambda _: self._show_model(None), self.show_problem
        )

    def _on_counts(self, counts: dict[str, int]) -> None:
        self.counts.setText(count_text(counts) or tr("nothing yet"))
        self.fit()

    def _on_progress(self, done: int, total: int) -> None:
        if done < total:
            text = tr("Listening to what is labelled: {done} of {total}", done=done, total=total)
            self._show_doing(text, done, total)
        else:  # nobody can tell how long that takes
            self._show_doing(tr("It learns, and is judged…"))

    def _show_doing(self, text: str, done: int = 0, total: int = 0) -> None:
        self.doing.setText(text)
        self.bar.setAccessibleName(text)
        self.bar.setMaximum(total)
        self.bar.setValue(done)
        self._refresh()

    def _on_taught(self, taught: Taught) -> None:
        self._show_model(taught.model)

    def _on_failed(self, problem: str) -> None:
        super()._on_failed(problem)
        self._refresh()

    def _refresh(self) -> None:
        there = self.model is not None
        taken = not there and self.name.text().strip() in adapted_names()
        self.form.setRowVisible(self.taken, taken)
        for button in (self.use_button, self.forget_button):
            button.setVisible(there)
        self.close_button.setText(tr("Stop") if self._running else tr("Close"))
        for part in (self.doing, self.bar):
            part.setVisible(self._running)
        self.teach_button.setVisible(not there)
        self.teach_button.setEnabled(not self._running and bool(self.name.text().strip()))
        for control in (self.name, self.base):
            control.setEnabled(not self._running and not there)
        self.fit()

    def _show_model(self, model: AdaptedModel | None) -> None:
        self.model = model
        empty_out(self.scores)
        self.verdict.setVisible(model is not None)
        self.how.setVisible(model is not None)
        if model is not None:
            self.verdict.setText(verdict_text(model))
            self.how.setText(
                " ".join(filter(None, (how_text(model), advice_text(model.judgement))))
            )
            self._show_scores(model)
            self.use_button.setProperty("primary", model.better)
            self.use_button.style().polish(self.use_button)
        self._refresh()
        if model is not None:
            first = self.use_button if model.better else self.close_button
            first.setDefault(True)
            first.setFocus()

    def _show_scores(self, model: AdaptedModel) -> None:
        judged = model.judgement
        base = tr("guessing") if judged.guessing else base_title(model.base)
        rows = [("", tr("labels"), base, model.name, tr("difference, 95 %"))]
        guessed = percent(judged.base_uar)
        for one in judged.classes:
            before = guessed if one.base is None else percent(one.base)
            between = tr("{low} to {high}", low=points(one.low), high=points(one.high))
            name = emotion_name(one.label)
            rows.append((name, str(one.labels), before, percent(one.adapted), between))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                role = "caption" if not row else "muted" if column else ""
                cell = label(text, self, role, plain=True)
                if column:
                    cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                self.scores.addWidget(cell, row, column)
