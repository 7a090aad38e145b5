"""The list of all sessions: search it, choose one, rename, tag, note, export, delete, import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu, QWidget

from emolive.errors import EmoliveError
from emolive.i18n import mark, ntr, tr
from emolive.session.library import Library
from emolive.session.query_text import taken_as_text
from emolive.session.records import SessionState
from emolive.session.search import SearchQuery
from emolive.ui.background import Background
from emolive.ui.controls import Notice, card, label, push_button, timer
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.layouts import STRETCH, hbox, stack, vbox
from emolive.ui.sessions.filters import FilterBar
from emolive.ui.sessions.session_details import SessionDetails
from emolive.ui.sessions.session_model import SessionModel, SessionRow, rows_of
from emolive.ui.sessions.session_table import SessionTable
from emolive.ui.shortcuts import FieldKeys, Key, bind_key, in_text_field
from emolive.ui.theme import SPACE, Theme, Themed

_ROOM_FOR_DETAILS = 820
_LIST = mark("List of sessions")
KEYS = (
    Key("search", ("Ctrl+F", "/"), mark("Search"), _LIST),
    Key("open", ("Return",), mark("Open the session"), _LIST),
    Key("rename", ("F2",), mark("Rename it"), _LIST),
    Key("delete", ("Delete",), mark("Delete it, after asking"), _LIST),
    Key("clear", ("Escape",), mark("Clear the search"), _LIST),
)
_LOOK_AGAIN_MS = 2_000  # while something is being recorded


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[SessionRow]
    total: int
    labels: tuple[str, ...]
    tags: tuple[str, ...]


def look(library: Library, query: SearchQuery) -> _Found:
    """Search, with what the filters offer; runs on a worker."""
    hits = library.search(query)
    samples = library.label_samples()
    everything = library.sessions()
    labels = dict.fromkeys(name for info in everything for name in info.labels)
    return _Found(rows_of(hits, samples), len(everything), tuple(labels), tuple(library.tags()))


class LibraryPage(Themed, QWidget):
    """What it finds comes from a worker; the list is drawn from memory."""

    opened = Signal(str, int)  # session, sample (-1: the start)
    export_wanted = Signal(list)  # SessionInfo
    results_wanted = Signal(list)  # SessionInfo
    delete_wanted = Signal(list)
    import_wanted = Signal()
    label_wanted = Signal()
    teach_wanted = Signal()
    record_wanted = Signal()
    retry_wanted = Signal()
    failed = Signal(str)

    def __init__(self, theme: Theme, worker: Background, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.library: Library | None = None
        self._worker = worker
        self._tags: tuple[str, ...] = ()
        self._next: tuple[str, ...] = ()  # to be chosen when they are listed
        self.model = SessionModel(self)
        self.table = SessionTable(self.model, theme, self)
        self.table.setAccessibleName(tr("Sessions"))
        self.filters = FilterBar(theme, self)
        self.details = SessionDetails(theme, self)
        self.empty = EmptyList(self, theme)
        self.count = label("", self, "muted")
        self.words = Notice(self, "muted")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.problem = Notice(self, "problem")
        self.import_button = push_button(
            tr("Import…"), self, self.import_wanted.emit, tip=tr("Bundles made by export")
        )
        self.results_button = push_button(
            tr("Results"),
            self,
            self._on_results,
            tip=tr("The sessions of this list side by side: a table, and their trend"),
        )
        self.label_button = push_button(
            tr("Label moments…"),
            self,
            self.label_wanted.emit,
            tip=tr("Those whose label would teach a model most, played one after another"),
        )
        self.teach_button = push_button(
            tr("Teach a model…"),
            self,
            self.teach_wanted.emit,
            tip=tr("With all that is labelled in the library"),
        )
        self._again = timer(self, _LOOK_AGAIN_MS, lambda: self.refresh(), once=True)
        self._lay_out()
        self._connect()
        self.empty.show_loading()
        self._show(empty=True)

    def set_library(self, library: Library | None) -> None:
        """List this library."""
        self.library = library
        if library is not None:
            self.refresh()

    def set_problem(self, text: str) -> None:
        """Say why there is no library."""
        self.library = None
        self.empty.show_problem(text)
        self._show(empty=True)

    def refresh(self, choose: Sequence[str] = ()) -> None:
        """Look again for what the filters say; `choose` these sessions then."""
        library = self.library
        if library is None:
            return
        self._again.stop()
        try:
            query = self.filters.query(datetime.now())
        except EmoliveError as error:
            self.problem.say(str(error))
            return
        self.problem.say("")
        self.words.say(taken_as_text(query) or "")
        self._next = tuple(choose) or self._next
        self._worker.ask(lambda: look(library, query), self._on_found, self._on_failed, key="look")

    def change(self, do: Callable[[Library], object]) -> None:
        """Change something in the library on the worker, then look again."""
        library = self.library
        if library is not None:
            self._worker.ask(lambda: do(library), lambda _: self.refresh(), self._on_failed)

    # What was found.

    def _on_found(self, found: _Found) -> None:
        chosen = list(self._next) or [row.info.id for row in self.table.chosen]
        self._next = ()
        place = self.table.verticalScrollBar().value()
        self._tags = found.tags
        self.filters.offer(found.labels, found.tags)
        self.model.set_rows(found.rows)
        here = {row.info.id for row in found.rows}
        chosen = [session for session in chosen if session in here]
        self._choose(chosen or [row.info.id for row in self.model.rows[:1]])
        self.table.verticalScrollBar().setValue(place)
        shown = ntr("{count} session", "{count} sessions", found.total)
        if self.filters.active:
            shown = tr("{n} of {all}", n=len(found.rows), all=shown)
        self.count.setText(shown)
        if not found.rows:
            if found.total:
                self.empty.show_no_match()
            else:
                self.empty.show_none()
        self._show(empty=not found.rows, bare=not found.total)
        self._on_choice()
        if any(row.info.state is SessionState.RECORDING for row in found.rows):
            self._again.start()

    def _on_failed(self, text: str) -> None:
        self.problem.say(text)
        self.failed.emit(text)

    def _choose(self, session_ids: Sequence[str]) -> None:
        selection = self.table.selectionModel()
        flags = QItemSelectionModel.SelectionFlag
        rows = [row for one in session_ids if (row := self.model.row_of(one)) >= 0]
        for row in rows[:1]:
            index = self.model.index(row, 0)
            selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        for row in rows[1:]:
            selection.select(self.model.index(row, 0), flags.Select | flags.Rows)

    def _on_choice(self) -> None:
        rows = self.table.chosen
        self.details.show_rows(rows, self._tags)
        if len(rows) == 1 and self.library is not None:
            library, session = self.library, rows[0].info.id
            self._worker.ask(
                lambda: library.notes(session),
                self.details.show_notes,
                lambda _: None,  # it was deleted meanwhile
                key="notes",
            )

    def _one(self, do: Callable[[Library, str], object]) -> None:
        """Do something with the chosen session."""
        rows = self.table.chosen
        if len(rows) == 1:
            session = rows[0].info.id
            self.change(lambda library: do(library, session))

    # How it is put together.

    def _lay_out(self) -> None:
        self.heading = label(tr("Sessions"), self, "page")
        head = hbox(
            self.heading,
            self.count,
            STRETCH,
            self.results_button,
            self.label_button,
            self.teach_button,
            self.import_button,
            gap=12,
        )
        self._stack = stack(self, self.table, self.empty)
        frame = card(self, self._stack, margins=(1, 6, 1, 6))
        vbox(
            head,
            self.filters,
            self.words,
            self.problem,
            (hbox((frame, 1), self.details, gap=SPACE), 1),
            within=self,
            gap=10,
        )

    def _connect(self) -> None:
        details = self.details
        self.filters.changed.connect(lambda: self.refresh())
        self.table.selectionModel().selectionChanged.connect(self._on_choice)
        self.table.opened.connect(lambda session: self.opened.emit(session, -1))
        self.table.delete_wanted.connect(self._on_delete)
        self.table.customContextMenuRequested.connect(self._menu)
        details.opened.connect(self._on_open)
        details.renamed.connect(lambda title: self._one(lambda lib, s: lib.rename(s, title)))
        details.tag_added.connect(lambda tag: self._one(lambda lib, s: lib.add_tag(s, tag)))
        details.tag_removed.connect(lambda tag: self._one(lambda lib, s: lib.remove_tag(s, tag)))
        details.note_added.connect(lambda text: self._one(lambda lib, s: lib.add_note(s, text)))
        details.note_deleted.connect(
            lambda note: self._one(lambda lib, s: lib.delete_note(s, note))
        )
        details.export.connect(self._on_export)
        details.delete.connect(self._on_delete)
        bind_key(self, "Ctrl+F", self._search)
        bind_key(self, "/", self._search)
        bind_key(self, "F2", details.rename)
        bind_key(self, "Escape", self._on_escape)
        FieldKeys(details.title, self.table.setFocus)
        FieldKeys(details.tags.field, self.table.setFocus, more=True)
        FieldKeys(details.notes.field, self.table.setFocus)

    def _show(self, *, empty: bool, bare: bool = False) -> None:
        self._stack.setCurrentIndex(1 if empty else 0)
        self._bare = bare or self.library is None
        self.filters.setVisible(not self._bare)
        for part in (self.count, self.label_button, self.teach_button):
            part.setVisible(not self._bare)
        self._show_details()

    def _show_details(self) -> None:
        has_rows = self._stack.currentIndex() == 0
        self.details.setVisible(has_rows and self.width() >= _ROOM_FOR_DETAILS)

    _resized = _show_details  # the details show where there is room

    def _on_open(self, at_sample: int) -> None:
        rows = self.table.chosen
        if len(rows) == 1:
            self.opened.emit(rows[0].info.id, at_sample)

    def _on_results(self) -> None:
        self.results_wanted.emit([row.info for row in self.model.rows])

    def _on_export(self) -> None:
        if rows := self.table.chosen:
            self.export_wanted.emit([row.info for row in rows])

    def _on_delete(self) -> None:
        if rows := self.table.chosen:
            self.delete_wanted.emit([row.info for row in rows])

    def _menu(self, where: QPoint) -> None:
        rows = self.table.chosen
        if not rows:
            return
        menu = QMenu(self)
        one = menu.addAction(tr("Open"), lambda: self._on_open(-1))
        rename = menu.addAction(tr("Rename"), self.details.rename)
        for action in (one, rename):
            action.setEnabled(len(rows) == 1)
        menu.addAction(tr("Export…"), self._on_export)
        menu.addSeparator()
        delete = menu.addAction(tr("Delete…"), self._on_delete)
        delete.setEnabled(self.details.delete_button.isEnabled())
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(where))

    def _search(self) -> None:
        self.filters.text.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filters.text.selectAll()

    def _on_escape(self) -> None:
        if self.filters.active:
            self.filters.clear()
        self.table.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no control wanted is for the table; from the search, Down goes there."""
        if not in_text_field() and not self.table.hasFocus():
            self.table.setFocus()
            self.table.keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Down and self.filters.text.hasFocus():
            self.table.setFocus()
        else:
            super().keyPressEvent(event)


