"""Moving along a live time axis: how much of it is shown, and the way back to the newest."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from emolive.i18n import mark, tr
from emolive.times import duration_text
from emolive.ui.controls import ChoiceButton, IconButton
from emolive.ui.icons import icon
from emolive.ui.layouts import hbox
from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.panel import MARGIN_RIGHT
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.ui.timeline.voice_panels import VOICE_PANELS

SPANS_S = {mark("1 min"): 60.0, mark("5 min"): 300.0, mark("30 min"): 1800.0, mark("All"): None}


class SpanButtons(QWidget):
    """One button for each of `SPANS_S`; the one that the axis shows is chosen."""

    def __init__(self, axis: TimeAxis, parent: QWidget) -> None:
        super().__init__(parent)
        self._axis = axis
        self.buttons = {
            text: ChoiceButton(tr(text), tr("Show {span}", span=tr(text)), self) for text in SPANS_S
        }
        hbox(*self.buttons.values(), within=self, gap=2)
        for text, button in self.buttons.items():
            button.clicked.connect(lambda _=False, text=text: self.show_span(text))
        axis.span_changed.connect(self._mark)
        self._mark()

    def show_span(self, text: str) -> None:
        """Show one of `SPANS_S`."""
        span_s = SPANS_S[text]
        if span_s is None:
            self._axis.show_whole()
        else:
            self._axis.set_span(span_s)
        self._mark()

    def _mark(self) -> None:
        for text, button in self.buttons.items():
            span_s = SPANS_S[text]
            chosen = self._axis.whole if span_s is None else self._axis.span_s == span_s
            button.setChecked(chosen and (span_s is None or not self._axis.whole))


class BackToLive(Themed, QPushButton):
    """Floats above the right end of `ruler` while the axis does not follow the newest audio."""

    def __init__(self, axis: TimeAxis, ruler: QWidget, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._axis, self._ruler = axis, ruler
        self.setProperty("primary", True)
        self.setProperty("pill", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Back to live"))
        self.clicked.connect(lambda: axis.follow_live())
        self._widest = 0
        self.hide()
        axis.follow_changed.connect(self.refresh)
        self._recolour()

    def _recolour(self) -> None:
        self.setIcon(icon("next", self.theme.on_accent))

    def refresh(self) -> None:
        """Say how far behind the axis is; gone while it follows."""
        if not self._axis.follow:
            behind = duration_text(self._axis.behind_s)
            text = tr("Back to live · {behind} behind", behind=behind)
            if text != self.text():
                self.setText(text)
                # It may grow, but not shrink and grow with each second.
                self._widest = max(self._widest, self.sizeHint().width())
                self.setMinimumWidth(self._widest)
                self.place()
        self.setVisible(not self._axis.follow)

    def place(self) -> None:
        """Keep to the corner; for whoever moves the ruler."""
        self.adjustSize()
        corner = self._ruler.geometry().topRight()
        self.move(corner.x() - self.width() - MARGIN_RIGHT - 8, corner.y() - self.height() - 10)


class LaneButton(IconButton):
    """`chosen` tells the keys of the lanes that are to be shown."""

    chosen = Signal(tuple)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        name = tr("Voice: pitch, intensity, formants, speech rate")
        super().__init__("layers", name, theme, parent, keys="P")
        self.setCheckable(True)
        self.menu_of_lanes = QMenu(self)
        self.lanes: dict[str, QAction] = {}
        for panel in VOICE_PANELS:
            action = self.menu_of_lanes.addAction(tr(panel.menu))
            action.setCheckable(True)
            action.triggered.connect(lambda _=False: self.chosen.emit(self.shown))
            self.lanes[panel.key] = action
        self.menu_of_lanes.addSeparator()
        self.all = self.menu_of_lanes.addAction(tr("All of them"))
        self.all.triggered.connect(lambda _=False: self.chosen.emit(tuple(self.lanes)))
        self.none = self.menu_of_lanes.addAction(tr("None"))
        self.none.triggered.connect(lambda _=False: self.chosen.emit(()))
        self.clicked.connect(lambda _=False: self.open())

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys of the lanes that are ticked."""
        return tuple(key for key, action in self.lanes.items() if action.isChecked())

    def show_lanes(self, keys: Iterable[str]) -> None:
        """Tick these."""
        wanted = set(keys)
        for key, action in self.lanes.items():
            action.setChecked(key in wanted)
        self.setChecked(bool(self.shown))

    def open(self) -> None:
        """Open the menu."""
        self.setChecked(bool(self.shown))
        self.menu_of_lanes.popup(self.mapToGlobal(self.rect().bottomLeft()))
