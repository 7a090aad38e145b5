"""The lane of one stream with what people marked in it."""

from __future__ import annotations

import html
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.labels import emotion_name
from emolive.session.records import Annotation
from emolive.times import clock_text, seconds_text
from emolive.ui.painting import write
from emolive.ui.theme import Theme, font
from emolive.ui.timeline.panel import MARGIN_LEFT, TimePanel
from emolive.ui.timeline.time_axis import TimeAxis

ROW_HEIGHT = 24
MAX_ROWS = 3
_EDGE_PX = 6.0
_PLAIN_PX = 5.0  # narrower marks are mere strokes
_TEXT_PX = 18.0


class Grip(Enum):
    """Where a mark is taken hold of."""

    START = "start"
    BODY = "body"
    END = "end"


@dataclass(frozen=True, slots=True)
class LaneKind:
    """Whose marks a lane shows, and of which tier; `annotator` None: one's own, to be edited."""

    tier: str = ""
    annotator: str | None = None

    @property
    def name(self) -> str:
        """For people; short."""
        if self.annotator is None:
            return self.tier or tr("by hand")
        return f"{self.annotator} · {self.tier}" if self.tier else self.annotator


class MarkLane(TimePanel):
    """Marks of one stream and those about all streams; overlapping ones lie in rows.

    `draft` is a mark as it would be if the mouse were let go now: it stands for the stored one of
    the same id.
    """

    grid = None  # no lines behind the names

    def __init__(
        self,
        axis: TimeAxis,
        theme: Theme,
        stream: str,
        labels: Sequence[str],
        rate: int,
        parent: QWidget | None = None,
        kind: LaneKind = LaneKind(),
    ) -> None:
        super().__init__(axis, theme, parent)
        self.stream = stream
        self.kind = kind
        self.selected: str | None = None
        self._labels = tuple(labels)
        self._rate = rate
        self._stored: tuple[Annotation, ...] = ()
        self._draft: Annotation | None = None
        self._rows: list[tuple[Annotation, int]] = []
        self._n_rows = 1
        # For looking up by time: where marks begin, and how far all up to each one reach.
        self._starts: list[int] = []
        self._reached: list[int] = []
        self._colour_of: dict[str, tuple[QColor, QColor]] = {}
        self._dirty = QRect()
        self.setAccessibleName(tr("Marks {what}, {stream}", what=self.kind.name, stream=stream))
        self.set_marks(())

    def _recolour(self) -> None:
        self._colour_of = {}
        super()._recolour()

    @property
    def locked(self) -> bool:
        """Whether these are somebody else's."""
        return self.kind.annotator is not None

    def set_marks(self, marks: Sequence[Annotation]) -> None:
        """Show these, as far as they are about this stream."""
        self._stored = tuple(mark for mark in marks if mark.stream in (None, self.stream))
        self._arrange()

    def set_draft(self, draft: Annotation | None) -> None:
        """Show `draft` instead of the stored mark of its id."""
        if draft is not None and (
            draft.stream not in (None, self.stream) or draft.tier != self.kind.tier
        ):
            draft = None
        if draft != self._draft:
            self._draft = draft
            self._arrange()

    def select(self, mark_id: str | None) -> None:
        """Mark one as selected."""
        if mark_id != self.selected:
            self.selected = mark_id
            self.update()

    def hit(self, position: QPointF) -> tuple[Annotation, Grip] | None:
        """The mark at a position of the widget, the selected one first, and where it is held."""
        found: tuple[Annotation, Grip] | None = None
        for mark, row in self._rows_between(position.x() - 8, position.x() + 8):
            box = self._box(mark, row)
            reach = box.adjusted(-_EDGE_PX / 2, 0, _EDGE_PX / 2, 0)
            if not reach.contains(position):
                continue
            edge = min(_EDGE_PX, max(2.0, box.width() / 4))
            grip = Grip.BODY
            if position.x() < box.left() + edge:
                grip = Grip.START
            elif position.x() > box.right() - edge:
                grip = Grip.END
            if mark.id == self.selected:
                return mark, grip
            found = mark, grip
        return found

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.5, self.kind.name)] if self.height() else []

    def describe(self, at_s: float, height: float) -> str:
        """The mark there, with its comment."""
        at = QPointF(self.plot.left() + self.axis.x(at_s) / self.devicePixelRatioF(), 0)
        at.setY(self.plot.top() + (1.0 - height) * self.plot.height())
        hit = self.hit(at)
        return "" if hit is None else mark_text(hit[0], self._rate)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Remember what has to be painted: of thousands of marks only those."""
        self._dirty = event.rect()
        super().paintEvent(event)

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Draw the marks; they may change at any time."""
        painter.setClipRect(plot.adjusted(1, 1, -1, -1) & self._dirty)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._rows and not self.locked:
            painter.setFont(font(11))
            painter.setPen(self.theme.colour("muted"))
            text = tr("drag here, then press 1–{n} to label what you hear", n=len(self._labels))
            if painter.fontMetrics().horizontalAdvance(text) + 24 < plot.width():
                painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, text)
        chosen: tuple[Annotation, int] | None = None
        inked = [-1.0] * MAX_ROWS  # up to where each row is painted: more does not fit a pixel
        for mark, row in self._rows_between(self._dirty.left() - 8, self._dirty.right() + 8):
            if mark.id == self.selected:
                chosen = (mark, row)
                continue
            if self._x(mark.end_sample) < inked[row] + 0.7:
                continue
            box = self._box(mark, row)
            inked[row] = box.right()
            if box.width() < _PLAIN_PX:
                painter.fillRect(box.adjusted(0, 2, 0, -2), self._colours(mark)[0])
            else:
                self._paint_mark(painter, mark, box, selected=False)
        if chosen is not None:
            self._paint_mark(painter, chosen[0], self._box(*chosen), selected=True)
        painter.setClipping(False)

    def _rows_between(self, left: float, right: float) -> Sequence[tuple[Annotation, int]]:
        """The marks that touch a range of the widget, in units."""
        ratio = self.devicePixelRatioF()
        first_s = self.axis.time_at((left - self.plot.left()) * ratio)
        last_s = self.axis.time_at((right - self.plot.left()) * ratio)
        first = bisect_left(self._reached, first_s * self._rate)
        last = bisect_right(self._starts, last_s * self._rate)
        return self._rows[first:last]

    def _paint_mark(
        self, painter: QPainter, mark: Annotation, box: QRectF, *, selected: bool
    ) -> None:
        box = box.adjusted(0.5, 2, -0.5, -2)
        fill, ink = self._colours(mark)
        painter.setBrush(fill)
        painter.setPen(
            QPen(self.theme.colour("text"), 2) if selected else QPen(fill.darker(115), 1)
        )
        if mark.label is None:
            painter.setPen(QPen(self.theme.colour("text" if selected else "accent"), 1.4))
        painter.drawRoundedRect(box, 4, 4)
        if selected and box.width() > 14:
            painter.setPen(QPen(ink, 1.6))
            for x in (box.left() + 4.0, box.right() - 4.0):
                painter.drawLine(QPointF(x, box.top() + 5), QPointF(x, box.bottom() - 5))
        inner = box.intersected(QRectF(self.plot)).adjusted(9 if selected else 6, 0, -7, 0)
        if inner.width() < _TEXT_PX:
            return
        text = emotion_name(mark.label) if mark.label else ""
        if mark.comment:
            text = f"{text} · {mark.comment}" if text else mark.comment
            text = " ".join(text.split())
        right = Qt.TextElideMode.ElideRight
        write(painter, inner, text, ink, 11, bold=mark.label is not None, elide=right)

    def _colours(self, mark: Annotation) -> tuple[QColor, QColor]:
        """Fill and ink; made once for each label."""
        key = mark.label or ""
        if key not in self._colour_of:
            self._colour_of[key] = self._make_colours(mark.label)
        return self._colour_of[key]

    def _make_colours(self, label: str | None) -> tuple[QColor, QColor]:
        if label is None:
            return self.theme.colour("info_tint"), self.theme.colour("text")
        swatch = self.theme.swatch(label)
        dark = self.theme.dark
        return QColor(swatch.fill(dark=dark)), QColor(swatch.ink(dark=dark))

    def _x(self, sample: int) -> float:
        return MARGIN_LEFT + self.axis.x(sample / self._rate) / self.devicePixelRatioF()

    def _box(self, mark: Annotation, row: int) -> QRectF:
        left, right = self._x(mark.start_sample), self._x(mark.end_sample)
        # Far outside the view nothing is gained by exact numbers.
        left, right = max(left, -10_000.0), min(right, 100_000.0)
        height = self.height() / self._n_rows
        return QRectF(left, row * height, max(3.0, right - left), height)

    def _arrange(self) -> None:
        marks = [mark for mark in self._stored if self._draft is None or mark.id != self._draft.id]
        if self._draft is not None:
            marks.append(self._draft)
        marks.sort(key=lambda mark: (mark.start_sample, mark.end_sample, mark.id))
        ends = [0] * MAX_ROWS
        self._rows = []
        for mark in marks:
            row = next((i for i, end in enumerate(ends) if end <= mark.start_sample), MAX_ROWS - 1)
            ends[row] = max(ends[row], mark.end_sample)
            self._rows.append((mark, row))
        self._starts = [mark.start_sample for mark, _ in self._rows]
        self._reached = list(accumulate((mark.end_sample for mark, _ in self._rows), max))
        self._n_rows = 1 + max((row for _, row in self._rows), default=0)
        self.setFixedHeight(ROW_HEIGHT if self._n_rows == 1 else 18 * self._n_rows)
        self.redraw()


def mark_text(mark: Annotation, rate: int) -> str:
    """A mark in words, as rich text."""
    start_s, end_s = mark.start_sample / rate, mark.end_sample / rate
    name = emotion_name(mark.label) if mark.label else tr("comment")
    head = f"<b>{html.escape(name)}</b> · {clock_text(start_s)}–{clock_text(end_s)}"
    parts = [head, seconds_text(end_s - start_s)]
    if mark.comment:
        parts.append(html.escape(mark.comment).replace("\n", "<br>"))
    if mark.annotator:
        parts.append(html.escape(tr("by {name}", name=mark.annotator)))
    if mark.tier:
        parts[0] += f" · {html.escape(mark.tier)}"
    return "<br>".join(parts)