class EmptyList(Invitation):
    """One sentence, at most two buttons."""

    def __init__(self, page: LibraryPage, theme: Theme) -> None:
        super().__init__(theme, Ghost.SESSIONS, page)
        live, import_, retry = page.record_wanted, page.import_wanted, page.retry_wanted
        self.record_button = self.add_button(tr("Go to the live view"), live.emit, "primary")
        self.import_button = self.add_button(tr("Import a bundle…"), import_.emit)
        clear = page.filters.clear
        self.clear_button = self.add_button(tr("Show all sessions"), clear, "primary")
        self.retry_button = self.add_button(tr("Try again"), retry.emit, "primary")

    def show_loading(self) -> None:
        """The library is being opened."""
        self.say(tr("Opening the library…"), "")

    def show_none(self) -> None:
        """There are no sessions at all."""
        self.say(
            tr("No sessions yet"),
            tr(
                "Press Record in the live view: the emotion timeline and, if you like, the sound "
                "are kept on this computer, to be replayed, searched, marked and exported here."
            ),
            tr("Audio files and folders that are dropped here are analysed into sessions."),
            self.record_button,
            self.import_button,
        )

    def show_no_match(self) -> None:
        """None of the sessions matches."""
        self.say(
            tr("No session matches"),
            tr("Try fewer words, a shorter length or a longer time."),
            "",
            self.clear_button,
        )

    def show_problem(self, text: str) -> None:
        """The library cannot be used."""
        self.say(tr("The library cannot be opened"), text, "", self.retry_button)
