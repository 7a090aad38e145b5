"""Bars of the newest window: one per class, or one per class and stream."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from emolive.history.model import StreamModel
from emolive.i18n import mark, tr
from emolive.labels import emotion_name
from emolive.types import FloatArray
from emolive.ui.live.view import LiveView
from emolive.ui.painting import clipped, fill_rounded
from emolive.ui.theme import Theme, font
from emolive.wording import percent

Answers = tuple[FloatArray | None, ...]


class ClassBars(LiveView):
    """Calibrated probabilities of the newest window alone; two streams share a row."""

    name, title, keys_text = "now", mark("Now"), mark("Probabilities now")
    tip = mark("Probabilities of the newest window")
    stretch = 5

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._answers: Answers = (None,)
        self.setAccessibleName(tr("Class probabilities of the newest window"))

    def set_streams(self, labels: tuple[str, ...], streams: Sequence[StreamModel]) -> None:
        """Name the classes, and the streams if there are several."""
        super().set_streams(labels, streams)
        self._answers = (None,) * max(1, len(streams))

    def refresh(self, *, running: bool) -> None:
        """Show the newest answers; none unless it is `running`."""
        answers = tuple(
            stream.current.probabilities if running and stream.current else None
            for stream in self._streams
        )
        self.show_probabilities(answers or (None,))

    def show_probabilities(self, answers: Answers) -> None:
        """Show float32 ``(n_classes,)`` of each stream, or empty bars for None."""
        if len(answers) == len(self._answers) and all(
            new is old for new, old in zip(answers, self._answers, strict=True)
        ):
            return
        self._answers = answers
        self.setAccessibleDescription("; ".join(self._describe(i) for i in range(len(answers))))
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw name, bars and percentages of each class."""
        if not self._labels:
            painter.setFont(font(13))
            painter.setPen(self.theme.colour("muted"))
            text = tr("Class probabilities appear here")
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()), flags, text)
            return
        row = self.height() / len(self._labels)
        painter.setFont(font(max(9.0, min(14.0, row * 0.72))))
        metrics = painter.fontMetrics()
        texts = [emotion_name(label) for label in self._labels]
        names = max(metrics.horizontalAdvance(text) for text in texts) + 12
        numbers = metrics.horizontalAdvance(percent(1.0)) + 6
        leading = [-1 if a is None else int(a.argmax()) for a in self._answers]
        fills = self.theme.fills(self._labels)
        for i, text in enumerate(texts):
            line = QRectF(0, i * row, self.width(), row)
            painter.setPen(self.theme.colour("text" if i in leading else "muted"))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
            bar = QRectF(names, line.top(), self.width() - names - numbers, row)
            self._paint_bars(painter, bar, i, fills[i])
            self._paint_number(painter, line, i, leading)

    def _paint_bars(self, painter: QPainter, room: QRectF, label: int, fill: QColor) -> None:
        count = len(self._answers)
        gap = 2.0 if count > 1 else 0.0
        thick = min(12.0, room.height() * (0.55 if count == 1 else 0.72) / count - gap / 2)
        top = room.center().y() - (count * thick + (count - 1) * gap) / 2
        for i, answer in enumerate(self._answers):
            bar = QRectF(room.left(), top + i * (thick + gap), room.width(), thick)
            fill_rounded(painter, bar, thick / 2, self.theme.colour("border", 110))
            if answer is not None:
                # So that a small share is not rounded up to a dot.
                with clipped(painter, bar, thick / 2):
                    bar.setWidth(bar.width() * min(1.0, float(answer[label])))
                    painter.fillRect(bar, fill)

    def _paint_number(
        self, painter: QPainter, line: QRectF, label: int, leading: list[int]
    ) -> None:
        """The share, of two streams the larger one."""
        known = [float(a[label]) for a in self._answers if a is not None]
        if not known:
            return
        painter.setPen(self.theme.colour("text" if label in leading else "muted"))
        end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, end, percent(max(known)))

    def _describe(self, index: int) -> str:
        answer = self._answers[index]
        name = f"{self._streams[index].name}: " if len(self._streams) > 1 else ""
        if answer is None:
            return name + tr("no speech")
        pairs = zip(self._labels, answer.tolist(), strict=True)
        return name + ", ".join(f"{emotion_name(label)} {percent(p)}" for label, p in pairs)
