"""The sound of the live page: files and the demo are heard, a microphone is not."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from emolive.monitoring.sources import SourceKind
from emolive.types import EngineState
from emolive.ui.hearing import Hearing
from emolive.ui.live.header import Header
from emolive.ui.live.runner import LiveRunner
from emolive.ui.preferences import Preferences
from emolive.ui.sound_controls import SoundPopup
from emolive.ui.theme import Theme


class LiveSound(QObject):
    """Plays what runs as the settings say; the header's button shows it and opens the pop-up."""

    def __init__(
        self,
        preferences: Preferences,
        runner: LiveRunner,
        header: Header,
        theme: Theme,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._preferences = preferences
        self._runner = runner
        self._button = header.sound
        self.hearing = Hearing(preferences, self)
        self.popup = SoundPopup(preferences, theme, window)
        self._button.clicked.connect(
            lambda: self.popup.open_under(self._button, self.hearing.problem)
        )
        self.hearing.changed.connect(self._show)
        runner.began.connect(self._on_began)
        runner.state_changed.connect(self._on_state)
        preferences.changed.connect(lambda _: self._on_settings())
        self._show()

    def switch(self) -> None:
        """Heard, or not; nothing where there is nothing to hear."""
        if self._button.isEnabled():
            muted = self._preferences.effective.sound.muted
            self._preferences.change("sound", muted=not muted)

    def end(self, deadline: float) -> None:
        """Let the output go."""
        self.hearing.end(deadline)
        self.popup.end(max(0.0, deadline - time.monotonic()))

    def _on_began(self) -> None:
        self.hearing.stop()
        self._hear()

    def _on_state(self, state: EngineState) -> None:
        if state in (EngineState.STOPPING, EngineState.FAILED):
            self.hearing.stop()

    def _on_settings(self) -> None:
        self._hear()
        self._show()

    def _hear(self) -> None:
        run, choice = self._runner.run, self._runner.choice
        if self._preferences.effective.sound.muted:
            self.hearing.stop()
        elif self.hearing.active or run is None or run.heard is None or choice is None:
            return
        elif choice.kind is not SourceKind.MICROPHONE:
            self.hearing.hear(run.heard)

    def _show(self) -> None:
        self._button.show_sound(self._preferences.effective.sound, self.hearing.problem)
