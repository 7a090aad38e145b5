"""Who talks how much, as one bar."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.conversation import ConversationMetrics
from emolive.i18n import tr
from emolive.ui.painting import hatch
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import percent, stream_name


def party_colour(theme: Theme, index: int) -> QColor:
    """A party's colour in the metrics: the accent and a quieter one; never an emotion's."""
    return theme.colour("accent") if index else theme.colour("muted")


class TalkBar(Painted, QWidget):
    """Talk shares of two parties, hatched where both talk; dots show who talks now."""

    hint = (260, 44)  # names over a bar

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._metrics: ConversationMetrics | None = None
        self._shown: tuple[object, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Talk share"))

    def show_metrics(self, metrics: ConversationMetrics | None) -> None:
        """Show the shares; free if nothing changes that can be seen."""
        shown: tuple[object, ...] = ()
        if metrics is not None:
            shares = tuple(round(p.talk_share or 0.0, 2) for p in metrics.parties)
            speaking = tuple(p.speaking for p in metrics.parties)
            shown = (shares, speaking, round(metrics.overtalk_share, 2))
        self._metrics = metrics
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleDescription(self._spoken())
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw names and shares, and the bar."""
        bar = QRectF(0, self.height() - 16, self.width(), 12)
        track = QPainterPath()
        track.addRoundedRect(bar, 6, 6)
        painter.fillPath(track, self.theme.colour("border", 150))
        metrics = self._metrics
        if metrics is None or not metrics.parties:
            return
        self._paint_names(painter, metrics)
        if metrics.talk_s > 0 and metrics.separable:
            self._paint_shares(painter, bar, track, metrics)
        elif metrics.talk_s > 0:
            painter.fillPath(track, party_colour(self.theme, 1))

    def _paint_shares(
        self, painter: QPainter, bar: QRectF, track: QPainterPath, metrics: ConversationMetrics
    ) -> None:
        painter.setClipPath(track)
        first = bar.width() * (metrics.parties[0].talk_share or 0.0)
        left = QRectF(bar.left(), bar.top(), first, bar.height())
        right = QRectF(bar.left() + first, bar.top(), bar.width() - first, bar.height())
        painter.fillRect(left, party_colour(self.theme, 0))
        painter.fillRect(right, party_colour(self.theme, 1))
        # Both talk: as much on either side of the border as each talks over the other.
        over = bar.width() * metrics.overtalk_s / metrics.talk_s
        if over > 1:
            area = QRectF(bar.left() + first - over, bar.top(), 2 * over, bar.height())
            painter.fillRect(area, hatch(self.theme.surface, 235))
        painter.fillRect(
            QRectF(bar.left() + first - 1, bar.top(), 2, bar.height()), self.theme.colour("surface")
        )
        painter.setClipping(False)

    def _paint_names(self, painter: QPainter, metrics: ConversationMetrics) -> None:
        several = metrics.separable
        for i, party in enumerate(metrics.voices):
            area = QRectF(0, 0, self.width(), self.height() - 20)
            right = several and i == 1
            name = stream_name(party.name)
            share = percent(party.talk_share) if party.talk_share is not None else "–"
            dot = 8.0
            painter.setFont(font(12, bold=True))
            room = painter.fontMetrics().horizontalAdvance(name)
            x = area.right() - dot if right else 0.0
            circle = QRectF(x, area.center().y() - dot / 2, dot, dot)
            painter.setPen(party_colour(self.theme, i if several else 1))
            painter.setBrush(painter.pen().color() if party.speaking else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)
            painter.setPen(self.theme.colour("text"))
            text = area.adjusted(14, 0, -14, 0)
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            painter.drawText(text, side | Qt.AlignmentFlag.AlignVCenter, name)
            painter.setFont(font(12))
            painter.setPen(self.theme.colour("muted"))
            beside = text.adjusted(0 if right else room + 8, 0, -(room + 8) if right else 0, 0)
            painter.drawText(beside, side | Qt.AlignmentFlag.AlignVCenter, share)

    def _spoken(self) -> str:
        if self._metrics is None:
            return ""
        return ", ".join(
            f"{stream_name(p.name)} {percent(p.talk_share or 0.0)}" for p in self._metrics.voices
        )
