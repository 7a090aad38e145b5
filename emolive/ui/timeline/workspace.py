"""The panels on the time axis: timelines, spectrograms and levels, one set per stream."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from emolive import resources
from emolive.ui.history.model import RunInfo, StreamModel
from emolive.ui.live.classes import Legend
from emolive.ui.theme import Theme
from emolive.ui.timeline.decisions import DecisionBand, ProbabilityPanel
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import MARGIN_LEFT, MARGIN_RIGHT, TimePanel, TimeRuler
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.time_axis import TimeAxis

SPANS_S = {"1 min": 60.0, "5 min": 300.0, "30 min": 1800.0, "All": None}


class EmptyState(QWidget):
    """What stands where the timeline will be."""

    demo = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        picture = QLabel(self)
        picture.setPixmap(QIcon(str(resources.asset(resources.ICON))).pixmap(72, 72))
        self.title = QLabel(self)
        self.title.setProperty("role", "elapsed")
        self.text = text = QLabel(
            "Choose an input above and press Space to start.\n"
            "Everything is analysed on this computer; no audio leaves it.",
            self,
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QPushButton("Play the demo clip", self)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self.demo)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch()
        column.addWidget(picture, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(text, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
        self.show_starting(False)

    def show_starting(self, starting: bool) -> None:
        """Whether the timeline is about to come, or a choice is needed first."""
        title = "Getting ready…" if starting else "The emotion timeline appears here"
        self.title.setText(title)
        self.text.setVisible(not starting)
        self.button.setVisible(not starting)


class Workspace(QFrame):
    """Legend and view controls above the panels, which share one axis and one left margin."""

    demo = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.theme = theme
        self.axis = TimeAxis(self)
        self.legend = Legend(theme, self)
        self.empty = EmptyState(self)
        self.empty.demo.connect(self.demo)
        self.ruler = TimeRuler(self.axis, theme, self)
        self.panels: list[TimePanel] = []
        self.live = _segment("Live", "Follow the newest audio (L)", self)
        self.live.setChecked(True)
        self.live.clicked.connect(lambda: self.axis.follow_live())
        self.axis.follow_changed.connect(self.live.setChecked)
        self.spans = {text: _segment(text, f"Show {text}", self) for text in SPANS_S}
        for text, button in self.spans.items():
            button.clicked.connect(lambda _=False, text=text: self.show_span(text))
        self.axis.span_changed.connect(self._mark_span)
        self._mark_span()

        tools = QHBoxLayout()
        tools.setContentsMargins(MARGIN_LEFT, 0, MARGIN_RIGHT, 0)
        tools.setSpacing(2)
        tools.addWidget(self.legend, 1)
        tools.addSpacing(10)
        for button in (*self.spans.values(), self.live):
            tools.addWidget(button)
        self._stack = QVBoxLayout()
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(0)
        plots = QWidget(self)
        column = QVBoxLayout(plots)
        column.setContentsMargins(0, 8, 0, 4)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addLayout(self._stack, 1)
        column.addWidget(self.ruler)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(1, 1, 1, 1)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(plots)

    def set_theme(self, theme: Theme) -> None:
        """Draw everything in other colours."""
        self.theme = theme
        self.legend.set_theme(theme)
        self.ruler.set_theme(theme)
        for panel in self.panels:
            panel.set_theme(theme)

    def set_streams(self, info: RunInfo, streams: Sequence[StreamModel]) -> None:
        """Build the panels of a run: first the timelines, then the spectrograms, then levels."""
        self.clear()
        several = len(streams) > 1
        self.legend.set_labels(info.labels)
        gap = 4 if several else 7
        for stream in streams:
            timeline = ProbabilityPanel(self.axis, self.theme, stream, info.hop_s, self)
            timeline.setAccessibleName(f"Emotion probabilities over time, {stream.name}")
            timeline.caption = stream.name if several else ""
            band = DecisionBand(self.axis, self.theme, stream, info.hop_s, self)
            band.setAccessibleName(f"Decided emotions over time, {stream.name}")
            self._add(timeline, 100, 2)
            self._add(band, 0, gap)
        for stream in streams:
            spectrogram = SpectrogramPanel(self.axis, self.theme, stream, info.front_end, self)
            spectrogram.setAccessibleName(f"Log-mel spectrogram, {stream.name}")
            spectrogram.caption = stream.name if several else ""
            self._add(spectrogram, 52, gap)
        for stream in streams:
            level = LevelPanel(self.axis, self.theme, stream, self)
            level.setAccessibleName(f"Level over time, {stream.name}")
            level.setMinimumHeight(24 if several else 34)
            level.setMaximumHeight(90)
            level.caption = stream.name if several else ""
            self._add(level, 22, 2)
        self._pages.setCurrentIndex(1)

    def clear(self) -> None:
        """Remove the panels; the empty state shows."""
        self._pages.setCurrentIndex(0)
        self.axis.reset()
        for panel in self.panels:
            panel.hide()
            panel.deleteLater()
        self.panels = []
        while self._stack.takeAt(0) is not None:
            pass

    def refresh(self, now_s: float, oldest_s: float) -> None:
        """One frame: move the axis, draw what is new."""
        self.axis.advance(now_s, oldest_s)
        for panel in self.panels:
            panel.refresh()

    def show_span(self, text: str) -> None:
        """Show one of `SPANS_S`."""
        span_s = SPANS_S[text]
        if span_s is None:
            self.axis.show_whole()
        else:
            self.axis.set_span(span_s)
        self._mark_span()

    def _mark_span(self) -> None:
        for text, button in self.spans.items():
            span_s = SPANS_S[text]
            chosen = self.axis.whole if span_s is None else self.axis.span_s == span_s
            button.setChecked(chosen and (span_s is None or not self.axis.whole))

    def _add(self, panel: TimePanel, stretch: int, gap: int) -> None:
        self.panels.append(panel)
        self._stack.addWidget(panel, stretch)
        self._stack.addSpacing(gap)


def _segment(text: str, tip: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setProperty("segment", True)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(tip)
    return button
