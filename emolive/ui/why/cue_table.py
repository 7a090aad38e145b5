"""The cues of a moment beside what is usual for this speaker."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.explain.baseline import CueReading
from emolive.explain.cues import SPECS
from emolive.explain.wording import TOLD, comparison, title
from emolive.i18n import decimal, tr
from emolive.ui.painting import fill_rounded, write
from emolive.ui.theme import Painted, Theme, font

ROW, HEAD = 22.0, 18.0
# Deviations beyond this many spreads are drawn at the end of the scale.
_MOST = 4.0


class CueTable(Painted, QWidget):
    """A row per cue: name, value, usual value, and how far off it is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._readings: tuple[CueReading, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Acoustic cues"))
        self.show_readings(())

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(300, round(HEAD + ROW * len(self._readings)) if self._readings else 0)

    def show_readings(self, readings: tuple[CueReading, ...]) -> None:
        """Show these."""
        self._readings = readings
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleDescription("; ".join(filter(None, map(_sentence, readings))))
        about = [f"{title(r.cue)}: {tr(SPECS[r.cue].about)}" for r in readings]
        self.setToolTip("\n".join(about))
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw head and rows."""
        if not self._readings:
            return
        width = self.width()
        # Name, two numbers and a scale share the width.
        columns = 0.355 * width, 0.59 * width, 0.795 * width
        scale = QRectF(0.815 * width, 0, 0.185 * width, ROW)
        here = QRectF(columns[0], 0, columns[1] - columns[0], ROW)
        usual = QRectF(columns[1], 0, columns[2] - columns[1], ROW)
        painter.setFont(font(10))
        painter.setPen(self.theme.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        middle = Qt.AlignmentFlag.AlignCenter
        painter.drawText(here.adjusted(0, 0, 0, HEAD - ROW), right, tr("here"))
        painter.drawText(usual.adjusted(0, 0, 0, HEAD - ROW), right, tr("usual"))
        painter.drawText(scale.adjusted(-12, 0, 12, HEAD - ROW), middle, tr("less · more"))
        for i, reading in enumerate(self._readings):
            top = HEAD + i * ROW
            far = reading.deviation is not None and abs(reading.deviation) >= TOLD
            painter.setPen(QPen(self.theme.colour("border"), 1))
            painter.drawLine(QPointF(0, top), QPointF(width, top))
            painter.setFont(font(12, bold=far))
            painter.setPen(self.theme.colour("text" if far else "muted"))
            area = QRectF(0, top, columns[0] + 4, ROW)
            text = painter.fontMetrics().elidedText(
                title(reading.cue), Qt.TextElideMode.ElideRight, round(area.width())
            )
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
            painter.drawText(here.translated(0, top), right, _number(reading, True))
            write(
                painter,
                usual.translated(0, top),
                _number(reading, False),
                self.theme.colour("muted"),
                12,
                right,
            )
            self._paint_scale(painter, scale.translated(0, top), reading, far=far)

    def _paint_scale(
        self, painter: QPainter, area: QRectF, reading: CueReading, *, far: bool
    ) -> None:
        centre, half = area.center(), area.width() / 2 - 4
        track = QRectF(centre.x() - half, centre.y() - 2, 2 * half, 4)
        fill_rounded(painter, track, 2, self.theme.colour("border", 130))
        usual = half * TOLD / _MOST
        painter.setBrush(self.theme.colour("faint", 150))
        painter.drawRoundedRect(QRectF(centre.x() - usual, centre.y() - 2, 2 * usual, 4), 2, 2)
        if reading.deviation is None:
            return
        x = centre.x() + half * min(1.0, max(-1.0, reading.deviation / _MOST))
        painter.setPen(QPen(self.theme.colour("surface"), 1.5))
        painter.setBrush(self.theme.colour("accent" if far else "muted"))
        painter.drawEllipse(QPointF(x, centre.y()), 5.0, 5.0)


def _number(reading: CueReading, here: bool) -> str:
    value = reading.value if here else reading.usual
    if value is None:
        return "–"
    spec = SPECS[reading.cue]
    unit = {"semitones": " st", "syllables/s": "/s", "dBFS": " dB"}.get(spec.unit, f" {spec.unit}")
    about = "≈ " if spec.estimate else ""
    return f"{about}{decimal(value, spec.digits)}{unit}".replace(" ", "\u00a0")


def _sentence(reading: CueReading) -> str:
    if reading.value is None:
        return ""
    text = f"{title(reading.cue)} {_number(reading, True)}"
    if reading.usual is not None:
        usual = tr("usually {value}", value=_number(reading, False))
        text += f", {usual}, {comparison(reading)}"
    return text
