"""The voices of all streams that run, while somebody looks at them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QObject

from emolive.types import EngineState, Event, FeatureBlock
from emolive.ui.live.runner import LiveRunner
from emolive.ui.timeline.live_voice import LiveVoice


class LiveVoices(QObject):
    """The voices of all streams of a run; while it is off, nothing is done at all."""

    def __init__(self, runner: LiveRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._on = False
        self._voices: dict[str, LiveVoice] = {}
        runner.streams_changed.connect(self._on_streams)
        runner.state_changed.connect(self._on_state)

    def switch(self, on: bool) -> None:
        """Measure from now on, or no more; what was measured stays."""
        if on == self._on:
            return
        self._on = on
        received = self._runner.bridge.received
        if on:
            received.connect(self._on_events)
        else:
            received.disconnect(self._on_events)
            for voice in self._voices.values():
                voice.rest()

    def of(self, stream: str) -> LiveVoice:
        """The voice of a stream of the run."""
        if stream not in self._voices:
            model = self._runner.model
            assert model is not None
            self._voices[stream] = LiveVoice(stream, model.facts.rate, self)
        return self._voices[stream]

    def end(self, deadline: float) -> None:
        """End all threads."""
        for voice in self._voices.values():
            voice.rest(max(0.0, deadline - time.monotonic()))

    def _on_events(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, FeatureBlock) and event.stream in self._voices:
                self._voices[event.stream].add(event)

    def _on_state(self, state: EngineState) -> None:
        if state in (EngineState.STOPPED, EngineState.FAILED) and self._on:
            for voice in self._voices.values():
                voice.finish()

    def _on_streams(self) -> None:
        if self._runner.model is None:
            for voice in self._voices.values():
                voice.rest()
                voice.deleteLater()
            self._voices = {}
