"""How time is divided between emotions: as one bar, and as a list of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.labels import label_name
from emolive.session.summary import NO_EMOTION
from emolive.times import duration_text
from emolive.types import SpeechState
from emolive.ui.painting import fill_state
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import percent

_ROW = 24


def in_order(samples: Mapping[str, int], labels: Sequence[str]) -> list[tuple[str, int]]:
    """Emotions in the model's order, unknown ones, then uncertain, not inferred and silence."""
    last = ("uncertain", "not_inferred", "silence")
    names = [*labels, *(n for n in samples if n not in labels and n not in last), *last]
    return [(name, samples[name]) for name in names if samples.get(name)]


def paint_share_bar(
    painter: QPainter,
    area: QRectF,
    samples: Mapping[str, int],
    labels: Sequence[str],
    theme: Theme,
) -> None:
    """One bar whose parts are the shares; emotions first, what is no emotion last."""
    parts = in_order(samples, labels)
    total = sum(n for _, n in parts)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shape = QPainterPath()
    shape.addRoundedRect(area, 4, 4)
    painter.setClipPath(shape)
    painter.fillRect(area, theme.colour("plot"))
    left = area.left()
    for name, n in parts:
        width = area.width() * n / total
        part = QRectF(left, area.top(), width, area.height())
        paint_label(painter, part, name, theme)
        left += width
    painter.restore()


def paint_label(painter: QPainter, area: QRectF, name: str, theme: Theme) -> None:
    """Fill with a label's colour, or a state's pattern."""
    if name in NO_EMOTION:
        fill_state(painter, area, SpeechState(name), theme)
        return
    painter.fillRect(area, theme.fill(name))


class ShareList(Painted, QWidget):
    """Name, bar, share and time of each label, the longest first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._rows: list[tuple[str, int]] = []
        self._rate = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_shares(self, samples: Mapping[str, int], labels: Sequence[str], rate: int) -> None:
        """Show the time per label, in samples at `rate`."""
        rows = sorted(in_order(samples, labels), key=lambda row: (row[0] in NO_EMOTION, -row[1]))
        self._rows, self._rate = rows, rate
        self.setFixedHeight(max(1, len(rows)) * _ROW)
        total = sum(n for _, n in rows) or 1
        self.setAccessibleName(
            ", ".join(f"{label_name(name)} {percent(n / total)}" for name, n in rows)
        )
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for names and numbers."""
        return QSize(240, max(1, len(self._rows)) * _ROW)

    def paint(self, painter: QPainter) -> None:
        """Draw the rows."""
        painter.setFont(font(12))
        if not self._rows:
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, tr("no answers"))
            return
        total = sum(n for _, n in self._rows)
        longest = max(n for _, n in self._rows)
        metrics = painter.fontMetrics()
        names = max(metrics.horizontalAdvance(label_name(name)) for name, _ in self._rows) + 10
        shares = metrics.horizontalAdvance(percent(1.0)) + 8
        times = max(metrics.horizontalAdvance(duration_text(n / self._rate)) for _, n in self._rows)
        middle = Qt.AlignmentFlag.AlignVCenter
        right = middle | Qt.AlignmentFlag.AlignRight
        for i, (name, n) in enumerate(self._rows):
            line = QRectF(0, i * _ROW, self.width(), _ROW)
            painter.setPen(self.theme.colour("text"))
            painter.drawText(line, middle, label_name(name))
            room = self.width() - names - shares - times - 12
            bar = QRectF(names, line.center().y() - 5, max(4.0, room * n / longest), 10)
            shape = QPainterPath()
            shape.addRoundedRect(bar, 3, 3)
            painter.save()
            painter.setClipPath(shape)
            paint_label(painter, bar, name, self.theme)
            painter.restore()
            painter.setPen(self.theme.colour("text"))
            at = QRectF(names + room, line.top(), shares, _ROW)
            painter.drawText(at, right, percent(n / total))
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(line, right, duration_text(n / self._rate))
