"""The library of sessions in the window: opened off its thread, shared by all pages."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from emolive.i18n import ntr
from emolive.session.library import Library
from emolive.session.library_settings import LibrarySettings
from emolive.ui.background import Background
from emolive.ui.messages import Action, Message, Severity
from emolive.ui.recording import Recordings


class LibraryController(QObject):
    """At most one open library; another folder replaces it.

    `opened` carries the library, or None while there is none; `settled` its settings; `said` what
    the banner is to say about it.
    """

    opened = Signal(object)
    settled = Signal(object)
    said = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.library: Library | None = None
        self.settings: LibrarySettings | None = None
        self.problem: str | None = None
        self.work = Background("library", self)
        self._changing: dict[str, object] = {}
        self._recordings: list[Recordings] = []
        self._folder: Path | None = None
        self._wanted: Path | None = None
        self._made: Library | None = None  # on the worker; perhaps nobody will take it
        self._over = False

    def open(self, folder: Path | None) -> None:
        """Open the library in `folder` (None: the usual one); `opened` follows."""
        self._folder = self._wanted = folder
        self._let_go()
        self.work.ask(lambda: self._make(folder), self._on_opened, self._on_problem, key="open")

    def open_again(self) -> None:
        """Try once more what could not be opened."""
        self.open(self._wanted)

    def use(self, folder: Path | None) -> None:
        """Open the library in `folder`, unless that was done, once nothing is recorded."""
        self._wanted = folder
        self._catch_up()

    def serve(self, recordings: Recordings) -> None:
        """Follow those who record into the library: another waits for their end."""
        self._recordings.append(recordings)
        recordings.consented.connect(self.look_again)
        recordings.ended.connect(self._catch_up)

    def change_settings(self, **values: object) -> None:
        """Change these of the library's settings alone; `settled` follows."""
        if (library := self.library) is None:
            return
        # The newest change replaces those that wait, so it brings their values along.
        self._changing = changing = {**self._changing, **values}
        self.work.ask(
            lambda: library.change_settings(**changing),
            self._on_settings,
            self._on_failed,
            key="settings",
        )

    def look_again(self) -> None:
        """Somebody else has changed the library's settings; `settled` follows."""
        if (library := self.library) is not None:
            self.work.ask(library.settings, self._on_settings, self._on_failed)

    def end(self, timeout: float) -> None:
        """Close it, after at most `timeout` seconds of waiting for what it does."""
        library, self.library = self.library, None
        self._over = True
        if self.work.close(timeout):
            for one in (library, self._made):
                if one is not None:
                    one.close()

    def _catch_up(self) -> None:
        if self._wanted != self._folder and not any(one.active for one in self._recordings):
            self.open(self._wanted)

    def _make(self, folder: Path | None) -> tuple[Library, LibrarySettings]:
        library = self._made = Library.open(folder)
        try:
            return library, library.settings()
        finally:
            if self._over:
                library.close()

    def _let_go(self) -> None:
        library, self.library, self.settings = self.library, None, None
        self._changing = {}
        if library is not None:
            self.opened.emit(None)
            self.work.ask(library.close, lambda _: None, self._on_failed)

    def _on_opened(self, found: tuple[Library, LibrarySettings]) -> None:
        self.library, self.settings = found
        self.problem = None
        self.opened.emit(self.library)
        self.settled.emit(self.settings)
        recovered = len(self.library.recovered)
        message = None
        if recovered:
            text = ntr(
                "{count} recording that was cut off has been recovered.",
                "{count} recordings that were cut off have been recovered.",
                recovered,
            )
            message = Message(Severity.INFO, text)
        self.said.emit(message)

    def _on_problem(self, text: str) -> None:
        self.problem = text
        self.said.emit(Message(Severity.WARNING, text, Action.SETTINGS))
        self.opened.emit(None)

    def _on_failed(self, text: str) -> None:
        self.said.emit(Message(Severity.ERROR, text))

    def _on_settings(self, settings: LibrarySettings) -> None:
        self.settings = settings
        self.settled.emit(settings)
