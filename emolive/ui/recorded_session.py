"""What can be done at once with a session that was just recorded: name it, or delete it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.session.records import SessionInfo
from emolive.ui.controls import push_button, text_field
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import fill
from emolive.ui.library_controller import LibraryController
from emolive.ui.messages import Action, Message, Severity, session_message
from emolive.ui.sessions.delete_dialog import DeleteDialog
from emolive.ui.theme import Theme

_LONGEST_TITLE = 200


class NameDialog(Dialog):
    """Asks what a session is to be called; `title` is the answer once it is accepted."""

    def __init__(self, theme: Theme, title: str, parent: QWidget | None) -> None:
        super().__init__(theme, tr("Name the session"), "", parent)
        self.field = text_field(tr("Title"), self, text=title, longest=_LONGEST_TITLE)
        self.field.selectAll()
        self.body.addWidget(self.field)
        self.cancel = push_button(tr("Cancel"), self, self.reject)
        self.save = push_button(tr("Save"), self, self.accept, kind="primary")
        self.save.setDefault(True)
        fill(self.buttons, self.cancel, self.save)
        self.field.textChanged.connect(lambda text: self.save.setEnabled(bool(text.strip())))
        self.field.setFocus()

    @property
    def title(self) -> str:
        """What was typed."""
        return self.field.text().strip()


class RecordedSession(QObject):
    """Asks, then changes the library off the window's thread.

    `changed` carries the message that replaces the one about the recording (None: it is gone).
    """

    changed = Signal(object)

    def __init__(self, controller: LibraryController, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window

    def act(self, action: Action, session_id: str, theme: Theme) -> bool:
        """Do what a button of the banner says; False: it is not for this object."""
        if action is Action.NAME_SESSION:
            self._with(session_id, lambda info: self._ask_name(info, theme))
        elif action is Action.DELETE_SESSION:
            self._with(session_id, lambda info: self._ask_delete(info, theme))
        else:
            return False
        return True

    def _with(self, session_id: str, then: Callable[[SessionInfo], None]) -> None:
        library = self._controller.library
        if library is not None:
            self._controller.work.ask(lambda: library.get(session_id), then, self._fail)

    def _ask_name(self, info: SessionInfo, theme: Theme) -> None:
        dialog = NameDialog(theme, info.title, self._window)
        dialog.accepted.connect(lambda: self._rename(info, dialog.title))
        dialog.ask()

    def _rename(self, info: SessionInfo, title: str) -> None:
        if (library := self._controller.library) is None:
            return

        def rename() -> SessionInfo:
            library.rename(info.id, title)
            return library.get(info.id)

        self._controller.work.ask(
            rename, lambda new: self.changed.emit(session_message(new)), self._fail
        )

    def _ask_delete(self, info: SessionInfo, theme: Theme) -> None:
        dialog = DeleteDialog(theme, [info], self._window)
        dialog.accepted.connect(lambda: self._delete(info))
        dialog.ask()

    def _delete(self, info: SessionInfo) -> None:
        if (library := self._controller.library) is not None:
            self._controller.work.ask(
                lambda: library.delete(info.id), lambda _: self.changed.emit(None), self._fail
            )

    def _fail(self, text: str) -> None:
        self.changed.emit(Message(Severity.ERROR, text))
