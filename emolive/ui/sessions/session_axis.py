"""The time axis of a session that is over: any part of it, down to two seconds, up to all of it."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject

from emolive.ui.timeline.time_axis import TimeAxis

MIN_SPAN_S = 2.0
_EDGE = 0.06  # of the view, that stays free before or behind what is brought into view


class SessionAxis(TimeAxis):
    """Shows ``[0, now_s]`` or a part of it; there is no live edge to follow."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.follow = False
        self.whole = True

    def show_session(self, duration_s: float) -> None:
        """Begin with all of a session of `duration_s` seconds."""
        self.now_s = max(duration_s, 1e-3)
        self.oldest_s = 0.0
        self.show_whole()

    def set_width(self, width: int) -> None:
        """The plot area's width in device pixels; what is at the left edge stays there."""
        if width != self.width and width > 0:
            start_s = self.start_s
            self.width = width
            self.start_px = self._clamped(round(start_s / self.seconds_per_px))
            self.changed.emit()

    def view(self, start_s: float, end_s: float) -> None:
        """Show this part, and at least `MIN_SPAN_S`."""
        span_s = min(self.now_s, max(MIN_SPAN_S, end_s - start_s))
        start_s -= (span_s - (end_s - start_s)) / 2
        self._show(span_s, start_s)

    def show_whole(self) -> None:
        """Show everything."""
        self._show(self.now_s, 0.0)

    def set_span(self, span_s: float) -> None:
        """Show `span_s` seconds around the middle of the view."""
        middle_s = (self.start_s + self.end_s) / 2
        self.view(middle_s - span_s / 2, middle_s + span_s / 2)

    def zoom(self, factor: float, x: float) -> None:
        """Show `factor` times as much time; the time at `x` device pixels stays there."""
        at_s = self.time_at(x)
        span_s = min(self.now_s, max(MIN_SPAN_S, self.span_s * factor))
        self._show(span_s, at_s - x * span_s / self.width)

    def pan(self, px: int) -> None:
        """Move the view by `px` device pixels, as far as the session goes."""
        at = self._clamped(self.start_px + px)
        if at != self.start_px:
            self.start_px = at
            self.changed.emit()

    def centre(self, at_s: float) -> None:
        """Bring `at_s` to the middle, as far as the session goes."""
        self._show(self.span_s, at_s - self.span_s / 2)

    def reveal(self, start_s: float, end_s: float | None = None) -> None:
        """Bring a moment or a stretch into view; the scale stays unless the stretch is longer."""
        end_s = start_s if end_s is None else end_s
        edge_s = _EDGE * self.span_s
        if end_s - start_s > self.span_s - 2 * edge_s:
            self.view(start_s - edge_s, end_s + edge_s)
        elif start_s < self.start_s or end_s > self.end_s:
            self._show(self.span_s, start_s - edge_s)

    def follow_live(self, follow: bool = True) -> None:
        """Nothing: the session is over."""

    def advance(self, now_s: float, oldest_s: float = 0.0) -> None:
        """Nothing: the session is over."""

    def _show(self, span_s: float, start_s: float) -> None:
        changed = span_s != self.span_s
        self.span_s = span_s
        self.whole = span_s >= self.now_s
        start_px = self._clamped(round(start_s / self.seconds_per_px))
        if changed or start_px != self.start_px:
            self.start_px = start_px
            if changed:
                self.span_changed.emit()
            self.changed.emit()

    def _clamped(self, start_px: int) -> int:
        end_px = math.ceil(self.now_s / self.seconds_per_px - 1e-9)
        return min(max(0, start_px), max(0, end_px - self.width))
