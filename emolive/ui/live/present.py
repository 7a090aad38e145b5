"""The upper part of the window: what is heard right now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from emolive.types import EngineState
from emolive.ui.history.model import MonitorModel, RunInfo, StreamModel
from emolive.ui.live.classes import ClassBars
from emolive.ui.live.current import CurrentCard, card_text
from emolive.ui.live.meter import LevelMeter
from emolive.ui.theme import SPACE, Theme

MAX_STREAMS = 2
AT_REST = (EngineState.IDLE, EngineState.STOPPED, EngineState.FAILED)


class Present(QWidget):
    """A card per stream, class probabilities beside a single one, and level meters."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards = [CurrentCard(theme, self) for _ in range(MAX_STREAMS)]
        self.bars = ClassBars(theme, self)
        self.meter = LevelMeter(theme, self)
        self._bars_card = _card(self.bars, (16, 10, 16, 10))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        for card in self.cards:
            row.addWidget(card, 5)
        row.addWidget(self._bars_card, 4)
        row.addWidget(_card(self.meter, (10, 10, 10, 8)))
        self.cards[1].hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw everything in other colours."""
        for card in self.cards:
            card.set_theme(theme)
        self.bars.set_theme(theme)
        self.meter.set_theme(theme)

    def set_streams(self, info: RunInfo | None, streams: Sequence[StreamModel]) -> None:
        """Make room for these streams, at most `MAX_STREAMS`; None and none: no run yet."""
        several = len(streams) > 1
        labels = info.labels if info else ()
        self.cards[1].setVisible(several)
        self._bars_card.setVisible(not several)
        self.bars.set_labels(labels)
        self.meter.set_streams(streams)
        for i, card in enumerate(self.cards):
            card.set_stream(labels, streams[i].name if several else "")

    def refresh(self, model: MonitorModel | None, state: EngineState) -> None:
        """Show the newest decisions and levels; what did not change costs nothing."""
        streams = [*model.streams.values()][:MAX_STREAMS] if model else []
        window_s = model.info.window_s if model else 3.0
        for i, card in enumerate(self.cards):
            stream = streams[i] if i < len(streams) else None
            card.show_text(card_text(stream, state, window_s))
        if state in AT_REST:
            self.meter.set_streams(())
            self.bars.show_probabilities(None)
            return
        self.meter.refresh()
        if len(streams) == 1:
            current = streams[0].current if state is EngineState.RUNNING else None
            self.bars.show_probabilities(current.probabilities if current else None)


def _card(content: QWidget, margins: tuple[int, int, int, int]) -> QFrame:
    frame = QFrame()
    frame.setProperty("card", True)
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(*margins)
    layout.addWidget(content)
    return frame
