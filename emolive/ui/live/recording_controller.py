"""Recording a live run from the window: elapsed time, size and problems while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.session.recorder import Recorder, RecorderState
from emolive.ui.controls import timer
from emolive.ui.library_controller import LibraryController
from emolive.ui.messages import Action, Message, Severity
from emolive.ui.recording import Recordings
from emolive.ui.runs import Run

_LOOK_MS = 250


class RecordingController(Recordings):
    """Starts and stops recordings of the run at hand.

    `shown` carries the `RecorderStatus` that the button says (None: not recording).
    """

    shown = Signal(object)

    def __init__(
        self,
        controller: LibraryController,
        save_audio: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(controller.work, save_audio, parent)
        self._controller = controller
        self._recorder: Recorder | None = None
        self._trouble: str | None = None
        self._armed = False
        self._timer = timer(self, _LOOK_MS, self._look)

    @property
    def active(self) -> bool:
        """Whether a recording runs or is being finished."""
        return self._recorder is not None

    def toggle(self, run: Run | None) -> bool:
        """Record `run` or stop recording; False: a run must be started first (then `begin`)."""
        if self._recorder is not None:
            self.stop()
            return True
        if run is not None:
            self._want(run)
            return True
        self._armed = True
        return False

    def begin(self, run: Run) -> None:
        """A run has begun: record it if that was asked for."""
        if self._armed:
            self._armed = False
            self._want(run)

    def disarm(self) -> None:
        """The run that was to be recorded did not begin."""
        self._armed = False

    def stop(self) -> None:
        """End the recording; `recorded` follows."""
        if self._recorder is not None:
            self._recorder.ask_to_stop()

    def end(self, deadline: float) -> None:
        """The window closes: store what is recorded before `deadline` (monotonic)."""
        self._timer.stop()
        if self._recorder is not None:
            self._recorder.ask_to_stop()
            self._recorder.wait(max(0.0, deadline - time.monotonic()))
            self._recorder = None

    def _want(self, run: Run) -> None:
        self.when_agreed(lambda agreed: self._start(run) if agreed else None)

    def _refusal(self) -> Message:
        text = self._controller.problem or tr(
            "The library of sessions is still being opened: try again."
        )
        return Message(Severity.ERROR, text, Action.SETTINGS)

    def _start(self, run: Run) -> None:
        if self._recorder is not None or (choice := self.choice()) is None:
            return
        try:
            self._recorder = run.record(choice)
        except EmoliveError as error:
            self._fail(str(error))
        if self._recorder is not None:
            self._trouble = None
            self.said.emit(None)
            self._timer.start()
            self._look()

    def _look(self) -> None:
        if self._recorder is None:
            return
        status = self._recorder.status()
        if status.state.over:
            recorder, self._recorder = self._recorder, None
            self._timer.stop()
            self.shown.emit(None)
            self._tell_end(status, recorder.session)
            return
        self.shown.emit(status)
        trouble = status.error if status.state is RecorderState.TROUBLED else None
        if trouble != self._trouble:
            self._trouble = trouble
            warning = Message(Severity.WARNING, trouble or "", Action.STOP_RECORDING)
            self.said.emit(warning if trouble else None)
