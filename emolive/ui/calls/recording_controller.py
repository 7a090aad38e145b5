"""Recording calls from the window: consent first, then what each recording says about itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from emolive.i18n import tr
from emolive.monitoring import CallMonitor, RecordingChoice
from emolive.monitoring.call_monitor import CallRecorders
from emolive.session.library import Library
from emolive.session.library_settings import LibrarySettings
from emolive.session.recent import RecentRun
from emolive.session.recorder import RecorderStatus, RecordingRequest
from emolive.session.records import SessionInfo
from emolive.ui.background import Background
from emolive.ui.calls.model import CallModel
from emolive.ui.messages import Message, Severity, recorded_message, session_message

Answers = Callable[[bool], None]
Asks = Callable[[str, Answers], None]
"""Shows the consent reminder (its text) and calls back with whether everybody agreed."""


class CallRecordingController(QObject):
    """Starts and stops recordings of calls. On the window's thread; it never waits.

    `said` carries what the banner is to say, `recorded` the id of a finished session; `consented`
    tells that the library now knows that the reminder was read.
    """

    said = Signal(object)
    recorded = Signal(str)
    consented = Signal()

    def __init__(
        self,
        monitor: CallMonitor,
        work: Background,
        save_audio: Callable[[], bool],
        parent: QObject,
    ) -> None:
        """`work` is the monitor's thread; `save_audio` tells the setting in force."""
        super().__init__(parent)
        self.library: Library | None = None
        # Replaced by the page; without anybody to ask, nobody agreed.
        self.ask: Asks = lambda _, answer: answer(False)
        self._monitor = monitor
        self._recorders: CallRecorders = monitor.recorders
        self._work = work
        self._save_audio = save_audio

    @property
    def active(self) -> bool:
        """Whether a recording runs or is being finished."""
        return self._recorders.active

    @property
    def pending(self) -> bool:
        """Whether something is still to be told about a recording."""
        return bool(self._recorders.look())

    def choice(self, name: str, tags: Sequence[str] = ()) -> RecordingChoice | None:
        """How a call is recorded, by the settings; None: there is no library to record into."""
        if self.library is None:
            return None
        request = RecordingRequest(name, self._save_audio(), tuple(tags))
        return RecordingChoice(self.library, request)

    def keep(self, model: CallModel, recent: RecentRun) -> None:
        """Make a session of what is in memory of a call; `recorded` follows."""
        self.when_agreed(lambda agreed: self._keep(model, recent) if agreed else None)

    def toggle(self, model: CallModel) -> None:
        """Record a call, or end its recording."""
        if model.recorded:
            self.stop(model.info.id)
        elif not model.over:
            self.when_agreed(lambda agreed: self._start(model) if agreed else None)

    def stop(self, call_id: str) -> None:
        """End a call's recording; `recorded` follows."""
        self._work.ask(
            lambda: self._recorders.ask_to_stop(call_id), lambda _: None, self._on_failure
        )

    def stop_all(self) -> None:
        """The window closes: what is recorded is stored while the rest ends."""
        self._recorders.ask_all_to_stop()

    def when_agreed(self, then: Answers) -> None:
        """Call `then` with whether may be recorded: asks once, and says why where it cannot be."""
        library = self.library
        if library is None:
            text = tr("The library of sessions is not open: the call is not recorded.")
            self._on_failure(text)
            then(False)
            return

        def on_settings(settings: LibrarySettings) -> None:
            if settings.consent_due:
                self.ask(tr(settings.consent_text), lambda agreed: self._answered(agreed, then))
            else:
                then(True)

        def on_failure(text: str) -> None:
            self._on_failure(text)
            then(False)

        self._work.ask(library.settings, on_settings, on_failure)

    def show(self, models: list[CallModel]) -> list[CallModel]:
        """Tell the models how their recordings are doing; returns those with something new."""
        changed = []
        known = {model.info.id: model for model in models}
        for call_id, status in self._recorders.look().items():
            model = known.get(call_id)
            before = None if model is None else model.recording
            if model is not None and before != status:
                model.recording = status
                changed.append(model)
            if status.state.over:
                session = self._recorders.take_ended(call_id)
                self._tell_end(status, session)
                if session is not None and model is not None:
                    self._tag(session, model.tags)
            elif status.error and (before is None or before.error != status.error):
                self.said.emit(Message(Severity.WARNING, status.error))
        return changed

    def _answered(self, agreed: bool, then: Answers) -> None:
        library = self.library
        if agreed and library is not None:
            self._work.ask(
                library.confirm_consent, lambda _: self.consented.emit(), self._on_failure
            )
        then(agreed)

    def _start(self, model: CallModel) -> None:
        if (choice := self.choice(model.info.name, model.tags)) is None:
            return
        call_id = model.info.id
        self._work.ask(
            lambda: self._monitor.record(call_id, choice), lambda _: None, self._on_failure
        )

    def _keep(self, model: CallModel, recent: RecentRun) -> None:
        if (choice := self.choice(model.info.name, model.tags)) is None:
            return
        self._work.ask(
            lambda: recent.keep(choice.library, choice.request), self._kept, self._on_failure
        )

    def _kept(self, session: SessionInfo) -> None:
        self.said.emit(session_message(session))
        self.recorded.emit(session.id)

    def _tag(self, session: SessionInfo, tags: Sequence[str]) -> None:
        """Give a session the tags that its call has by now."""
        library = self.library
        new = [tag for tag in tags if tag not in session.tags]
        old = [tag for tag in session.tags if tag not in tags]
        if library is None or not (new or old):
            return

        def tag() -> None:
            for one in new:
                library.add_tag(session.id, one)
            for one in old:
                library.remove_tag(session.id, one)

        self._work.ask(tag, lambda _: self.recorded.emit(session.id), self._on_failure)

    def _tell_end(self, status: RecorderStatus, session: SessionInfo | None) -> None:
        self.said.emit(recorded_message(status, session))
        if session is not None:
            self.recorded.emit(session.id)

    def _on_failure(self, text: str) -> None:
        self.said.emit(Message(Severity.ERROR, text))
