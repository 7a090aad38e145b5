"""The last minutes at a glance: shares of the decided emotions, and what became more or less."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from emolive.history.model import StreamModel
from emolive.history.trend import Trend, trend
from emolive.i18n import decimal, mark, tr
from emolive.labels import emotion_name
from emolive.times import minutes_text
from emolive.types import SpeechState
from emolive.ui.live.view import LiveView
from emolive.ui.painting import clipped, fill_rounded, fill_state, write
from emolive.ui.theme import Theme, font
from emolive.wording import percent, stream_name

SECONDS = 300.0
# A smaller change is none.
_TOLD = 0.03


class TrendPanel(LiveView):
    """A bar of shares per stream, and the largest of them in words."""

    name, title, keys_text = "trend", mark("Trend"), mark("Trend of the last minutes")
    tip = mark("The last minutes")

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trends: tuple[Trend | None, ...] = ()
        self.setAccessibleName(tr("Trend of the last {minutes}", minutes=minutes_text(SECONDS)))

    def set_streams(self, labels: tuple[str, ...], streams: Sequence[StreamModel]) -> None:
        """Follow these."""
        super().set_streams(labels, streams)
        self._trends = (None,) * len(streams)

    def show_decisions(self) -> None:
        """Sum up the last minutes."""
        self._trends = tuple(
            trend(stream.decisions, stream.decisions.last_s, SECONDS) for stream in self._streams
        )
        texts = [_describe(found) for found in self._trends if found is not None]
        self.setAccessibleDescription("; ".join(texts))

    def paint(self, painter: QPainter) -> None:
        """Draw the bars and their words."""
        found = [(i, t) for i, t in enumerate(self._trends) if t is not None]
        if not found:
            painter.setFont(font(13))
            painter.setPen(self.theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()), flags, tr("The last minutes appear here"))
            return
        height = self.height() / len(found)
        for row, (index, one) in enumerate(found):
            area = QRectF(0, row * height, self.width(), height - (8 if len(found) > 1 else 0))
            name = stream_name(self._streams[index].name) if len(self._streams) > 1 else ""
            self._paint_trend(painter, area, one, name)

    def _paint_trend(self, painter: QPainter, area: QRectF, one: Trend, name: str) -> None:
        painter.setFont(font(11))
        painter.setPen(self.theme.colour("muted"))
        spoken = tr("{share} speech", share=percent(one.speech))
        when = tr("last {minutes}", minutes=minutes_text(max(60.0, one.seconds)))
        head = QRectF(area.left(), area.top(), area.width(), 15)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft, " · ".join(filter(None, (name, when))))
        painter.drawText(head, Qt.AlignmentFlag.AlignRight, spoken)
        thick = 16.0 if area.height() > 90 else 11.0
        bar = QRectF(area.left(), head.bottom() + 4, area.width(), thick)
        self._paint_bar(painter, bar, one)
        top = bar.bottom() + 6
        room = area.bottom() - top
        rows = max(1, min(len(one.shares), int(room // 18)))
        step = min(24.0, room / rows)
        for i, share in enumerate(one.shares[:rows]):
            line = QRectF(area.left(), top + i * step, area.width(), step)
            square = QRectF(line.left(), line.center().y() - 5.5, 11, 11)
            fill_rounded(painter, square, 3, self.theme.fill(share.label))
            painter.setFont(font(13, bold=i == 0))
            painter.setPen(self.theme.colour("text" if i == 0 else "muted"))
            text = line.adjusted(18, 0, 0, 0)
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, emotion_name(share.label))
            end = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(line.adjusted(0, 0, -52, 0), end, percent(share.share))
            write(painter, line, _arrow(share.change), self.theme.colour("muted"), 12, end)

    def _paint_bar(self, painter: QPainter, bar: QRectF, one: Trend) -> None:
        decided = max(0.0, 1.0 - one.silence - one.uncertain)
        with clipped(painter, bar, 4):
            painter.fillRect(bar, self.theme.colour("border", 110))
            x = bar.left()
            for share in sorted(one.shares, key=lambda s: self._labels.index(s.label)):
                width = bar.width() * share.share * decided
                area = QRectF(x, bar.top(), width, bar.height())
                painter.fillRect(area, self.theme.fill(share.label))
                x += width
            for state, part in (
                (SpeechState.UNCERTAIN, one.uncertain),
                (SpeechState.SILENCE, one.silence),
            ):
                width = bar.width() * part
                fill_state(painter, QRectF(x, bar.top(), width, bar.height()), state, self.theme)
                x += width


def _arrow(change: float | None) -> str:
    """``▲ 12``: points of percent more than before."""
    if change is None or abs(change) < _TOLD:
        return "" if change is None else "="
    return f"{'▲' if change > 0 else '▼'} {decimal(abs(change) * 100, 0)}"


def _describe(one: Trend) -> str:
    parts = []
    for share in one.shares[:4]:
        text = f"{emotion_name(share.label)} {percent(share.share)}"
        if share.change is not None and abs(share.change) >= _TOLD:
            points = decimal(abs(share.change) * 100, 0)
            more = tr("{points} points more than before", points=points)
            less = tr("{points} points less than before", points=points)
            text += f", {more if share.change > 0 else less}"
        parts.append(text)
    return "; ".join(parts)
