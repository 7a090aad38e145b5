"""What all panels on the time axis share: margins, scrolling, grid, mouse, hover."""

from __future__ import annotations

import math
from typing import ClassVar

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from emolive.ui.painting import fill_rounded
from emolive.ui.theme import Theme, Themed, font
from emolive.ui.timeline.time_axis import TimeAxis

MARGIN_LEFT = 56
MARGIN_RIGHT = 14
TICK_PX = 84
_NAME_ROOM, _SMALLEST_PX = MARGIN_LEFT - 10, 9
# A press that moves less than this is a click.
_CLICK_PX = 4


def plot_of(widget: QWidget) -> QRect:
    """The plot area of a widget over the time axis, margins left out."""
    return QRect(
        MARGIN_LEFT, 0, max(1, widget.width() - MARGIN_LEFT - MARGIN_RIGHT), widget.height()
    )


class TimePanel(Themed, QWidget):
    """A plot over the shared time axis.

    Content is drawn into an image of the plot area in device pixels. When the view moves on, the
    image is shifted and only what is new is drawn; `paint_content` draws a range of columns.
    Overflow policy: the image holds the view, nothing more. `picked` tells that a moment was
    clicked.
    """

    picked = Signal(float)

    # How strong the lines over the content are, 0 to 255, light and dark.
    grid: ClassVar[tuple[int, int] | None] = (22, 26)

    def __init__(self, axis: TimeAxis, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.axis = axis
        self.caption = ""
        self._image = QImage()
        self._image_start = 0
        self._image_scale = 0.0
        self._drawn_to_s = 0.0
        self._stable_s = 0.0
        self._drag_x: float | None = None
        self._pressed: QPointF | None = None
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        axis.changed.connect(self.update)
        axis.marks_changed.connect(self.update)

    # What a panel must say about itself.

    def y_ticks(self) -> list[tuple[float, str]]:
        """Positions from 0 (bottom) to 1 (top) and their texts."""
        return []

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw columns ``[start, stop)`` of the view, in device pixels from its left edge.

        The background is drawn already and the clip set. `scale` is device pixels per unit.
        """

    def stable_to_s(self) -> float:
        """Until when what is drawn now will not change any more."""
        return math.inf

    def newest_s(self) -> float:
        """Time of the newest data, to see whether there is something to draw."""
        return 0.0

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """What is under the pointer, as rich text; `height` is 0 (bottom) to 1 (top)."""
        return ""

    # What it gets for it.

    def _recolour(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Forget what is drawn (the data are others now)."""
        self._image_scale = 0.0
        self._drawn_to_s = self._stable_s = 0.0
        self.update()

    def refresh(self) -> None:
        """Called for each frame; draws only if there is something new to see."""
        if self.newest_s() - self._drawn_to_s > self.axis.seconds_per_px / 2:
            self.update()

    @property
    def plot(self) -> QRect:
        """The plot area, in widget coordinates."""
        return plot_of(self)

    def _resized(self) -> None:
        # Tell the axis how many device pixels there are.
        self.axis.set_width(self._device_width())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Bring the content up to date and draw it with grid and labels."""
        if self.axis.width != self._device_width():  # moved to a screen of another scale
            self.axis.set_width(self._device_width())
        self._update_image()
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("surface"))
        plot = self.plot
        painter.drawImage(QRectF(plot), self._image, QRectF(self._image.rect()))
        self._paint_frame(painter, plot)
        self.paint_overlay(painter, plot)
        self._paint_marks(painter, plot)
        painter.end()

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Draw what does not scroll: a caption that is too long for the margin."""
        if self.caption and not self._fits_margin(self.caption):
            paint_caption(painter, plot, self.caption, self.theme)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the view."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag_x = event.position().x()
            self._pressed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go of it; without a movement, this is a click on a moment."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._pressed is not None and self.plot.contains(event.position().toPoint()):
            self.picked.emit(self._time_under(event.position()))
        self._drag_x = self._pressed = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002
        """Go back to the newest audio."""
        self._drag_x = self._pressed = None
        self.axis.follow_live()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the view, or say what is under the pointer."""
        ratio = self.devicePixelRatioF()
        x = event.position().x()
        if self._drag_x is not None:
            if self._pressed is not None and abs(x - self._pressed.x()) >= _CLICK_PX:
                self._pressed = None
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
            moved = round((self._drag_x - x) * ratio)
            if moved and self._pressed is None:
                self._drag_x = x
                self.axis.pan(moved)
            return
        plot = self.plot
        point = event.position().toPoint()
        text = ""
        at_s = None
        if plot.contains(point):
            at_s = self._time_under(event.position())
            text = self.describe(at_s, 1.0 - (point.y() - plot.top()) / max(1, plot.height()))
        self.axis.point(at_s)
        where = event.globalPosition().toPoint() + QPoint(14, 10)
        QToolTip.showText(where, text, self)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the hair line away."""
        self.axis.point(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom in time; sideways it pans."""
        delta = event.angleDelta()
        ratio = self.devicePixelRatioF()
        if abs(delta.x()) > abs(delta.y()):
            self.axis.pan(round(-delta.x() * ratio / 2))
        elif delta.y():
            x = (event.position().x() - self.plot.left()) * ratio
            self.axis.zoom(0.8 ** (delta.y() / 120), x)
        event.accept()

    def _time_under(self, position: QPointF) -> float:
        return self.axis.time_at((position.x() - self.plot.left()) * self.devicePixelRatioF())

    def _paint_marks(self, painter: QPainter, plot: QRect) -> None:
        """The hair line under the pointer and the chosen moment."""
        for at_s, colour, width in (
            (self.axis.pointed_s, self.theme.colour("text", 130), 1.0),
            (self.axis.chosen_s, self.theme.colour("accent"), 2.0),
        ):
            if at_s is None:
                continue
            x = plot.left() + self.axis.x(at_s) / self.devicePixelRatioF()
            if plot.left() <= x <= plot.right():
                painter.fillRect(QRectF(x - width / 2, plot.top(), width, plot.height()), colour)

    def _device_width(self) -> int:
        return max(1, round(self.plot.width() * self.devicePixelRatioF()))

    def _update_image(self) -> None:
        scale = self.devicePixelRatioF()
        width, height = self.axis.width, max(1, round(self.plot.height() * scale))
        start = self.axis.start_px
        per_px = self.axis.seconds_per_px
        shift = start - self._image_start
        if (
            self._image.width() != width
            or self._image.height() != height
            or self._image_scale != per_px
            or abs(shift) >= width
        ):
            self._image = QImage(width, height, QImage.Format.Format_RGB32)
            self._draw(0, width, scale)
        else:
            if shift:
                self._shift(shift)
            if shift < 0:
                self._draw(0, -shift, scale)
            dirty = width - max(0, shift)
            if self.newest_s() > self._drawn_to_s:
                dirty = min(dirty, math.floor(min(width, self.axis.x(self._stable_s))) - 2)
            if dirty < width:
                self._draw(max(0, dirty), width, scale)
        self._image_start = start
        self._image_scale = per_px
        self._drawn_to_s = self.newest_s()
        self._stable_s = self.stable_to_s()

    def _shift(self, shift: int) -> None:
        moved = self._image.copy(shift, 0, self._image.width(), self._image.height())
        self._image = moved

    def _draw(self, start: int, stop: int, scale: float) -> None:
        painter = QPainter(self._image)
        area = QRect(start, 0, stop - start, self._image.height())
        painter.setClipRect(area)
        painter.fillRect(area, self.theme.colour("plot"))
        self.paint_content(painter, start, stop, scale)
        self._draw_grid(painter, area, scale)
        painter.end()

    def _draw_grid(self, painter: QPainter, area: QRect, scale: float) -> None:
        # Part of the content, so that it is blended once and then moves along; filled, because a
        # blended line costs many times as much as a blended rectangle.
        if self.grid is None:
            return
        colour = self.theme.colour("text", self.grid[self.theme.dark])
        thick = max(1, round(scale))
        height = self._image.height()
        for at_s, _ in self.axis.ticks(TICK_PX * scale):
            x = math.floor(self.axis.x(at_s) + 0.5)  # round() would depend on the view
            if area.left() - thick < x <= area.right():
                painter.fillRect(QRect(x, 0, thick, height).intersected(area), colour)
        for share, _ in self.y_ticks():
            if 0.0 < share < 1.0:
                y = round((1.0 - share) * (height - thick))
                painter.fillRect(QRect(area.left(), y, area.width(), thick), colour)

    def _fits_margin(self, text: str) -> bool:
        return QFontMetrics(font(_SMALLEST_PX)).horizontalAdvance(text) <= _NAME_ROOM

    def _names(self) -> list[tuple[float, str]]:
        """What stands in the margin: the caption in the middle, where it fits, and the scale."""
        ticks = self.y_ticks()
        if not self.caption or not self._fits_margin(self.caption):
            return ticks
        apart = 15 / max(1, self.plot.height())
        return [tick for tick in ticks if abs(tick[0] - 0.5) >= apart] + [(0.5, self.caption)]

    def _paint_frame(self, painter: QPainter, plot: QRect) -> None:
        painter.setPen(self.theme.colour("muted"))
        room = _NAME_ROOM
        for height, name in self._names():
            for px in (11, 10, _SMALLEST_PX):  # a name that is too long for the margin
                painter.setFont(font(px))
                if painter.fontMetrics().horizontalAdvance(name) <= room:
                    break
            text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room)
            y = plot.bottom() - height * (plot.height() - 1)
            top = min(max(y - 8, plot.top()), plot.bottom() - 15)
            painter.drawText(
                QRectF(0, top, MARGIN_LEFT - 8, 16),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                text,
            )
        painter.setPen(QPen(self.theme.colour("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(plot.adjusted(0, 0, -1, -1))


def paint_caption(painter: QPainter, plot: QRect, text: str, theme: Theme) -> None:
    """A small tag in the plot's top left corner."""
    painter.setFont(font(11))
    width = painter.fontMetrics().horizontalAdvance(text) + 14
    tag = QRectF(plot.left() + 6, plot.top() + 5, width, 18)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    fill_rounded(painter, tag, 5, theme.colour("surface", 215))
    painter.setPen(theme.colour("muted"))
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class TimeRuler(Themed, QWidget):
    """The tick texts under the panels."""

    def __init__(self, axis: TimeAxis, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.axis = axis
        self.setFixedHeight(20)
        axis.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the texts, centred under their grid lines."""
        painter = QPainter(self)
        painter.setFont(font(11))
        painter.setPen(self.theme.colour("muted"))
        ratio = self.devicePixelRatioF()
        right = self.width() - MARGIN_RIGHT
        for at_s, text in self.axis.ticks(TICK_PX * ratio):
            x = MARGIN_LEFT + self.axis.x(at_s) / ratio
            if x > right + 1:
                continue
            left = min(max(x - 40, MARGIN_LEFT - 40), self.width() - 80.0)
            flag = Qt.AlignmentFlag.AlignHCenter
            if x + 30 > self.width():
                flag = Qt.AlignmentFlag.AlignRight
                left -= 4
            painter.drawText(QRectF(left, 2, 80, 16), flag, text)
        painter.end()
