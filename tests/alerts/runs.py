"""A live run under a test's control: a real hub, and events that the test publishes."""

from __future__ import annotations

from collections.abc import Callable

from emolive.engine.hub import Hub, Mailbox
from emolive.types import Alert, EngineState, EngineStatus, Event, RunFacts, Stream, StreamStatus
from tests.alerts.calls import CALL, HOP, LABELS, RATE, WINDOW


class FakeRun:
    """What `AlertService` watches."""

    def __init__(self, *streams: Stream) -> None:
        self.hub = Hub()
        self.facts = RunFacts(
            source="call.wav",
            model="tiny",
            provider="CPU",
            labels=LABELS,
            rate=RATE,
            hop_samples=HOP,
            window_samples=WINDOW,
            infers_agents=False,
        )
        self.mailbox: Mailbox = self.hub.subscribe(10_000)
        self._streams = tuple(
            StreamStatus(s.name, role=s.role, emotion=s.emotion) for s in streams or CALL
        )
        self._status = EngineStatus(EngineState.IDLE)

    def status(self) -> EngineStatus:
        return self._status

    def enter(self, state: EngineState) -> None:
        """Go on to another state, and say so."""
        known = () if state is EngineState.STARTING else self._streams
        self._status = EngineStatus(state, streams=known)
        self.hub.publish(self._status)

    def start(self) -> None:
        self.enter(EngineState.STARTING)
        self.enter(EngineState.RUNNING)

    def say(self, *events: Event) -> None:
        for event in events:
            self.hub.publish(event)

    def heard(self, wanted: Callable[[Event], bool], timeout: float = 20.0) -> Event:
        """Wait for an event on the hub."""
        while True:
            event = self.mailbox.get(timeout)
            assert event is not None, f"nothing for {timeout} s"
            if wanted(event):
                return event

    def alert(self) -> Alert:
        """Wait for the next alert on the hub."""
        event = self.heard(lambda event: isinstance(event, Alert))
        assert isinstance(event, Alert)
        return event
