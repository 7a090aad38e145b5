"""A recorder for each call that is recorded."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from emolive.session.recorder import Recorder, RecorderStatus
from emolive.session.records import SessionInfo

if TYPE_CHECKING:
    from emolive.monitoring.description import RecordingChoice
    from emolive.monitoring.runs import MonitoredRun


class CallRecorders:
    """Recorders by the id of their call, at most one each. Methods may be called from any thread.

    A recorder runs on a thread of its own and ends by itself with its call; none of this disturbs a
    call. One that has ended stays until `take_ended`, at most one for each call.
    """

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._recorders: dict[str, Recorder] = {}
        self._closed = False

    @property
    def active(self) -> bool:
        """Whether a recording runs or is being finished."""
        return any(not recorder.status().state.over for recorder in self._all())

    def begin(self, call_id: str, run: MonitoredRun, recording: RecordingChoice) -> None:
        """Record a call from now on, unless that is done already.

        Raises:
            EmoliveError: the call is over, or its last recording is still being stored.
        """
        with self._lock:
            if not self._closed:
                self._recorders[call_id] = run.record(recording)

    def ask_to_stop(self, call_id: str) -> None:
        """End a call's recording here; its recorder stores what is left."""
        with self._lock:
            recorder = self._recorders.get(call_id)
        if recorder is not None:
            recorder.ask_to_stop()

    def ask_all_to_stop(self) -> None:
        """End all recordings here."""
        for recorder in self._all():
            recorder.ask_to_stop()

    def look(self) -> dict[str, RecorderStatus]:
        """How all of them are doing, those that ended, too."""
        with self._lock:
            recorders = dict(self._recorders)
        return {call_id: recorder.status() for call_id, recorder in recorders.items()}

    def take_ended(self, call_id: str) -> SessionInfo | None:
        """Forget a recorder that has ended; the session that it made, None: none."""
        with self._lock:
            recorder = self._recorders.pop(call_id, None)
        return None if recorder is None else recorder.session

    def close(self, deadline: float) -> bool:
        """End all and wait until `deadline` (monotonic); whether everything is stored."""
        with self._lock:
            self._closed = True
        self.ask_all_to_stop()
        for recorder in self._all():
            recorder.wait(max(0.0, deadline - time.monotonic()))
        return not self.active

    def _all(self) -> list[Recorder]:
        with self._lock:
            return list(self._recorders.values())
