"""What lies over all panels of a session: cursor, selection, gaps; and what the mouse does."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QCursor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from emolive.session.records import Annotation, Gap
from emolive.ui.sessions.mark_lane import Grip, MarkLane
from emolive.ui.sessions.selection import Region, Selection
from emolive.ui.sessions.surface_paint import SurfacePainter
from emolive.ui.theme import Theme, Themed
from emolive.ui.timeline.curve_panel import CurvePanel
from emolive.ui.timeline.panel import MARGIN_LEFT, plot_of

if TYPE_CHECKING:
    from emolive.ui.sessions.board import Board

_DRAG_PX = 4
_SNAP_PX = 6.0


class _Doing(Enum):
    NOTHING = 0
    PRESSED = 1
    STRETCH = 2
    PAN = 3
    MARK = 4


class Surface(Themed, QWidget):
    """Transparent; draws little and takes the mouse for all panels under it.

    A click seeks; a drag selects a stretch; marks are moved and resized by hand; the wheel zooms;
    the middle button pans. Dragged borders snap to where something begins or ends, unless Alt is
    held.
    """

    sought = Signal(float)
    segment_wanted = Signal(int, object)  # sample, stream or None
    mark_dragged = Signal(object)  # the Annotation as it shall be
    menu_wanted = Signal(QPoint)
    lane_pressed = Signal(str)  # the tier whose lane of one's own was pressed

    def __init__(self, board: Board, selection: Selection, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._board = board
        self._axis = board.axis
        self.selection = selection
        self.gaps: tuple[Gap, ...] = ()
        self.position_s = 0.0
        self.loop: tuple[float, float] | None = None
        self._hover_x: float | None = None
        self._painter = SurfacePainter(theme)
        self._doing = _Doing.NOTHING
        self._pressed = QPointF()
        self._anchor = 0  # sample where a drag began
        self._lane: MarkLane | None = None
        self._held: tuple[Annotation, Grip] | None = None
        self._draft: Annotation | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._axis.changed.connect(self.update)
        selection.changed.connect(self.update)

    def _recolour(self) -> None:
        self._painter = SurfacePainter(self.theme)

    def show_position(self, at_s: float) -> None:
        """Move the cursor; only its old and new place are drawn anew."""
        if at_s != self.position_s:
            before = self.x_of(self.position_s)
            self.position_s = at_s
            for x in (before, self.x_of(at_s)):
                self.update(QRect(int(x) - 8, 0, 17, self.height()))

    def show_loop(self, loop: tuple[float, float] | None) -> None:
        """Show what is repeated, in seconds."""
        if loop != self.loop:
            self.loop = loop
            self.update()

    @property
    def plot(self) -> QRect:
        """The plots' area, margins left out."""
        return plot_of(self)

    def x_of(self, at_s: float) -> float:
        """Where a time lies, in units of the surface."""
        return MARGIN_LEFT + self._axis.x(at_s) / self.devicePixelRatioF()

    def time_at(self, x: float) -> float:
        """The time under `x`, kept inside the session."""
        at_s = self._axis.time_at((x - MARGIN_LEFT) * self.devicePixelRatioF())
        return min(max(0.0, at_s), self._board.duration_samples / self._board.rate)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw gaps, selection, loop, hair line and cursor, as far as they were touched."""
        painter = QPainter(self)
        plot = self.plot
        rate = self._board.rate

        def x(sample: float) -> float:
            return self.x_of(sample / rate)

        painter.setClipRect(plot.adjusted(-8, 0, 8, 0) & event.rect())
        for gap in self.gaps:
            top, bottom = self._board.extent(gap.stream)
            area = QRectF(x(gap.start_sample), top, 0, bottom - top)
            area.setRight(x(gap.end_sample))
            self._painter.gap(painter, area & QRectF(plot))
        stretch = self.selection.stretch
        if stretch is not None:
            top, bottom = self._board.extent(stretch.stream)
            area = QRectF(x(stretch.start_sample), top, 0, bottom - top)
            area.setRight(x(stretch.end_sample))
            seconds = (stretch.end_sample - stretch.start_sample) / rate
            self._painter.stretch(painter, area, plot, seconds)
        if self.loop is not None:
            self._painter.loop(painter, self.x_of(self.loop[0]), self.x_of(self.loop[1]), plot)
        if self._hover_x is not None and self._doing is _Doing.NOTHING:
            self._painter.hair(painter, self._hover_x, plot)
        self._painter.cursor(painter, self.x_of(self.position_s), plot, focus=self.hasFocus())
        painter.end()

    # The mouse.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a mark, or begin to point."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._pressed = event.position()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._doing = _Doing.PAN
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._doing = _Doing.PRESSED
        self._anchor = self._snapped(event)
        self._lane = self._lane_at(event.position())
        self._held = self._mark_at(event.position())
        if self._lane is not None and not self._lane.locked:
            self.lane_pressed.emit(self._lane.kind.tier)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag what is held, or say what is under the pointer."""
        moved = event.position() - self._pressed
        if self._doing is _Doing.PAN:
            self._axis.pan(round(-moved.x() * self.devicePixelRatioF()))
            self._pressed = event.position()
            return
        if self._doing is _Doing.PRESSED and abs(moved.x()) >= _DRAG_PX:
            self._doing = _Doing.STRETCH
            if self._held is not None and self._lane is not None and not self._lane.locked:
                self._doing = _Doing.MARK
                self.selection.select_mark(self._held[0].id)
            self._move_hair(None)
        if self._doing is _Doing.STRETCH:
            self._drag_stretch(event)
        elif self._doing is _Doing.MARK:
            self._drag_mark(event)
        elif self._doing is _Doing.NOTHING:
            self._hover(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go: a press that did not move is a click."""
        doing, self._doing = self._doing, _Doing.NOTHING
        self.unsetCursor()
        if doing is _Doing.PRESSED:
            if self._held is not None:
                self.selection.select_mark(self._held[0].id)
            else:
                self.selection.clear()
            self.sought.emit(self.time_at(event.position().x()))
        elif doing is _Doing.MARK and self._draft is not None:
            self.mark_dragged.emit(self._draft)
        self._held = self._draft = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select the whole segment under the pointer; with Ctrl, a curve's values fit again."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if (curve := self._curve_at(event.position())) is not None:
                curve.fit_values()
            return
        if event.button() == Qt.MouseButton.LeftButton and self._mark_at(event.position()) is None:
            sample = round(self.time_at(event.position().x()) * self._board.rate)
            self.segment_wanted.emit(sample, self._board.stream_at(int(event.position().y())))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for a menu about what is selected, or what is under the pointer."""
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            at = QPointF(event.pos())
            mark = self._mark_at(at)
            sample = round(self.time_at(at.x()) * self._board.rate)
            if mark is not None:
                self.selection.select_mark(mark[0].id)
            elif not self._inside_stretch(sample):
                self.segment_wanted.emit(sample, self._board.stream_at(int(at.y())))
        self.menu_wanted.emit(event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom in time; sideways, or with Shift, it pans; with Ctrl a curve's values zoom."""
        delta, ratio = event.angleDelta(), self.devicePixelRatioF()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if (curve := self._curve_at(event.position())) is not None:
                at = 1.0 - (event.position().y() - curve.y()) / max(1, curve.height())
                curve.zoom_values(0.8 ** (delta.y() / 120), at)
            event.accept()
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if abs(delta.x()) > abs(delta.y()) or shift:
            self._axis.pan(round(-(delta.x() or delta.y()) * ratio / 2))
        elif delta.y():
            x = (event.position().x() - MARGIN_LEFT) * ratio
            self._axis.zoom(0.8 ** (delta.y() / 120), x)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the hair line away."""
        self._move_hair(None)
        super().leaveEvent(event)

    def cancel(self) -> bool:
        """Give up a drag; whether there was one."""
        dragging = self._doing in (_Doing.STRETCH, _Doing.MARK)
        self._doing = _Doing.NOTHING
        if self._lane is not None:
            self._lane.set_draft(None)
        self._held = self._draft = None
        return dragging

    def _drag_stretch(self, event: QMouseEvent) -> None:
        here = self._snapped(event)
        start, end = sorted((self._anchor, here))
        stream = self._board.stream_at(int(self._pressed.y()))
        if end > start:
            self.selection.select(Region(start, end, stream))

    def _drag_mark(self, event: QMouseEvent) -> None:
        if self._held is None or self._lane is None:
            return
        mark, grip = self._held
        rate = self._board.rate
        if grip is Grip.BODY:
            by = round(
                (self.time_at(event.position().x()) - self.time_at(self._pressed.x())) * rate
            )
            by = max(-mark.start_sample, min(by, self._board.duration_samples - mark.end_sample))
            draft = replace(
                mark, start_sample=mark.start_sample + by, end_sample=mark.end_sample + by
            )
        else:
            here = self._snapped(event)
            other = mark.end_sample if grip is Grip.START else mark.start_sample
            least = round(0.05 * rate)
            if abs(here - other) < least:
                here = other - least if grip is Grip.START else other + least
            start, end = sorted((here, other))
            draft = replace(mark, start_sample=max(0, start), end_sample=end)
        self._draft = draft
        self._lane.set_draft(draft)

    def _hover(self, event: QMouseEvent) -> None:
        at = event.position()
        held = self._mark_at(at)
        shape = Qt.CursorShape.ArrowCursor
        if held is not None:
            lane = self._lane_at(at)
            sizing = held[1] is not Grip.BODY
            shape = Qt.CursorShape.SizeHorCursor if sizing else Qt.CursorShape.OpenHandCursor
            if lane is not None and lane.locked:
                shape = Qt.CursorShape.ArrowCursor
        elif self._lane_at(at) is not None:
            shape = Qt.CursorShape.CrossCursor
        self.setCursor(QCursor(shape))
        inside = self.plot.contains(at.toPoint())
        self._move_hair(at.x() if inside else None)
        text = ""
        panel = self._board.panel_at(int(at.y()))
        if inside and panel is not None:
            # Surface and panels have the same origin: the board's.
            height = 1.0 - (at.y() - panel.y() - panel.plot.top()) / max(1, panel.plot.height())
            text = panel.describe(self.time_at(at.x()), height)
        QToolTip.showText(event.globalPosition().toPoint() + QPoint(14, 10), text, self)

    def _move_hair(self, x: float | None) -> None:
        for old in (self._hover_x, x):
            if old is not None:
                self.update(QRect(int(old) - 2, 0, 5, self.height()))
        self._hover_x = x

    def _curve_at(self, at: QPointF) -> CurvePanel[Any] | None:
        panel = self._board.panel_at(int(at.y()))
        return panel if isinstance(panel, CurvePanel) else None

    def _lane_at(self, at: QPointF) -> MarkLane | None:
        panel = self._board.panel_at(int(at.y()))
        return panel if isinstance(panel, MarkLane) else None

    def _mark_at(self, at: QPointF) -> tuple[Annotation, Grip] | None:
        lane = self._lane_at(at)
        if lane is None or not self.plot.contains(at.toPoint()):
            return None
        return lane.hit(at - QPointF(lane.pos()))

    def _inside_stretch(self, sample: int) -> bool:
        stretch = self.selection.stretch
        return stretch is not None and stretch.start_sample <= sample <= stretch.end_sample

    def _snapped(self, event: QMouseEvent) -> int:
        """The sample under the pointer, or a border near by."""
        sample = round(self.time_at(event.position().x()) * self._board.rate)
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return sample
        per_px = self._axis.seconds_per_px * self.devicePixelRatioF()
        reach = round(_SNAP_PX * per_px * self._board.rate)
        near = self._board.borders(sample, reach)
        near.append(round(self.position_s * self._board.rate))
        best = min(near, key=lambda border: abs(border - sample))
        return best if abs(best - sample) <= reach else sample
