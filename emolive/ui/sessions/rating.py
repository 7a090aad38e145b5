"""Rating by hand: takes run while it plays, and are stored when they end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from PySide6.QtCore import QObject, Signal

from emolive.session.library import Library
from emolive.session.rating import RatingPen
from emolive.session.records import Dimension, SessionInfo, Trace
from emolive.ui.background import Background
from emolive.ui.controls import timer
from emolive.ui.sessions.playing import Playing
from emolive.ui.sessions.rating_view import RatingView

# A resting stick is never quite at zero.
_DEAD = 0.06


class Joystick:
    """The first stick that is connected; found again when it is plugged in later.

    One thread owns it. Without the extra, or without a stick, `read` is None and `name` "".
    """

    def __init__(self) -> None:
        self._sdl: ModuleType | None = None
        self._stick: Any = None
        try:
            os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
            # The window is Qt's; without it SDL tells nothing of sticks.
            os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
            os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
            import pygame
        except ImportError:
            return
        pygame.display.init()
        pygame.joystick.init()
        self._sdl = pygame

    @property
    def installed(self) -> bool:
        """Whether sticks could be found at all."""
        return self._sdl is not None

    @property
    def name(self) -> str:
        """What the stick calls itself, or ""."""
        return "" if self._stick is None else str(self._stick.get_name())

    def read(self) -> tuple[float, float] | None:
        """How far right and up it is pushed, -1 to 1 each; None without a stick."""
        sdl = self._sdl
        if sdl is None:
            return None
        sdl.event.pump()
        if self._stick is not None and not self._stick.get_init():
            self._stick = None
        count = sdl.joystick.get_count()
        if count == 0:
            self._stick = None
        elif self._stick is None:
            self._stick = sdl.joystick.Joystick(0)
        if self._stick is None or self._stick.get_numaxes() < 2:
            return None
        return _alive(self._stick.get_axis(0)), _alive(-self._stick.get_axis(1))

    def close(self) -> None:
        """Let go of it."""
        if self._sdl is not None:
            self._stick = None
            self._sdl.joystick.quit()
            self._sdl.display.quit()
            self._sdl = None


def _alive(value: float) -> float:
    if abs(value) < _DEAD:
        return 0.0
    return max(-1.0, min(1.0, value))


_STICK_MS = 33


class Rating(QObject):
    """The traces of one session. `changed` tells of others, `failed` what was not stored.

    A take lasts from when it plays with rating switched on until it pauses, or is switched off. The
    joystick is looked for while rating is on.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(
        self, worker: Background, playing: Playing, view: RatingView, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._playing = playing
        self._view = view
        self._library: Library | None = None
        self._session: SessionInfo | None = None
        self._annotator = ""
        self._pen: RatingPen | None = None
        self._taking = False
        self._stick: Joystick | None = None
        self._pushed = False
        self.traces: tuple[Trace, ...] = ()
        self._timer = timer(self, _STICK_MS, self._read_stick)
        playing.moved.connect(self._on_moved)
        playing.changed.connect(self._on_playing)
        view.switched.connect(self._on_switched)
        view.taken_back.connect(self._take_back)

    def open(
        self, library: Library, session: SessionInfo, traces: Sequence[Trace], annotator: str
    ) -> None:
        """Rate this session."""
        self._library, self._session = library, session
        self.traces = tuple(traces)
        self.become(annotator)

    def become(self, annotator: str) -> None:
        """Rate in this name from now on."""
        self._end_take()
        self._annotator = annotator
        if self._session is not None:
            mine = [trace for trace in self.traces if trace.annotator == annotator]
            self._pen = RatingPen(self._session.rate, self._session.duration_samples, mine)
            self._view.back_button.setEnabled(False)
            self.changed.emit()

    def close(self) -> None:
        """Rate nothing any more."""
        self._end_take()
        self._view.button.setChecked(False)
        self._library = self._session = self._pen = None
        self.traces = ()

    def _on_switched(self, on: bool) -> None:
        if on:
            self._stick = Joystick()
            self._read_stick()
            self._timer.start()
        else:
            self._timer.stop()
            if self._stick is not None:
                self._stick.close()
                self._stick = None
        self._on_playing(self._playing.playing)

    def _on_playing(self, playing: bool) -> None:
        if playing and self._view.button.isChecked():
            if self._pen is not None and not self._taking:
                self._taking = True
                self._pen.begin()
        else:
            self._end_take()

    def _on_moved(self, at_s: float) -> None:
        if self._taking and self._pen is not None and self._session is not None:
            pad = self._view.pad
            point = {Dimension.VALENCE: pad.valence, Dimension.AROUSAL: pad.arousal}
            self._pen.hold(round(at_s * self._session.rate), point)

    def _read_stick(self) -> None:
        if self._stick is None:
            return
        at = self._stick.read()
        self._view.show_stick(self._stick.name, installed=self._stick.installed)
        # One that rests leaves the point to the mouse, until it was pushed once.
        self._pushed = at is not None and (self._pushed or at != (0.0, 0.0))
        if at is not None and self._pushed:
            self._view.show_point(*at)

    def _end_take(self) -> None:
        if self._taking:
            self._taking = False
            self._view.back_button.setEnabled(True)
            self._store()

    def _take_back(self) -> None:
        self._end_take()
        if self._pen is not None and self._pen.can_take_back:
            self._pen.take_back()
            self._view.back_button.setEnabled(False)
            self._store()

    def _store(self) -> None:
        pen, library, session = self._pen, self._library, self._session
        if pen is None or library is None or session is None:
            return
        mine = pen.traces(self._annotator)

        def work() -> tuple[Trace, ...]:
            library.put_traces(session.id, mine)
            return tuple(library.traces(session.id))

        def done(traces: tuple[Trace, ...]) -> None:
            if self._session is session:
                self.traces = traces
                self.changed.emit()

        self._worker.ask(work, done, self.failed.emit)
