"""What can be done at once with a session that was just recorded: name it, or delete it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.ui.controls import push_button, text_field
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import fill
from emolive.ui.library_controller import LibraryController
from emolive.ui.messages import Action, Message, Severity, session_message
from emolive.ui.sessions.delete_dialog import DeleteDialog
from emolive.ui.theme import Theme

_LONGEST_TITLE = 200
T = TypeVar("T")


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

    `changed` carries the message whose button was used, and the one that replaces it (None: the
    session is gone).
    """

    changed = Signal(object, object)

    def __init__(self, controller: LibraryController, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window

    def act(self, action: Action, message: Message, theme: Theme) -> bool:
        """Do what a button of the banner says; False: it is not for this object."""
        asks = {Action.NAME_SESSION: self._ask_name, Action.DELETE_SESSION: self._ask_delete}
        if message.session is None or action not in asks:
            return False
        session_id = message.session
        self._do(
            message,
            lambda library: library.get(session_id),
            lambda info: asks[action](message, info, theme),
        )
        return True

    def _do(
        self, message: Message, work: Callable[[Library], T], then: Callable[[T], None]
    ) -> None:
        """Off the window's thread; what went wrong is said in the place of `message`."""

        def failed(text: str) -> None:
            self.changed.emit(message, Message(Severity.ERROR, text))

        if (library := self._controller.library) is not None:
            self._controller.work.ask(lambda: work(library), then, failed)

    def _ask_name(self, message: Message, info: SessionInfo, theme: Theme) -> None:
        dialog = NameDialog(theme, info.title, self._window)

        def renamed(new: SessionInfo) -> None:
            self.changed.emit(message, session_message(new))

        def accepted() -> None:
            title = dialog.title  # now: the dialog goes while the library is written

            def rename(library: Library) -> SessionInfo:
                library.rename(info.id, title)
                return library.get(info.id)

            self._do(message, rename, renamed)

        dialog.accepted.connect(accepted)
        dialog.ask()

    def _ask_delete(self, message: Message, info: SessionInfo, theme: Theme) -> None:
        dialog = DeleteDialog(theme, [info], self._window)
        dialog.accepted.connect(
            lambda: self._do(
                message,
                lambda library: library.delete(info.id),
                lambda _: self.changed.emit(message, None),
            )
        )
        dialog.ask()
