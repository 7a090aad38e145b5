"""The whole session as one strip, with the part that is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.session.records import Annotation
from emolive.session.session_history import SessionHistory
from emolive.session.summary import NO_EMOTION
from emolive.times import length_text
from emolive.types import SpeechState
from emolive.ui.painting import fill_state, hatch, paint_flag, severity_colour
from emolive.ui.sessions.event_lane import happenings
from emolive.ui.sessions.session_axis import SessionAxis
from emolive.ui.theme import Theme, Themed, font
from emolive.ui.timeline.panel import MARGIN_LEFT, plot_of

_FLAGS = 12
_MARKS = 7
_STREAM = 16


class Overview(Themed, QWidget):
    """Segments of every stream, marks and alerts; drag moves the view, a click brings it there."""

    sought = Signal(float)

    def __init__(self, axis: SessionAxis, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._axis = axis
        self._session: SessionHistory | None = None
        self._marks: tuple[Annotation, ...] = ()
        self._position_s = 0.0
        self._picture: QPixmap | None = None
        self._grabbed: float | None = None  # seconds between the view's start and the pointer
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Overview of the session"))
        axis.changed.connect(self.update)

    def show_session(self, session: SessionHistory) -> None:
        """Show all of a session."""
        self._session = session
        self._marks = session.annotations
        rows = len(session.streams)
        self.setFixedHeight(_FLAGS + rows * (_STREAM if rows > 1 else 22) + _MARKS + 6)
        self._forget()

    def set_marks(self, marks: Sequence[Annotation]) -> None:
        """Show other marks."""
        self._marks = tuple(marks)
        self._forget()

    def _recolour(self) -> None:
        self._forget()

    def show_position(self, at_s: float) -> None:
        """Move the cursor."""
        if round(self._x(at_s)) != round(self._x(self._position_s)):
            for x in (self._x(self._position_s), self._x(at_s)):
                self.update(QRect(int(x) - 3, 0, 7, self.height()))
        self._position_s = at_s

    @property
    def _plot(self) -> QRect:
        return plot_of(self)

    def _x(self, at_s: float) -> float:
        return self._plot.left() + at_s / max(1e-6, self._axis.now_s) * self._plot.width()

    def _time(self, x: float) -> float:
        share = (x - self._plot.left()) / self._plot.width()
        return min(max(share, 0.0), 1.0) * self._axis.now_s

    # Drawing.

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the picture, shade what is not looked at, and the cursor."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.colour("surface"))
        if self._session is None:
            painter.end()
            return
        if self._picture is None:
            self._picture = self._draw(self._session)
        painter.drawPixmap(0, 0, self._picture)
        plot = self._plot
        band = QRectF(plot.left(), _FLAGS - 1, plot.width(), self.height() - _FLAGS)
        left = max(self._x(self._axis.start_s), float(plot.left()))
        right = min(self._x(self._axis.end_s), plot.left() + float(plot.width()))
        shade = self.theme.colour("surface", 150)
        painter.fillRect(QRectF(band.left(), band.top(), left - band.left(), band.height()), shade)
        painter.fillRect(QRectF(right, band.top(), band.right() - right, band.height()), shade)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.theme.colour("accent"), 2 if self.hasFocus() else 1.5))
        right = max(right, left + 4)
        frame = QRectF(left, band.top(), right - left, band.height()).adjusted(
            0.75, 0, -0.75, -0.75
        )
        painter.drawRoundedRect(frame, 4, 4)
        x = self._x(self._position_s)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(x - 1.5, band.top(), 3, band.height()), shade)
        painter.fillRect(
            QRectF(x - 0.75, band.top(), 1.5, band.height()), self.theme.colour("text")
        )
        painter.end()

    def _draw(self, session: SessionHistory) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(self.theme.colour("surface"))
        painter = QPainter(picture)
        painter.setFont(font(11))
        plot, info = self._plot, session.info
        height = (self.height() - _FLAGS - _MARKS - 6) / max(1, len(session.streams))
        top = float(_FLAGS + 2)
        painter.setPen(self.theme.colour("muted"))
        painter.drawText(
            QRectF(0, top, MARGIN_LEFT - 8, self.height() - _FLAGS - _MARKS - 6),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            length_text(info.duration_s),
        )
        for stream in session.streams:
            row = QRectF(plot.left(), top, plot.width(), height - 1)
            painter.fillRect(row, self.theme.colour("plot"))
            for segment in stream.segments:
                left = self._x(segment.start_sample / info.rate)
                right = self._x(segment.end_sample / info.rate)
                area = QRectF(left, row.top(), max(right - left, 0.6), row.height())
                if segment.label in NO_EMOTION:
                    if area.width() > 1:
                        fill_state(painter, area, SpeechState(segment.label), self.theme)
                else:
                    painter.fillRect(area, self.theme.fill(segment.label))
            top += height
        for gap in session.gaps:
            left, right = self._x(gap.start_sample / info.rate), self._x(gap.end_sample / info.rate)
            area = QRectF(left, _FLAGS + 2, max(right - left, 1.5), top - _FLAGS - 2)
            painter.fillRect(area, self.theme.colour("surface"))
            painter.fillRect(area, hatch(self.theme.warning, 200))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for mark in self._marks:
            left, right = (
                self._x(mark.start_sample / info.rate),
                self._x(mark.end_sample / info.rate),
            )
            colour = self.theme.fill(mark.label) if mark.label else self.theme.colour("muted")
            painter.setBrush(colour)
            painter.drawRoundedRect(
                QRectF(left, top + 1, max(2.0, right - left), _MARKS - 3), 1.5, 1.5
            )
        for one in happenings(session.alerts, session.notes):
            colour = severity_colour(one.severity, self.theme)
            x = self._x(one.at_sample / info.rate)
            paint_flag(painter, x, 1, _FLAGS - 1, colour, one.severity)
        painter.end()
        return picture

    def _forget(self) -> None:
        self._picture = None
        self.update()

    _resized = _forget

    # Mouse and keys.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the view, or bring it here first."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at_s = self._time(event.position().x())
        if not self._axis.start_s <= at_s <= self._axis.end_s:
            self._axis.centre(at_s)
        self._grabbed = at_s - self._axis.start_s
        self._pressed = QPointF(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the view along."""
        if self._grabbed is not None:
            start_s = self._time(event.position().x()) - self._grabbed
            self._axis.centre(start_s + self._axis.span_s / 2)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click without a drag seeks."""
        if self._grabbed is not None:
            if abs(event.position().x() - self._pressed.x()) < 4:
                self.sought.emit(self._time(event.position().x()))
            self._grabbed = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom the view around the pointer."""
        if delta := event.angleDelta().y():
            at_s = self._time(event.position().x())
            self._axis.zoom(0.8 ** (delta / 120), self._axis.x(at_s))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the view, up and down zoom."""
        width = self._axis.width
        key = event.key()
        if key == Qt.Key.Key_Left:
            self._axis.pan(-width // 4)
        elif key == Qt.Key.Key_Right:
            self._axis.pan(width // 4)
        elif key == Qt.Key.Key_Up:
            self._axis.zoom(0.5, width / 2)
        elif key == Qt.Key.Key_Down:
            self._axis.zoom(2.0, width / 2)
        else:
            super().keyPressEvent(event)
