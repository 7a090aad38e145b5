"""Between the player of a session and the window: one timer while it plays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from emolive.session.library import Library
from emolive.session.player import Player, PlayerState, session_player
from emolive.session.records import SessionInfo
from emolive.ui.controls import timer

SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_FRAME_MS = 33

MakePlayer = Callable[[Library, SessionInfo], Player]


class Playing(QObject):
    """Plays one session at a time. All methods belong on the window's thread and return at once.

    `moved` tells the position in seconds, `changed` that it plays or does not, `problem` one
    sentence why it stopped.
    """

    moved = Signal(float)
    changed = Signal(bool)
    problem = Signal(str)

    def __init__(self, make: MakePlayer = session_player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._player: Player | None = None
        self._rate = 1
        self.playing = False
        self._told: str | None = None
        self._closing: list[threading.Thread] = []
        self._timer = timer(self, _FRAME_MS, self._look)

    @property
    def position_s(self) -> float:
        """What is heard, in seconds of the session."""
        return 0.0 if self._player is None else self._player.position() / self._rate

    @property
    def position(self) -> int:
        """What is heard, as a sample of the session."""
        return 0 if self._player is None else self._player.position()

    def open(self, library: Library, session: SessionInfo) -> None:
        """Be ready to play a session."""
        self.close_session()
        self._rate = session.rate
        self._player = self._make(library, session)
        self._told = None
        self.moved.emit(0.0)

    def toggle(self) -> None:
        """Play, or pause."""
        if self._player is None:
            return
        if self.playing:
            self._player.pause()
        else:
            self._player.play()
        self._look()

    def pause(self) -> None:
        """Pause, if it plays."""
        if self.playing:
            self.toggle()

    def seek(self, at_s: float) -> None:
        """Go to a time; plays on if it was playing."""
        if self._player is not None:
            self._player.seek(round(at_s * self._rate))
            self._look()

    def loop(self, start_sample: int, end_sample: int) -> bool:
        """Repeat a stretch; whether it is long enough."""
        try:
            if self._player is not None:
                self._player.loop(start_sample, end_sample)
                self._look()
                return True
        except ValueError:
            pass
        return False

    def end_loop(self) -> None:
        """Repeat nothing any more."""
        if self._player is not None:
            self._player.end_loop()

    @property
    def looped(self) -> tuple[int, int] | None:
        """What is repeated."""
        return None if self._player is None else self._player.status().loop

    def set_speed(self, speed: float) -> None:
        """Play faster or slower, with the pitch kept."""
        if self._player is not None:
            self._player.set_speed(speed)

    def hear(self, streams: Sequence[str]) -> None:
        """Hear these streams only."""
        if self._player is not None:
            self._player.select(streams)

    @property
    def heard(self) -> tuple[str, ...]:
        """The streams that are heard."""
        return () if self._player is None else self._player.status().streams

    def close_session(self) -> None:
        """Fall silent; the player ends on a thread of its own, since a device may take its time."""
        player, self._player = self._player, None
        self._timer.stop()
        if self.playing:
            self.playing = False
            self.changed.emit(False)
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        if player is not None:
            thread = threading.Thread(target=player.close, name="emolive play end", daemon=True)
            thread.start()
            self._closing.append(thread)

    def shutdown(self, timeout: float) -> bool:
        """End for good; whether all ended within `timeout` seconds."""
        self.close_session()
        for thread in self._closing:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._closing)

    def _look(self) -> None:
        if self._player is None:
            return
        status = self._player.status()
        playing = status.state is PlayerState.PLAYING
        if playing != self.playing:
            self.playing = playing
            (self._timer.start if playing else self._timer.stop)()
            self.changed.emit(playing)
        self.moved.emit(status.position / self._rate)
        if status.error is not None and status.error != self._told:
            self.problem.emit(status.error)
        self._told = status.error
