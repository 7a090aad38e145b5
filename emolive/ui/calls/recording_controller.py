"""Recording calls from the window, and what each recording says about itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject

from emolive.i18n import tr
from emolive.monitoring import CallMonitor
from emolive.session.records import SessionInfo
from emolive.ui.background import Background
from emolive.ui.calls.model import CallModel
from emolive.ui.messages import Message, Severity
from emolive.ui.recording import Recordings


class CallRecordingController(Recordings):
    """Starts and stops recordings of calls."""

    def __init__(
        self,
        monitor: CallMonitor,
        work: Background,
        save_audio: Callable[[], bool],
        parent: QObject,
    ) -> None:
        """`work` is the monitor's thread."""
        super().__init__(work, save_audio, parent)
        self._monitor = monitor
        self._recorders = monitor.recorders

    @property
    def active(self) -> bool:
        """Whether a recording runs or is being finished."""
        return self._recorders.active

    @property
    def pending(self) -> bool:
        """Whether something is still to be told about a recording."""
        return bool(self._recorders.look())

    def toggle(self, model: CallModel) -> None:
        """Record a call, or end its recording; `recorded` follows."""
        call_id = model.info.id
        if model.recorded:
            self._work.ask(lambda: self._recorders.ask_to_stop(call_id), lambda _: None, self._fail)
        elif not model.over:
            self.when_agreed(lambda agreed: self._start(model) if agreed else None)

    def stop_all(self) -> None:
        """The window closes: what is recorded is stored while the rest ends."""
        self._recorders.ask_all_to_stop()

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

    def _refusal(self) -> Message:
        text = tr("The library of sessions is not open: the call is not recorded.")
        return Message(Severity.ERROR, text)

    def _start(self, model: CallModel) -> None:
        choice, call_id = self.choice(model.info.name, model.tags), model.info.id
        if choice is not None:
            self._work.ask(
                lambda: self._monitor.record(call_id, choice), lambda _: None, self._fail
            )

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

        self._work.ask(tag, lambda _: self.recorded.emit(session.id), self._fail)
