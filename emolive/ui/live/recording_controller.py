"""Recording a live run from the window: consent first, then elapsed time, size and problems."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.monitoring import RecordingChoice
from emolive.session.recent import RecentRun
from emolive.session.recorder import Recorder, RecorderState, RecorderStatus, RecordingRequest
from emolive.session.records import SessionInfo
from emolive.times import clock_text
from emolive.ui.controls import timer
from emolive.ui.library_controller import LibraryController
from emolive.ui.messages import Action, Message, Severity, recorded_message, session_message
from emolive.ui.runs import Run
from emolive.wording import size_text

_LOOK_MS = 250
Asks = Callable[[str, Callable[[], None]], None]
"""Shows the consent reminder (its text) and calls back when everybody agreed."""


class RecordingController(QObject):
    """Starts and stops recordings of the run at hand. On the window's thread; it never waits.

    `shown` carries what the button says (None: not recording), `said` the banner's message,
    `recorded` the id of a finished session.
    """

    shown = Signal(object)
    said = Signal(object)
    recorded = Signal(str)

    def __init__(
        self, controller: LibraryController, ask: Asks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.save_audio = True
        self._controller = controller
        self._ask = ask
        self._recorder: Recorder | None = None
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

    def keep(self, recent: RecentRun, title: str) -> None:
        """Keep what is in memory as a session; `recorded` follows."""
        self._agreed_then(lambda: self._keep(recent, title))

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
        self._agreed_then(lambda: self._start(run))

    def _agreed_then(self, then: Callable[[], None]) -> None:
        """Ask whether everybody agrees, unless that was done."""
        controller = self._controller
        if controller.library is None or controller.settings is None:
            text = controller.problem or tr(
                "The library of sessions is still being opened: try again."
            )
            self.said.emit(Message(Severity.ERROR, text, Action.SETTINGS))
        elif controller.settings.consent_due:
            self._ask(tr(controller.settings.consent_text), lambda: self._agreed(then))
        else:
            then()

    def _agreed(self, then: Callable[[], None]) -> None:
        self._controller.confirm_consent()
        then()

    def _keep(self, recent: RecentRun, title: str) -> None:
        if (library := self._controller.library) is None:
            return
        request = RecordingRequest(title=title, audio=self.save_audio)
        self._controller.work.ask(
            lambda: recent.keep(library, request),
            self._kept,
            lambda text: self.said.emit(Message(Severity.ERROR, text)),
        )

    def _kept(self, session: SessionInfo) -> None:
        self.said.emit(session_message(session))
        self.recorded.emit(session.id)

    def _start(self, run: Run) -> None:
        if self._recorder is not None or self._controller.library is None:
            return
        request = RecordingRequest(audio=self.save_audio)
        try:
            self._recorder = run.record(RecordingChoice(self._controller.library, request))
            if self._recorder is None:
                return
        except EmoliveError as error:
            self._recorder = None
            self.said.emit(Message(Severity.ERROR, str(error)))
            return
        self.said.emit(None)
        self._timer.start()
        self._look()

    def _look(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        status = recorder.status()
        if status.state.over:
            self._over(recorder, status)
            return
        self.shown.emit(self._text(status))
        if status.state is RecorderState.TROUBLED and status.error:
            self.said.emit(Message(Severity.WARNING, status.error, Action.STOP_RECORDING))
        else:
            self.said.emit(None)

    def _text(self, status: RecorderStatus) -> str:
        elapsed = clock_text(status.elapsed_s)
        if not status.audio_bytes:
            return elapsed
        return f"{elapsed} · {size_text(status.audio_bytes)}"

    def _over(self, recorder: Recorder, status: RecorderStatus) -> None:
        self._timer.stop()
        self._recorder = None
        self.shown.emit(None)
        session = recorder.session
        self.said.emit(recorded_message(status, session))
        if session is not None:
            self.recorded.emit(session.id)
