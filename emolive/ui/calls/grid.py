"""Where the calls lie on the wall: cards in columns, or rows of a list."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from emolive.i18n import tr
from emolive.types import Severity
from emolive.ui.calls.model import CallModel
from emolive.ui.calls.tile import CARD_HEIGHT, CARD_WIDTH, ROW_HEIGHT, CallTile
from emolive.ui.controls import discard
from emolive.ui.theme import SPACE, Theme, Themed

RESORT_S = 3.0
# Negative emotion counts in steps, and a step is left only when it is clearly left.
_STEP = 0.2
_HOLD = 0.08
_SEVERITIES = list(Severity)


def severity_rank(model: CallModel) -> int:
    """Of the gravest alert nobody has seen to: 3 critical, 2 warning, 1 info, 0 none."""
    ranks = (_SEVERITIES.index(entry.alert.severity) + 1 for entry in model.open_alerts)
    return max(ranks, default=0)


class UrgencyOrder:
    """Sorts calls at most every `RESORT_S` seconds; equals keep their places.

    First those with alerts nobody has seen to, by severity; then by how unpleasant it is, in steps;
    those that are over go last. New calls go to the end until the next sorting.
    """

    def __init__(self) -> None:
        """Nothing sorted yet."""
        self._order: list[str] = []
        self._steps: dict[str, int] = {}
        self._sorted_at = -RESORT_S

    def arrange(self, models: Sequence[CallModel], now: float, *, hold: bool = False) -> list[str]:
        """Ids in the order to show; `now` is a monotonic clock's, `hold` keeps the places."""
        by_id = {model.info.id: model for model in models}
        order = [call_id for call_id in self._order if call_id in by_id]
        order += [call_id for call_id in by_id if call_id not in order]
        if not hold and now - self._sorted_at >= RESORT_S:
            self._sorted_at = now
            self._steps = {call_id: self._step(by_id[call_id]) for call_id in order}
            order.sort(key=lambda call_id: self._key(by_id[call_id]))
        self._order = order
        return list(order)

    def _key(self, model: CallModel) -> tuple[int, bool, int]:
        return (-severity_rank(model), model.over, -self._steps[model.info.id])

    def _step(self, model: CallModel) -> int:
        before = self._steps.get(model.info.id)
        step = int(model.negative / _STEP)
        if before is None or step == before:
            return step
        edge = _STEP * max(step, before)
        return step if abs(model.negative - edge) >= _HOLD or abs(step - before) > 1 else before


_MAX_COLUMNS = 16
# So many times as large as it must be, and so many times as high as its width asks for.
_LARGEST, _TALLEST = 4.0, 2.0
_ROW_GAP = 6
_CALL_KEYS = (
    Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete,
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down,
)  # fmt: skip


