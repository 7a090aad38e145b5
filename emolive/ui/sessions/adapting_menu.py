"""The replay page's choice of what a session is adapted to; it is decided anew at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from emolive.baseline import PRESETS, ExpectedMix
from emolive.i18n import tr
from emolive.inference.decision import DecisionConfig
from emolive.inference.known_models import called
from emolive.session.library import Library
from emolive.session.readapting import readapt
from emolive.session.records import SessionInfo, SessionState
from emolive.session.session_history import SessionHistory, load
from emolive.types import Baseline
from emolive.ui.background import Background
from emolive.wording import readapted_text


class AdaptingMenu(QMenu):
    """The mixes that are expected of a source, and none."""

    chosen = Signal(object)  # ExpectedMix; None: the model's own answers

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Adapted to the source"), parent)
        self._shown: SessionInfo | None = None
        self._baseline: Baseline | None = None
        group = QActionGroup(self)
        # A share of one's own is none of these.
        group.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
        for mix, text in (
            (None, tr("Not at all: the model's own answers")),
            (ExpectedMix(PRESETS["calls"]), tr("Mostly neutral calls")),
            (ExpectedMix(PRESETS["talk"]), tr("Lively talk")),
            (ExpectedMix(PRESETS["balanced"]), tr("Balanced recordings")),
        ):
            action = self.addAction(text)
            action.setCheckable(True)
            action.setData(mix)
            action.triggered.connect(lambda _, mix=mix: self.chosen.emit(mix))
            group.addAction(action)

    def show_session(self, info: SessionInfo, baseline: Baseline | None) -> None:
        """Check what is in force."""
        self._shown, self._baseline = info, baseline
        self.setEnabled(info.state is SessionState.COMPLETE)
        shown = None if baseline is None else ExpectedMix(baseline.expected_neutral)
        for action in self.actions():
            action.setChecked(action.data() == shown)

    def ask(
        self,
        worker: Background,
        library: Library,
        expected: ExpectedMix | None,
        decision: DecisionConfig,
        done: Callable[[tuple[str, SessionHistory]], None],
        failed: Callable[[str], None],
    ) -> None:
        """Decide the shown session anew; `done` gets what changed, and the session."""
        shown, baseline = self._shown, self._baseline
        assert shown is not None

        def work() -> tuple[str, SessionHistory]:
            found = readapt(library, shown.id, called(shown.model), expected, decision)
            told = [one.told for one in found.baselines.values()]
            text = readapted_text(found.windows, found.changed, told)
            return text, load(library, shown.id)

        def not_done(problem: str) -> None:
            if self._shown is shown:
                self.show_session(shown, baseline)
            failed(problem)

        worker.ask(work, done, not_done, key="readapt")
