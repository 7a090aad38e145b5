"""The top of the replay page: which session this is, and what can be done with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from emolive.i18n import moment_text, tr
from emolive.session.records import SessionInfo, SessionState
from emolive.times import duration_text
from emolive.types import Baseline
from emolive.ui.controls import ElidedLabel, IconButton, push_button, text_field
from emolive.ui.layouts import hbox, vbox
from emolive.ui.sessions.adapting_menu import AdaptingMenu
from emolive.ui.theme import Theme
from emolive.ui.timeline.curve_panel import CurvePanel
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import TimePanel
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.rating_panels import RATING_PANELS
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.voice_panels import VOICE_PANELS
from emolive.wording import adapted_text


class ReplayHeader(QWidget):
    """Back, title (a field), facts; compare, export, view, side panel."""

    renamed = Signal(str)
    export = Signal()
    compare = Signal()
    side = Signal(bool)
    why = Signal()
    kind_shown = Signal(object, bool)  # class of a panel

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.back_button = IconButton("back", tr("Back to the list"), theme, self, keys="Esc")
        self.title = text_field(tr("Title of the session"), self, tip=tr("Click to rename"))
        self.title.setProperty("plain", True)
        self.title.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.title.editingFinished.connect(self._on_title)
        self.facts = ElidedLabel(self, "muted")
        self.compare_button = push_button(
            tr("Compare models…"), self, lambda: self._go(self.compare),
            tip=tr("Analyse this session with another model, side by side"),
        )  # fmt: skip
        self.why_button = push_button(
            tr("Why?"),
            self,
            self.why.emit,
            tip=tr("Why the moment at the cursor was decided so (W)"),
        )
        self.export_button = push_button(tr("Export…"), self, lambda: self._go(self.export))
        self.view_button = IconButton("layers", tr("What to show"), theme, self)
        self.view_button.clicked.connect(self._on_view)
        self.view_menu = QMenu(self)
        self.kinds: dict[type[TimePanel], QAction] = {}
        for kind, text in (
            (ProbabilityPanel, tr("Probabilities")),
            (SpectrogramPanel, tr("Spectrogram")),
            (LevelPanel, tr("Level")),
        ):
            action = self.view_menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(True)
            action.toggled.connect(lambda on, kind=kind: self.kind_shown.emit(kind, on))
            self.kinds[kind] = action
        self.view_menu.addSeparator()
        curves: tuple[type[CurvePanel[Any]], ...] = (*VOICE_PANELS, *RATING_PANELS)
        for panel in curves:
            action = self.view_menu.addAction(tr(panel.menu))
            action.setCheckable(True)
            action.toggled.connect(lambda on, kind=panel: self.kind_shown.emit(kind, on))
            self.kinds[panel] = action
        self.view_menu.addSeparator()
        self.adapting = AdaptingMenu(self)
        self.view_menu.addMenu(self.adapting)
        self.side_button = IconButton("panel", tr("Summary, marks, notes"), theme, self)
        self.side_button.setCheckable(True)
        self.side_button.clicked.connect(self.side)
        self.facts.setContentsMargins(9, 0, 0, 0)
        hbox(
            self.back_button,
            (vbox(self.title, self.facts, gap=0), 1),
            self.why_button,
            self.compare_button,
            self.export_button,
            self.view_button,
            self.side_button,
            within=self,
            gap=6,
        )
        self._shown = ""

    def show_session(self, info: SessionInfo, baseline: Baseline | None = None) -> None:
        """Say which session this is; `baseline`: how far its answers are adapted."""
        self._shown = info.title
        self.title.setText(info.title)
        self.title.setPlaceholderText(tr("Untitled"))
        self.title.setCursorPosition(0)
        facts = [
            moment_text(info.started_at.astimezone()),
            duration_text(info.duration_s),
            info.model,
        ]
        if info.state is SessionState.RECORDING:
            facts.append(tr("being recorded: shown as far as it is stored"))
        elif info.recovered:
            facts.append(tr("recovered"))
        if baseline is not None:
            facts.append(adapted_text(baseline))
        facts += [f"#{tag}" for tag in info.tags]
        self.facts.show_whole("  ·  ".join(facts))
        self.compare_button.setEnabled(info.has_audio and info.state is SessionState.COMPLETE)
        self.adapting.show_session(info, baseline)

    def show_ratings(self, on: bool) -> None:
        """What is being rated shall be seen."""
        for kind in RATING_PANELS if on else ():
            self.kinds[kind].setChecked(True)

    def _on_title(self) -> None:
        text = self.title.text().strip()
        if text != self._shown:
            self._shown = text
            self.renamed.emit(text)

    def _go(self, wanted: SignalInstance) -> None:
        """To what a button leads, with a title that is still being written."""
        self._on_title()
        wanted.emit()

    def _on_view(self) -> None:
        below = self.view_button.rect().bottomLeft()
        self.view_menu.popup(self.view_button.mapToGlobal(below))
