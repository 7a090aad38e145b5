"""What the colours and patterns of the timeline mean."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.labels import emotion_name
from emolive.types import SpeechState
from emolive.ui.painting import dots, fill_rounded, hatch
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import state_name

_BOX, _NEAR, _LEAST_GAP = 11.0, 5.0, 8.0
_STATES = (SpeechState.UNCERTAIN, SpeechState.SILENCE)


class Legend(Painted, QWidget):
    """Colour and name of each class, and the patterns of what is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._labels: tuple[str, ...] = ()
        self._states: tuple[SpeechState, ...] = _STATES
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(26)
        self.setAccessibleName(tr("Legend"))

    def set_labels(
        self, labels: tuple[str, ...], *, not_inferred: bool = False, states: bool = True
    ) -> None:
        """Name the classes; `not_inferred`: there is a stream without emotions.

        `states`: also what is no emotion.
        """
        self._labels = labels
        self._states = (*_STATES, SpeechState.NOT_INFERRED) if not_inferred else _STATES
        self._states = self._states if states else ()
        self.setAccessibleDescription(", ".join(self._names()))
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the entries in one line, closer together where room is short."""
        if not self._labels:
            return
        names = self._names()
        # Where it is narrow, names of what is no emotion give way, then all: the tool tip has them.
        for named in (len(names), len(self._labels), 0):
            for px in (12, 11, 10, 9):
                painter.setFont(font(px))
                metrics = painter.fontMetrics()
                widths = [metrics.horizontalAdvance(name) for name in names[:named]]
                free = self.width() - sum(widths) - len(names) * (_BOX + _NEAR)
                gap = min(16.0 if named else 4.0, free / (len(names) - 1))
                if gap >= _LEAST_GAP:
                    break
            if gap >= 2:
                break
        x = 0.0
        self.setToolTip("" if named == len(names) else ", ".join(names))
        fills = self.theme.fills(self._labels)
        for i, name in enumerate(names):
            square = QRectF(x, self.height() / 2 - _BOX / 2, _BOX, _BOX)
            if i < len(fills):
                fill_rounded(painter, square, 3, fills[i])
            else:
                self._paint_state(painter, square, self._states[i - len(fills)])
            x += _BOX + _NEAR
            if i < named:
                painter.setPen(self.theme.colour("muted"))
                text = QRectF(x, 0, widths[i] + 2, self.height())
                painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, name)
                x += widths[i]
            x += gap

    def _names(self) -> tuple[str, ...]:
        emotions = tuple(emotion_name(label) for label in self._labels)
        return (*emotions, *(state_name(state) for state in self._states))

    def _paint_state(self, painter: QPainter, square: QRectF, state: SpeechState) -> None:
        if state is SpeechState.UNCERTAIN:
            fill_rounded(painter, square, 3, self.theme.colour("border"))
            painter.setBrush(hatch(self.theme.text, 130))
        elif state is SpeechState.SILENCE:
            painter.setPen(self.theme.colour("faint"))
            painter.setBrush(hatch(self.theme.faint, 90, 1.0, rising=False))
        else:
            painter.setPen(self.theme.colour("faint"))
            painter.setBrush(dots(self.theme.muted, 220))
        painter.drawRoundedRect(square, 3, 3)
