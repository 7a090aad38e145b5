"""One time axis for all panels: which part is seen, and where a second lies in pixels.

The view moves in whole device pixels, so drawn content can be shifted instead of drawn again, and
nothing shimmers while it scrolls.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

from emolive.times import clock_text

DEFAULT_SPAN_S = 60.0
MIN_SPAN_S = 5.0
MAX_SPAN_S = 8 * 3600.0
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


class TimeAxis(QObject):
    """The view on time. Pixels are device pixels of the plot area, which all panels share."""

    changed = Signal()
    follow_changed = Signal(bool)
    span_changed = Signal()
    marks_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Show the last minute and follow the newest audio."""
        super().__init__(parent)
        self.width = 1
        self.now_s = 0.0
        self.oldest_s = 0.0
        self.span_s = DEFAULT_SPAN_S
        self.whole = False
        self.follow = True
        self.start_px = 0
        self.pointed_s: float | None = None
        self.chosen_s: float | None = None

    @property
    def behind_s(self) -> float:
        """How far the right edge is behind the newest audio."""
        return max(0.0, self.now_s - self.end_s)

    def point(self, at_s: float | None) -> None:
        """Show a hair line at `at_s` on all panels; None: none."""
        if at_s != self.pointed_s:
            self.pointed_s = at_s
            self.marks_changed.emit()

    def choose(self, at_s: float | None) -> None:
        """Mark the moment `at_s` on all panels; None: none."""
        if at_s != self.chosen_s:
            self.chosen_s = at_s
            self.marks_changed.emit()

    def reveal(self, at_s: float) -> None:
        """Move the view as little as needed to show `at_s`."""
        x = self.x(at_s)
        margin = self.width / 8
        if x < 0:
            self.pan(round(x - margin))
        elif x >= self.width:
            self.pan(round(x - self.width + margin))

    @property
    def seconds_per_px(self) -> float:
        """Width of one device pixel in seconds."""
        return self.span_s / self.width

    @property
    def start_s(self) -> float:
        """Time at the left edge."""
        return self.start_px * self.seconds_per_px

    @property
    def end_s(self) -> float:
        """Time at the right edge."""
        return (self.start_px + self.width) * self.seconds_per_px

    def x(self, at_s: float) -> float:
        """Device pixels from the left edge to `at_s`."""
        return at_s / self.seconds_per_px - self.start_px

    def time_at(self, x: float) -> float:
        """Time at `x` device pixels from the left edge."""
        return (x + self.start_px) * self.seconds_per_px

    def reset(self) -> None:
        """A new run: back to zero, following."""
        self.now_s = self.oldest_s = 0.0
        self.pointed_s = self.chosen_s = None
        if self.whole:
            self.span_s = DEFAULT_SPAN_S
        self._set_follow(True)
        self._place(0)

    def set_width(self, width: int) -> None:
        """The plot area's width in device pixels; what is at the right edge stays there."""
        if width != self.width and width > 0:
            end_s = self.end_s
            self.width = width
            self._settle(end_s)

    def advance(self, now_s: float, oldest_s: float = 0.0) -> None:
        """Time went on: `now_s` is the newest audio, `oldest_s` the oldest still held."""
        self.now_s = now_s
        self.oldest_s = oldest_s
        if self.whole and now_s - oldest_s > self.span_s:
            # Grow in steps: a new scale means drawing everything again.
            self._set_span(min(MAX_SPAN_S, (now_s - oldest_s) * 1.25))
        if self.follow:
            self._place(self._live_px())

    def set_span(self, span_s: float) -> None:
        """Show `span_s` seconds, keeping the right edge."""
        self.whole = False
        end_s = self.end_s
        self._set_span(span_s)
        self._settle(end_s)

    def show_whole(self) -> None:
        """Show everything that is held, and keep doing so."""
        self.whole = True
        self._set_span(max(DEFAULT_SPAN_S, (self.now_s - self.oldest_s) * 1.05))
        self._set_follow(True)
        self._place(self._live_px())

    def follow_live(self, follow: bool = True) -> None:
        """Keep the newest audio at the right edge, or let go."""
        self._set_follow(follow)
        if follow:
            self._place(self._live_px())

    def pan(self, px: int) -> None:
        """Move the view by `px` device pixels; reaching the newest audio follows it again."""
        if px == 0:
            return
        at = self._held(self.start_px + px)
        if at == self.start_px:
            return
        self._set_follow(at >= self._live_px())
        self._place(at)

    def zoom(self, factor: float, x: float) -> None:
        """Show `factor` times as much time; the time at `x` stays there unless live is followed."""
        self.whole = False
        at_s = self.time_at(x)
        self._set_span(self.span_s * factor)
        if self.follow:
            self._place(self._live_px())
        else:
            self._place(self._held(round(at_s / self.seconds_per_px - x)))

    def ticks(self, min_px: float) -> list[tuple[float, str]]:
        """Times and texts of ticks at least `min_px` device pixels apart, within the view."""
        at_least = min_px * self.seconds_per_px
        step = next((s for s in _STEPS_S if s >= at_least), _STEPS_S[-1])
        first = max(0, math.ceil(self.start_s / step))
        last = math.floor(self.end_s / step)
        return [(float(i * step), clock_text(i * step)) for i in range(first, last + 1)]

    def _first_px(self) -> int:
        return min(math.floor(self.oldest_s / self.seconds_per_px), self._live_px())

    def _live_px(self) -> int:
        # Until the view is full it starts at its oldest moment and fills from the left.
        newest = math.ceil(self.now_s / self.seconds_per_px)
        return max(math.floor(self.oldest_s / self.seconds_per_px), newest - self.width)

    def _held(self, start_px: int) -> int:
        """The nearest left edge with which the view leaves neither what is held nor the present."""
        return min(max(start_px, self._first_px()), self._live_px())

    def _settle(self, end_s: float) -> None:
        if self.follow:
            at = self._live_px()
        else:
            at = self._held(round(end_s / self.seconds_per_px) - self.width)
        self._place(at)
        self.changed.emit()

    def _place(self, start_px: int) -> None:
        if start_px != self.start_px:
            self.start_px = start_px
            self.changed.emit()

    def _set_span(self, span_s: float) -> None:
        span_s = min(MAX_SPAN_S, max(MIN_SPAN_S, span_s))
        if span_s != self.span_s:
            self.span_s = span_s
            self.span_changed.emit()
            self.changed.emit()

    def _set_follow(self, follow: bool) -> None:
        if follow != self.follow:
            self.follow = follow
            self.follow_changed.emit(follow)
