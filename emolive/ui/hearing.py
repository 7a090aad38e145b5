"""What a run sounds like, on the output and at the volume that are set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from emolive.audio.output import ChosenOutput, Output
from emolive.engine.run import LiveRun
from emolive.monitoring.listening import Listening
from emolive.settings import SoundSettings
from emolive.ui.controls import timer
from emolive.ui.preferences import Preferences

_LOOK_MS = 250
MakeOutput = Callable[[str | None], Output]


class Hearing(QObject):
    """Plays at most one run. On the window's thread; it never waits.

    `changed` tells that something is heard, or nothing any more, or that there is a `problem`.
    """

    changed = Signal()

    def __init__(
        self,
        preferences: Preferences,
        parent: QObject | None = None,
        make_output: MakeOutput = ChosenOutput,
    ) -> None:
        super().__init__(parent)
        self.problem: str | None = None
        self._preferences = preferences
        self._make_output = make_output
        self._sound: SoundSettings = preferences.effective.sound
        self._run: LiveRun | None = None
        self._streams: Sequence[str] | None = None
        self._listening: Listening | None = None
        self._closing: list[Listening] = []
        self._timer = timer(self, _LOOK_MS, self._look)
        preferences.changed.connect(lambda settings: self._use(settings.sound))

    @property
    def active(self) -> bool:
        """Whether it plays, or tries to."""
        return self._listening is not None

    def hear(self, run: LiveRun, streams: Sequence[str] | None = None) -> None:
        """Play this run from now on; `streams` None: all of them."""
        self._close()
        self._run, self._streams = run, streams
        self.problem = None
        output = self._make_output(self._sound.output)
        self._listening = Listening(run, output, volume=self._sound.volume, streams=streams)
        self._listening.start()
        self._timer.start()
        self.changed.emit()

    def stop(self) -> None:
        """Fall silent."""
        self._run = None
        self.problem = None
        self._close()
        self.changed.emit()

    def end(self, deadline: float) -> None:
        """The window closes: let the output go before `deadline` (monotonic)."""
        self._close()
        for listening in self._closing:
            listening.close(max(0.0, deadline - time.monotonic()))
        self._closing = []

    def _use(self, sound: SoundSettings) -> None:
        before, self._sound = self._sound, sound
        if self._listening is not None:
            self._listening.set_volume(sound.volume)
        if sound.output != before.output and self._run is not None and not self._run.over:
            self.hear(self._run, self._streams)

    def _look(self) -> None:
        if self._listening is None:
            return
        error = self._listening.status().error
        if error is not None:
            self._close()
            self.problem = error
            self.changed.emit()
        elif self._run is not None and self._run.over and self._listening.ended:
            self.stop()

    def _close(self) -> None:
        self._timer.stop()
        if self._listening is not None:
            self._listening.close(0.0)
            self._closing = [one for one in self._closing if not one.ended]
            self._closing.append(self._listening)
            self._listening = None
