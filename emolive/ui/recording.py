"""What recording a run and recording calls have in common: consent first, a sentence at the end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from emolive.i18n import tr
from emolive.monitoring import RecordingChoice
from emolive.session.library import Library
from emolive.session.library_settings import LibrarySettings
from emolive.session.recent import RecentRun
from emolive.session.recorder import RecorderStatus, RecordingRequest
from emolive.session.records import SessionInfo
from emolive.ui.background import Background
from emolive.ui.messages import Message, Severity, recorded_message, session_message

Answers = Callable[[bool], object]
Asks = Callable[[str, Answers], object]
"""Shows the consent reminder (its text) and calls back with whether everybody agreed."""


class Recordings(QObject):
    """Records into a library, once everybody agreed. On the window's thread; it never waits.

    `said` carries what the banner is to say, `ended` tells that a recording did, `recorded` the id
    of a finished session; `consented` that the library now knows that the reminder was read.
    """

    said = Signal(object)
    ended = Signal()
    recorded = Signal(str)
    consented = Signal()

    def __init__(
        self, work: Background, save_audio: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        """`work` is the thread for what takes time; `save_audio` tells the setting in force."""
        super().__init__(parent)
        self.library: Library | None = None
        self._keeping = 0
        # Replaced by the window; without anybody to ask, nobody agreed.
        self.ask: Asks = lambda _, answer: answer(False)
        self._work = work
        self._save_audio = save_audio

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether a recording runs or is being finished."""

    @property
    def busy(self) -> bool:
        """Whether a session is being made, of what runs or of what is in memory."""
        return self.active or self._keeping > 0

    def choice(self, title: str = "", tags: Sequence[str] = ()) -> RecordingChoice | None:
        """How something is recorded, by the settings; None: there is no library to record into."""
        if self.library is None:
            return None
        request = RecordingRequest(title, self._save_audio(), tuple(tags))
        return RecordingChoice(self.library, request)

    def keep(
        self,
        recent: RecentRun,
        title: str,
        tags: Sequence[str] = (),
        then: Callable[[Library, SessionInfo], object] = lambda *_: None,
    ) -> None:
        """Make a session of what is in memory; `then` is told of it, and `recorded` follows."""

        def answered(agreed: bool) -> None:
            if agreed and (choice := self.choice(title, tags)) is not None:

                def kept(session: SessionInfo) -> None:
                    self._keeping -= 1
                    then(choice.library, session)
                    self._kept(session)

                def failed(problem: str) -> None:
                    self._keeping -= 1
                    self._fail(problem)

                self._keeping += 1
                self._work.ask(lambda: recent.keep(choice.library, choice.request), kept, failed)

        self.when_agreed(answered)

    def when_agreed(self, then: Answers) -> None:
        """Call `then` with whether may be recorded: asks once, and says why where it cannot be."""
        library = self.library
        if library is None:
            self.said.emit(self._refusal())
            then(False)
            return

        def answered(agreed: bool) -> None:
            if agreed:
                self._work.ask(library.confirm_consent, lambda _: self.consented.emit(), self._fail)
            then(agreed)

        def looked(settings: LibrarySettings) -> None:
            if settings.consent_due:
                self.ask(tr(settings.consent_text), answered)
            else:
                then(True)

        def failed(text: str) -> None:
            self._fail(text)
            then(False)

        self._work.ask(library.settings, looked, failed)

    @abstractmethod
    def _refusal(self) -> Message:
        """Why there is no library to record into."""

    def _kept(self, session: SessionInfo) -> None:
        self.said.emit(session_message(session))
        self.recorded.emit(session.id)

    def _tell_end(self, status: RecorderStatus, session: SessionInfo | None) -> None:
        library, message = self.library, recorded_message(status, session)
        self.ended.emit()
        if self.library is not library and message.session is not None:
            # Another one waited for this: what was recorded cannot be opened in that.
            message = replace(message, action=None, more=(), session=None)
        self.said.emit(message)
        if session is not None:
            self.recorded.emit(session.id)

    def _fail(self, text: str) -> None:
        self.said.emit(Message(Severity.ERROR, text))
