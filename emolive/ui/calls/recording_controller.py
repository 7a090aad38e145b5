"""Recording calls from the window, and what each recording says about itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject

from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.monitoring import CallMonitor
from emolive.session.library import Library
from emolive.session.recent import RecentRun
from emolive.session.records import SessionInfo
from emolive.ui.background import Background
from emolive.ui.calls.call_session import CallSession
from emolive.ui.calls.model import CallModel
from emolive.ui.messages import Message, Severity
from emolive.ui.recording import Recordings

_log = logging.getLogger(__name__)


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
        self._leaving: dict[str, CallModel] = {}  # removed while they were recorded

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

    def keep_of(self, model: CallModel, recent: RecentRun) -> None:
        """Make a session of what is in memory of a call; `recorded` follows."""

        def kept(library: Library, session: SessionInfo) -> None:
            model.sessions.append(CallSession(library, session))
            self._retag(model)

        self.keep(recent, model.info.name, tuple(model.tags), kept)

    def tag(self, model: CallModel, tag: str) -> None:
        """Tag a call, and every session that is or was made of it."""
        if tag not in model.tags:
            model.tags.append(tag)
            self._retag(model)

    def untag(self, model: CallModel, tag: str) -> None:
        """Take a tag from a call and its sessions."""
        if tag in model.tags:
            model.tags.remove(tag)
            self._retag(model)

    def leave(self, model: CallModel) -> None:
        """A call is removed: what it is tagged with still comes to its recording."""
        if model.info.id in self._recorders.look():
            self._leaving[model.info.id] = model

    def stop_all(self) -> None:
        """The window closes: what is recorded is stored while the rest ends."""
        self._recorders.ask_all_to_stop()

    def show(self, models: list[CallModel]) -> list[CallModel]:
        """Tell the models how their recordings are doing; returns those with something new."""
        changed = []
        known = {model.info.id: model for model in models}
        for call_id, status in self._recorders.look().items():
            model = known.get(call_id) or self._leaving.get(call_id)
            before = None if model is None else model.recording
            if model is not None:
                if status.elapsed_s > 0:  # before, it may still come to nothing
                    self._find_session(model)
                if before != status:
                    model.recording = status
                    if call_id in known:
                        changed.append(model)
            if status.state.over:
                self._leaving.pop(call_id, None)
                self._tell_end(status, self._recorders.take_ended(call_id))
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

    def end(self, models: Sequence[CallModel]) -> None:
        """The recordings have ended: store the tags that did not come to them yet; blocks."""
        for model in (*models, *self._leaving.values()):
            self._find_session(model)
            for session in self._sessions(model):
                try:
                    session.take(model.tags)
                except EmoliveError:
                    _log.warning("The tags of a call were not stored", exc_info=True)

    def _find_session(self, model: CallModel) -> None:
        """The recorder of a call may have begun a session by now."""
        session = self._recorders.session(model.info.id)
        known = {one.id for one in model.sessions}
        if session is not None and session.id not in known and self.library is not None:
            model.sessions.append(CallSession(self.library, session))
            self._retag(model)

    def _retag(self, model: CallModel) -> None:
        for session in self._sessions(model):
            self._work.ask(
                partial(session.take, tuple(model.tags)),
                partial(self._on_tagged, session.id),
                self._fail,
            )

    def _on_tagged(self, session_id: str, changed: bool) -> None:
        if changed:
            self.recorded.emit(session_id)

    def _sessions(self, model: CallModel) -> list[CallSession]:
        """Those of a call that are in the open library."""
        return [one for one in model.sessions if one.library is self.library]
