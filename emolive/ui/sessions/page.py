"""The sessions page: the list, and one session replayed; dialogs between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QWidget

from emolive.adapt import shelf
from emolive.i18n import ntr, tr
from emolive.inference.decision import DecisionConfig
from emolive.session.export_folder import import_bundles
from emolive.session.library import Library
from emolive.session.player import session_player
from emolive.session.records import SessionInfo
from emolive.session.results import session_results
from emolive.session.session_history import SessionHistory
from emolive.ui.background import Background
from emolive.ui.controls import timer
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import stack, vbox
from emolive.ui.messages import Message, Severity
from emolive.ui.sessions.compare_dialog import CompareDialog
from emolive.ui.sessions.delete_dialog import DeleteDialog
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.label_moments import LabelMoments
from emolive.ui.sessions.library_page import KEYS as LIST_KEYS
from emolive.ui.sessions.library_page import LibraryPage
from emolive.ui.sessions.playing import MakePlayer
from emolive.ui.sessions.replay_keys import KEYS as REPLAY_KEYS
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.sessions.results_page import ResultsPage
from emolive.ui.sessions.teach_dialog import TeachDialog
from emolive.ui.sessions.tiers_dialog import TiersDialog
from emolive.ui.shortcuts import Key
from emolive.ui.theme import Theme, Themed

_SAID_MS = 5_000
BundleChooser = Callable[[QWidget], list[Path]]


def choose_bundles(parent: QWidget) -> list[Path]:
    """Ask for bundles; none where the person gave up."""
    chosen, _ = QFileDialog.getOpenFileNames(
        parent, tr("Import sessions"), "", f"{tr('Session bundles')} (*.zip);;{tr('All files')} (*)"
    )
    return [Path(name) for name in chosen]


class SessionsPage(Themed, QWidget):
    """One of the window's pages. The library is opened and closed by the window.

    `message` carries what the window's banner shall say (None: nothing any more).
    """

    message = Signal(object)
    record_wanted = Signal()  # go to the live view
    retry_library = Signal()
    model_chosen = Signal(str)  # to be used from the next run on
    annotator_named = Signal(str)

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        make_player: MakePlayer = session_player,
        choose_bundles: BundleChooser = choose_bundles,
        decision: Callable[[], DecisionConfig] = DecisionConfig,
    ) -> None:
        """`decision`: how answers are decided now, where a session is decided anew."""
        super().__init__(theme, parent)
        self._choose_bundles = choose_bundles
        self._make_player = make_player
        self.title = tr("Sessions")
        self.icon_name = "sessions"
        self.library: Library | None = None
        self._formats: tuple[str, ...] = ("html",)
        self._folder = ""
        # Reading must not wait for an edit, nor either of them for an export.
        self.reader = Background("sessions", self)
        self.editor = Background("session edits", self)
        self.hard_worker = Background("session jobs", self)
        self.list = LibraryPage(theme, self.reader, self)
        self.replay = ReplayPage(
            theme, self.reader, self.editor, self, make_player=make_player, decision=decision
        )
        self.results = ResultsPage(theme, self.hard_worker, self)
        self._back: QWidget = self.list  # where a session is left to
        self.dialog: QDialog | None = None
        self._said = timer(self, _SAID_MS, lambda: self.message.emit(None), once=True)
        self._pages = stack(self, self.list, self.replay, self.results)
        vbox(self._pages, within=self)
        self._connect()

    # What the window does with it.

    def set_library(self, library: Library | None) -> None:
        """Show this library; None: it is still being opened, or changed."""
        self._leave()
        self.library = library
        self.list.set_library(library)

    def set_problem(self, text: str) -> None:
        """Say why there is no library."""
        self._leave()
        self.library = None
        self.list.set_problem(text)

    def refresh(self) -> None:
        """Sessions may have been added or have gone."""
        self.list.refresh()

    def shown(self) -> None:
        """The page came into view."""
        self.refresh()
        if self.showing_list:
            self.list.table.setFocus()

    def hidden(self) -> None:
        """Another page came into view: what plays pauses."""
        self.replay.playing.pause()

    def open_session(self, session_id: str, at_sample: int | None = None) -> None:
        """Replay a session."""
        if self.library is not None:
            self.message.emit(None)
            front = self._pages.currentWidget()
            self._back = self.results if front is self.results else self.list
            self._pages.setCurrentWidget(self.replay)
            self.replay.open(self.library, session_id, at_sample)

    @property
    def busy(self) -> bool:
        """Whether sessions are imported, exported, deleted, edited or learnt from."""
        return self.hard_worker.busy or self.editor.busy

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of what is shown."""
        return LIST_KEYS if self.showing_list else REPLAY_KEYS

    @property
    def showing_list(self) -> bool:
        """Whether the list is shown, not a session."""
        return self._pages.currentWidget() is self.list

    def end(self, deadline: float) -> None:
        """End all threads before `time.monotonic()` reaches `deadline`."""
        if self.dialog is not None:
            self.dialog.reject()
        self.replay.shutdown(max(0.05, deadline - time.monotonic()))
        for worker in (self.reader, self.editor, self.hard_worker):
            worker.close(max(0.05, deadline - time.monotonic()))

    # How it is put together.

    def _connect(self) -> None:
        sessions, replay = self.list, self.replay
        sessions.opened.connect(self._on_open)
        sessions.export_wanted.connect(self.export)
        sessions.results_wanted.connect(self.show_results)
        sessions.delete_wanted.connect(self.delete)
        sessions.import_wanted.connect(self.import_bundles)
        sessions.label_wanted.connect(self.label_moments)
        sessions.teach_wanted.connect(self.teach)
        sessions.record_wanted.connect(self.record_wanted)
        sessions.retry_wanted.connect(self.retry_library)
        replay.left.connect(self._leave_session)
        self.results.left.connect(self._leave)
        self.results.opened.connect(self.open_session)
        self.results.export_wanted.connect(self.export)
        self.results.said.connect(self._say)
        self.results.failed.connect(self._fail)
        replay.said.connect(self._say)
        replay.failed.connect(self._fail)
        replay.changed.connect(lambda: sessions.refresh())
        replay.export_wanted.connect(lambda info: self.export([info]))
        replay.compare_wanted.connect(self.compare)
        replay.annotator_named.connect(self.annotator_named)
        replay.tiers_wanted.connect(self.edit_tiers)

    def _on_open(self, session_id: str, at_sample: int) -> None:
        self.open_session(session_id, at_sample if at_sample >= 0 else None)

    def show_results(self, sessions: Sequence[SessionInfo]) -> None:
        """These sessions side by side."""
        library = self.library
        if library is None:
            return
        self.message.emit(None)
        self._pages.setCurrentWidget(self.results)
        self.reader.ask(
            lambda: session_results(sessions, library.label_samples()),
            self.results.show_results,
            self._fail,
            key="results",
        )

    def show_results_of(self, ids: Sequence[str]) -> None:
        """The sessions of these ids side by side, as far as they are still there."""
        if (library := self.library) is not None:
            wanted = set(ids)
            self.reader.ask(
                lambda: [info for info in library.sessions() if info.id in wanted],
                self.show_results,
                self._fail,
                key="results",
            )

    def _leave_session(self) -> None:
        if self._back is self.results:
            self.replay.close_session()
            self._pages.setCurrentWidget(self.results)
            self.results.table.setFocus()
        else:
            self._leave()

    def _leave(self) -> None:
        if not self.showing_list:
            self.replay.close_session()
            self._pages.setCurrentWidget(self.list)
            self.list.refresh()
            self.list.table.setFocus()
        self.message.emit(None)

    def _say(self, text: str) -> None:
        self.message.emit(Message(Severity.INFO, text))
        self._said.start()

    def _fail(self, text: str) -> None:
        self._said.stop()
        self.message.emit(Message(Severity.ERROR, text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys are for what is shown, wherever the focus is."""
        shown = self._pages.currentWidget()
        assert shown is not None
        if shown.isAncestorOf(QApplication.focusWidget() or self):
            super().keyPressEvent(event)
        else:
            shown.keyPressEvent(event)

    # Dialogs; none of them blocks the program.

    def export(self, sessions: Sequence[SessionInfo]) -> None:
        """Ask for formats and a folder, and write."""
        if self.library is None or not sessions:
            return
        dialog = ExportDialog(
            self.theme,
            self.library,
            sessions,
            self.hard_worker,
            self,
            formats=self._formats,
            folder=self._folder,
        )

        def remember() -> None:
            self._formats, self._folder = dialog.formats, dialog.folder.text()

        dialog.finished_writing.connect(remember)
        self._open(dialog)

    def import_bundles(self) -> None:
        """Ask for bundles, and import them."""
        library = self.library
        paths = self._choose_bundles(self) if library is not None else []
        if library is None or not paths:
            return

        def done(found: tuple[list[str], list[str]]) -> None:
            ids, problems = found
            if problems:
                self._fail("\n".join(problems[:3]))
            else:
                self._say(ntr("{count} session was imported.", "{count} sessions were imported.",
                              len(ids)))  # fmt: skip
            self.list.refresh(choose=ids)

        self._say(ntr("Importing {count} bundle…", "Importing {count} bundles…", len(paths)))
        self.hard_worker.ask(lambda: import_bundles(library, paths), done, self._fail)

    def delete(self, sessions: Sequence[SessionInfo]) -> None:
        """Ask once, then delete."""
        library = self.library
        if library is None or not sessions:
            return
        dialog = DeleteDialog(self.theme, sessions, self)
        ids = [info.id for info in sessions]
        models: list[str] = []

        def told(names: list[str]) -> None:
            models.extend(names)
            if self.dialog is dialog:
                dialog.show_models(names)

        def work(also: Sequence[str]) -> None:
            for session in ids:
                library.delete(session)
            for name in also:
                shelf.remove(name)

        def done(_: None) -> None:
            self._say(ntr("{count} session was deleted.", "{count} sessions were deleted.",
                          len(sessions)))  # fmt: skip
            self.list.refresh()

        def failed(problem: str) -> None:
            self._fail(problem)
            self.list.refresh()

        def delete() -> None:
            also = tuple(models) if dialog.models.isChecked() else ()
            self.hard_worker.ask(lambda: work(also), done, failed)

        dialog.accepted.connect(delete)
        self._open(dialog)
        self.reader.ask(lambda: shelf.taught_with(ids), told, lambda _: None)

    def label_moments(self) -> None:
        """Play what is worth labelling; then, perhaps, teach."""
        if self.library is None:
            return
        self.replay.playing.pause()
        dialog = LabelMoments(
            self.theme,
            self.library,
            self.hard_worker,
            self.replay.marking.annotator,
            self,
            make_player=self._make_player,
        )
        dialog.named.connect(self.replay.side.marks.bar.named)
        dialog.accepted.connect(self.teach)
        dialog.finished.connect(lambda _: self.list.refresh())
        self._open(dialog)

    def teach(self) -> None:
        """Teach a model with all that is labelled."""
        if self.library is None:
            return
        dialog = TeachDialog(self.theme, self.library, self.hard_worker, self)

        def use() -> None:
            if dialog.model is not None:
                self.model_chosen.emit(dialog.model.name)
                self._say(tr("{name} is used from the next start on.", name=dialog.model.name))

        dialog.accepted.connect(use)
        self._open(dialog)

    def compare(self, session: SessionHistory) -> None:
        """Ask for a model, analyse again, show both."""
        if self.library is None:
            return
        self.replay.playing.pause()
        dialog = CompareDialog(self.theme, self.library, session, self.hard_worker, self)

        def done() -> None:
            if dialog.other is not None and self.replay.session is session:
                self.replay.show_other(dialog.other)

        dialog.accepted.connect(done)
        self._open(dialog)

    def edit_tiers(self) -> None:
        """Ask what can be marked beside the emotions, and keep it for the library."""
        library, session = self.library, self.replay.session
        if library is None or session is None:
            return
        self.replay.playing.pause()
        dialog = TiersDialog(self.theme, session.tiers, self)

        def keep() -> None:
            tiers = dialog.tiers
            self.editor.ask(
                lambda: library.change_settings(tiers=tiers),
                lambda _: self.replay.set_tiers(tiers),
                self._fail,
            )

        dialog.accepted.connect(keep)
        self._open(dialog)

    def _open(self, dialog: Dialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.ask()

    def _closed(self) -> None:
        if self.sender() is self.dialog:  # not one that another one has followed
            self.dialog = None
