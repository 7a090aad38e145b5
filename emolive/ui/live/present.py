"""The upper part of the live page: what is heard right now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from emolive.history.model import MonitorModel, StreamModel
from emolive.i18n import tr
from emolive.types import EngineState
from emolive.ui.controls import ChoiceButton, card, label
from emolive.ui.layouts import STRETCH, hbox
from emolive.ui.live.bars import ClassBars
from emolive.ui.live.current import CurrentCard, card_text
from emolive.ui.live.meter import LevelMeter
from emolive.ui.live.plane import CircumplexPanel
from emolive.ui.live.trend import TrendPanel
from emolive.ui.live.view import LiveView
from emolive.ui.theme import SPACE, Theme

MAX_STREAMS = 2
# From this width on, the views stand side by side; below, tabs choose one.
SIDE_BY_SIDE_PX = 1360
# Below it, there is only room for the cards.
CARDS_ONLY_PX = 620


VIEWS: tuple[type[LiveView], ...] = (ClassBars, TrendPanel, CircumplexPanel)


class Insight(QWidget):
    """`VIEWS` of the same answers, one at a time where room is short."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views = {kind.name: kind(theme, self) for kind in VIEWS}
        self._shown = VIEWS[0].name
        self._wide = False
        self.tabs: dict[str, ChoiceButton] = {}
        self._frames: dict[str, QFrame] = {}
        self._heads: dict[str, QLabel] = {}
        row = hbox(within=self, gap=SPACE)
        for name, view in self.views.items():
            head = self._heads[name] = label(tr(view.title), self, "caption")
            frame = card(self, head, (view, 1), margins=(14, 7, 14, 9), gap=3)
            self._frames[name] = frame
            row.addWidget(frame, view.stretch)
        self._make_tabs()
        self._arrange()

    def set_wide(self, wide: bool) -> None:
        """Show all views side by side, or the chosen one."""
        if wide != self._wide:
            self._wide = wide
            self._arrange()

    def show_view(self, name: str) -> None:
        """Choose one of `VIEWS` by its name."""
        self._shown = name
        self._arrange()
        self.chosen.emit(name)

    def _make_tabs(self) -> None:
        """One row of tabs, which moves into the frame that is shown."""
        self._tab_row = QWidget(self)
        for key, (name, view) in enumerate(self.views.items(), 1):
            tab = ChoiceButton(tr(view.title), f"{tr(view.tip)} ({key})", self._tab_row)
            tab.clicked.connect(lambda _=False, name=name: self.show_view(name))
            self.tabs[name] = tab
        hbox(*self.tabs.values(), STRETCH, within=self._tab_row, gap=2)

    def _arrange(self) -> None:
        for name, frame in self._frames.items():
            shown = self._wide or name == self._shown
            frame.setVisible(shown)
            self._heads[name].setVisible(self._wide)
            self.tabs[name].setChecked(name == self._shown)
        self._tab_row.setVisible(not self._wide)
        if not self._wide:
            layout = self._frames[self._shown].layout()
            assert isinstance(layout, QVBoxLayout)
            layout.insertWidget(0, self._tab_row)
            self._tab_row.show()


class Present(QWidget):
    """A card per stream, the views of the answers, and level meters."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards = [CurrentCard(theme, self) for _ in range(MAX_STREAMS)]
        self.insight = Insight(theme, self)
        self.meter = LevelMeter(theme, self)
        self._meter_card = card(self, self.meter, margins=(10, 10, 10, 8))
        self._several = False
        self._big = False
        cards = ((one, 10) for one in self.cards)
        self._row = hbox(*cards, (self.insight, 8), self._meter_card, within=self, gap=SPACE)
        self.cards[1].hide()

    def set_big(self, big: bool) -> None:
        """Show nothing but the cards, to be read from across a room."""
        self._big = big
        self._arrange()

    def set_streams(self, labels: tuple[str, ...], streams: Sequence[StreamModel]) -> None:
        """Make room for these streams, at most `MAX_STREAMS`; none: no run yet."""
        self._several = len(streams) > 1
        self.cards[1].setVisible(self._several)
        for view in self.insight.views.values():
            view.set_streams(labels, streams)
        self.meter.set_streams(streams)
        for i, one in enumerate(self.cards):
            one.set_stream(labels, streams[i].name if self._several else "")
        self._arrange()

    def refresh(self, model: MonitorModel | None, state: EngineState) -> None:
        """Show the newest decisions and levels; what did not change costs nothing."""
        streams = [*model.streams.values()][:MAX_STREAMS] if model else []
        window_s = model.facts.window_s if model else 3.0
        for i, one in enumerate(self.cards):
            stream = streams[i] if i < len(streams) else None
            one.show_text(card_text(stream, state, window_s))
        for view in self.insight.views.values():
            view.refresh(running=state is EngineState.RUNNING)
        if state.at_rest:
            self.meter.set_streams(())
        else:
            self.meter.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the views the room that is left."""
        self._arrange()
        super().resizeEvent(event)

    def _arrange(self) -> None:
        width = self.width()
        wide = width >= SIDE_BY_SIDE_PX
        roomy = width >= (CARDS_ONLY_PX + 160 if self._several else CARDS_ONLY_PX)
        self.insight.setVisible(roomy and not self._big)
        self._meter_card.setVisible(roomy and not self._big)
        self.insight.set_wide(wide)
        # All views together need more than the cards; one of them less.
        cards = 10 if not wide else (8 if self._several else 13)
        for one in self.cards:
            self._row.setStretchFactor(one, cards)
        self._row.setStretchFactor(self.insight, 28 if wide else 9)
