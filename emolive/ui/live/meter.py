"""Level meters of the present: bar, peak hold, and whether someone speaks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.history.model import StreamModel
from emolive.i18n import tr
from emolive.ui.painting import fill_rounded, write
from emolive.ui.theme import Painted, Theme, font
from emolive.ui.timeline.levels import FLOOR_DBFS
from emolive.wording import stream_name

HOLD_S = 1.5
FALL_DB_PER_S = 24.0
CLIPPING_DBFS = -0.3
_SCALE = (0, -12, -24, -36, -48)


class PeakHold:
    """The highest peak of the last moments, falling slowly after that."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self.dbfs = -math.inf

    def update(self, peak_dbfs: float) -> float:
        """Enter the newest peak; returns what to show."""
        now = self._clock()
        falling = self.dbfs - FALL_DB_PER_S * max(0.0, now - self._since - HOLD_S)
        if peak_dbfs >= falling:
            self.dbfs, self._since = peak_dbfs, now
            return peak_dbfs
        return falling


class LevelMeter(Painted, QWidget):
    """One upright bar per stream in dBFS; clipping and speech are told in words, too."""

    hint = (160, 150)  # wide enough for two bars and their words

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._streams: Sequence[StreamModel] = ()
        self._holds: list[PeakHold] = []
        self._shown: list[float] = []
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)
        self._describe()

    def set_streams(self, streams: Sequence[StreamModel]) -> None:
        """Show these from now on."""
        self._streams = streams
        self._holds = [PeakHold() for _ in streams]
        self._shown = [FLOOR_DBFS for _ in streams]
        self._describe()
        self.update()

    def refresh(self) -> None:
        """Follow the newest levels: up at once, down softly."""
        for i, stream in enumerate(self._streams):
            level = max(FLOOR_DBFS, min(0.0, stream.level_dbfs))
            self._shown[i] = max(level, self._shown[i] + 0.35 * (level - self._shown[i]))
            self._holds[i].update(stream.peak_dbfs)
        self._describe()
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw scale, bars and words."""
        top, bottom = 22.0, self.height() - 24.0
        painter.setFont(font(10))
        painter.setPen(self.theme.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, 26, 13), right, "dBFS")
        for at in _SCALE:
            y = _y(at, top, bottom)
            painter.drawText(QRectF(0, y - 7, 26, 14), right, str(at).replace("-", "−"))
        columns = max(1, len(self._streams))
        room = self.width() - 36.0
        for i in range(columns):
            area = QRectF(34 + i * room / columns, top, room / columns - 6, bottom - top)
            self._paint_bar(painter, area, i if self._streams else None)

    def _paint_bar(self, painter: QPainter, area: QRectF, index: int | None) -> None:
        wide = len(self._streams) < 2
        bar = QRectF(area.center().x() - 11, area.top(), 22, area.height())
        fill_rounded(painter, bar, 4, self.theme.colour("border", 150))
        centre = Qt.AlignmentFlag.AlignCenter
        below = QRectF(area.left() - 4, area.bottom() + 5, area.width() + 8, 18)
        if index is None:
            write(painter, below, tr("no input"), self.theme.colour("faint"), 11, centre)
            return
        stream, shown = self._streams[index], self._shown[index]
        if shown > FLOOR_DBFS:
            y = _y(shown, bar.top(), bar.bottom())
            painter.setBrush(self.theme.colour("accent"))
            painter.drawRoundedRect(QRectF(bar.left(), y, 22, bar.bottom() - y), 4, 4)
        peak = self._holds[index].update(stream.peak_dbfs)
        clipping = peak >= CLIPPING_DBFS
        if peak > FLOOR_DBFS:
            y = _y(min(0.0, peak), bar.top(), bar.bottom())
            painter.setPen(QPen(self.theme.colour("danger" if clipping else "text"), 2))
            painter.drawLine(QPointF(bar.left() - 3, y), QPointF(bar.right() + 3, y))
        painter.setFont(font(10, bold=clipping))
        painter.setPen(self.theme.colour("danger" if clipping else "muted"))
        above = QRectF(area.left() - 6, 0, area.width() + 12, 14)
        name = tr("CLIPPING") if clipping and wide else stream_name(stream.name)
        painter.drawText(above, centre, name)
        self._paint_speech(painter, below, stream.speech, wide=wide)

    def _paint_speech(self, painter: QPainter, area: QRectF, speech: bool, *, wide: bool) -> None:
        text = tr("speech") if speech else tr("no speech") if wide else tr("quiet")
        for px in (11, 10, 9):  # a long word in a narrow column
            painter.setFont(font(px, bold=speech))
            width = painter.fontMetrics().horizontalAdvance(text)
            if width + 16 <= area.width():
                break
        dot = QPointF(area.center().x() - width / 2 - 4, area.center().y())
        ink = self.theme.colour("text" if speech else "muted")
        painter.setPen(QPen(ink, 1.4))
        painter.setBrush(ink if speech else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(dot, 3.2, 3.2)
        painter.setPen(ink)
        painter.drawText(area.translated(5, 0), Qt.AlignmentFlag.AlignCenter, text)

    def _describe(self) -> None:
        # In steps: assistive technology is told of every change.
        texts = [
            tr(
                "{stream}: about {level} dBFS, {speech}",
                stream=stream_name(stream.name),
                level=6 * round(stream.level_dbfs / 6),
                speech=tr("speech") if stream.speech else tr("no speech"),
            )
            for stream in self._streams
            if math.isfinite(stream.level_dbfs)
        ]
        description = "; ".join(texts) or tr("no input")
        if description != self.accessibleDescription():
            self.setAccessibleName(tr("Level meter"))
            self.setAccessibleDescription(description)


def _y(dbfs: float, top: float, bottom: float) -> float:
    return top + (bottom - top) * min(1.0, max(0.0, dbfs / FLOOR_DBFS))