class CallGrid(Themed, QWidget):
    """The tiles. `opened`, `acknowledged` and `removed` carry the id of a call."""

    opened = Signal(str)
    acknowledged = Signal(str)
    removed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName("plain")
        self.setAccessibleName(tr("Calls, the most urgent first"))
        self.as_list = False
        self.tiles: dict[str, CallTile] = {}
        self.order: list[str] = []
        self._last: str | None = None
        self._scale = 1.0
        self._columns = 1
        self._room = 0

    def add(self, model: CallModel) -> None:
        """A new call, at the end."""
        call_id = model.info.id
        tile = CallTile(model, self.theme, self)
        tile.clicked.connect(lambda: self.opened.emit(call_id))
        tile.acknowledge.connect(lambda: self.acknowledged.emit(call_id))
        tile.remove.connect(lambda: self.removed.emit(call_id))
        self.tiles[call_id] = tile
        self.order.append(call_id)
        tile.show()
        self._place()

    def remove(self, call_id: str) -> None:
        """Take a call away; the focus goes to its neighbour."""
        tile = self.tiles.pop(call_id, None)
        if tile is None:
            return
        index = self.order.index(call_id)
        self.order.remove(call_id)
        if tile.hasFocus() and self.order:
            self.tiles[self.order[min(index, len(self.order) - 1)]].setFocus()
        discard(tile)
        self._place()

    def show_order(self, order: Sequence[str]) -> None:
        """Put the calls in this order; free if they are."""
        if list(order) != self.order:
            self.order = list(order)
            self._place()
            tiles = [self.tiles[call_id] for call_id in self.order]
            for before, after in itertools.pairwise(tiles):
                QWidget.setTabOrder(before, after)

    def show_list(self, as_list: bool) -> None:
        """Show a list, or cards."""
        self.as_list = as_list
        self._place()

    def focus_first(self) -> None:
        """Give the most urgent call the focus."""
        if self.order:
            self.tiles[self.order[0]].setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def columns(self) -> int:
        """How many calls lie side by side."""
        if self.as_list:
            return 1
        return self._columns

    def set_room(self, height: int) -> None:
        """How high the wall is seen: few calls are shown larger."""
        if height != self._room:
            self._room = height
            self._place()

    def _arrangement(self) -> tuple[int, float, int]:
        """Columns, and scale and height of the cards: as large as all are seen at once.

        Where they are too many for that, cards are as small as they may be, and are scrolled.
        """
        count = max(1, len(self.order))
        wide, high = self.width() + SPACE, self._room + SPACE

        def scale_of(columns: int) -> float:
            across = (wide / columns - SPACE) / CARD_WIDTH
            return float(min(across, (high / -(-count // columns) - SPACE) / CARD_HEIGHT))

        columns = max(range(1, min(count, _MAX_COLUMNS) + 1), key=scale_of)
        scale = min(_LARGEST, scale_of(columns))
        if scale < 1.0:
            fits = int(wide // (CARD_WIDTH + SPACE))
            return max(1, min(_MAX_COLUMNS, fits)), 1.0, CARD_HEIGHT
        room = int(high / -(-count // columns) - SPACE)
        return columns, scale, min(room, round(CARD_HEIGHT * scale * _TALLEST))

    @property
    def current(self) -> str | None:
        """The call that has the focus, or had it last."""
        return self._last if self._last in self.tiles else next(iter(self.order), None)

    def note_focus(self, widget: QWidget | None) -> None:
        """The focus went to `widget`."""
        if isinstance(widget, CallTile) and (call_id := widget.model.info.id) in self.tiles:
            self._last = call_id

    def take_key(self, event: QKeyEvent) -> bool:
        """A key that came while no call had the focus; whether it is for one.

        The focus goes back to the call that had it. Delete does no more than that: what is to be
        removed must be seen first.
        """
        if self.current is None or event.key() not in _CALL_KEYS:
            return False
        tile = self.tiles[self.current]
        if not tile.hasFocus():
            tile.setFocus(Qt.FocusReason.OtherFocusReason)
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                tile.click()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from call to call."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self.columns,
            Qt.Key.Key_Down: self.columns,
        }
        step = steps.get(Qt.Key(event.key()))
        focus = QApplication.focusWidget()
        at = next((i for i, c in enumerate(self.order) if self.tiles[c] is focus), None)
        if step is None or at is None:
            super().keyPressEvent(event)
            return
        if 0 <= at + step < len(self.order):
            self.tiles[self.order[at + step]].setFocus(Qt.FocusReason.TabFocusReason)

    def _place(self) -> None:
        self._columns, self._scale, height = self._arrangement()
        columns = self.columns
        gap = _ROW_GAP if self.as_list else SPACE
        height = ROW_HEIGHT if self.as_list else height
        for tile in self.tiles.values():
            tile.show_as(self.as_list, self._scale, height)
        width = (self.width() - gap * (columns - 1)) / columns
        for index, call_id in enumerate(self.order):
            row, column = divmod(index, columns)
            left = round(column * (width + gap))
            right = round(column * (width + gap) + width)
            self.tiles[call_id].setGeometry(left, row * (height + gap), right - left, height)
        rows = -(-len(self.order) // columns)
        self.setMinimumHeight(max(0, rows * (height + gap) - gap))

    _resized = _place
