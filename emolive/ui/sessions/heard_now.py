"""What the model decided at the cursor, one chip per stream."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.history.rings import NO_LABEL
from emolive.labels import emotion_name
from emolive.session.session_history import SessionHistory
from emolive.types import SpeechState
from emolive.ui.painting import clipped, fill_rounded, fill_state, write
from emolive.ui.theme import Painted, Theme, font
from emolive.ui.timeline.decisions import STATES
from emolive.wording import percent, state_name, stream_name

_HEIGHT = 24
_GAP = 8


@dataclass(frozen=True, slots=True)
class _Chip:
    stream: str
    text: str
    label: int | None
    state: SpeechState


class HeardNow(Painted, QWidget):
    """Follows the cursor; draws only when something else is decided."""

    hint = (150, 28)  # room for one stream

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._session: SessionHistory | None = None
        self._chips: tuple[_Chip, ...] = ()
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        """What is shown, in words."""
        return ", ".join(f"{chip.stream} {chip.text}".strip() for chip in self._chips)

    def show_session(self, session: SessionHistory) -> None:
        """Follow the cursor in this session."""
        self._session = session
        self._chips = ()
        self.show_position(0.0)
        self.update()

    def show_position(self, at_s: float) -> None:
        """Show what is decided at a time."""
        chips = () if self._session is None else self._chips_at(self._session, at_s)
        if chips != self._chips:
            self._chips = chips
            self.setAccessibleName(self.text)
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the chips from the right, as many as there is room for."""
        bold, plain = QFontMetricsF(font(13, bold=True)), QFontMetricsF(font(12))
        right = float(self.width())
        middle = Qt.AlignmentFlag.AlignVCenter
        for chip in reversed(self._chips):
            width = bold.horizontalAdvance(chip.text) + 22
            name = plain.horizontalAdvance(chip.stream) + 6 if chip.stream else 0.0
            if right - width - name < 0:
                break
            box = QRectF(right - width, (self.height() - _HEIGHT) / 2, width, _HEIGHT)
            write(
                painter,
                box,
                chip.text,
                self._ink(painter, chip, box),
                13,
                Qt.AlignmentFlag.AlignCenter,
                bold=True,
            )
            if chip.stream:
                painter.setFont(font(12))
                painter.setPen(self.theme.colour("muted"))
                painter.drawText(QRectF(box.left() - name, 0, name, self.height()), middle,
                                 chip.stream)  # fmt: skip
            right = box.left() - name - _GAP

    def _ink(self, painter: QPainter, chip: _Chip, box: QRectF) -> QColor:
        """Fill a chip; returns the colour of its text."""
        session = self._session
        if session is not None and chip.label is not None:
            swatch = self.theme.swatch(session.info.labels[chip.label])
            fill_rounded(painter, box, 6, QColor(swatch.fill(dark=self.theme.dark)))
            return QColor(swatch.ink(dark=self.theme.dark))
        with clipped(painter, box, 6):
            fill_state(painter, box, chip.state, self.theme)
            painter.fillRect(box, self.theme.colour("surface", 170))
        return self.theme.colour("text")

    def _chips_at(self, session: SessionHistory, at_s: float) -> tuple[_Chip, ...]:
        several = len(session.streams) > 1
        chips = []
        for stream in session.streams:
            row = stream.decisions.nearest(at_s, session.hop_s)
            if not len(row):
                continue
            state = STATES[int(row.state[0])]
            label = int(row.label[0])
            name = stream_name(stream.name) if several else ""
            if label == NO_LABEL:
                chips.append(_Chip(name, state_name(state), None, state))
            else:
                text = f"{emotion_name(session.info.labels[label])} {percent(row.confidence[0])}"
                chips.append(_Chip(name, text, label, state))
        return tuple(chips)
