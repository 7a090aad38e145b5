"""What the dialogs of all pages share."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from emolive.i18n import tr
from emolive.session.export_folder import StoppedByUserError
from emolive.ui.background import Background
from emolive.ui.controls import Notice, label, push_button, restyle
from emolive.ui.layouts import STRETCH, fill, hbox, vbox
from emolive.ui.theme import Theme

DIALOG_MARGINS = 2 * 22
T = TypeVar("T")


def texts_within(dialog: QDialog) -> list[QLabel]:
    """The texts that wrap within a dialog's cards and forms."""
    texts = dialog.findChildren(QLabel)
    return [text for text in texts if text.wordWrap() and text.parentWidget() is not dialog]


class Dialog(QDialog):
    """A heading, a text, whatever comes in `body`, a sentence on a problem, and buttons."""

    def __init__(
        self,
        theme: Theme,
        heading: str,
        text: str,
        parent: QWidget | None,
        width: int = 520,
        height: int = 0,
    ) -> None:
        """`height` 0: as high as it needs; else it begins that high, and may have any size."""
        super().__init__(parent)
        self.theme = theme
        self._fits = not height
        self._answers_enter: bool | None = None
        self.setWindowTitle(heading)
        self.setModal(True)
        if self._fits:
            self.setFixedWidth(width)
        else:
            self.resize(width, height)
        self.heading = label(heading, self, "clock", wrap=True)
        self.text = label(text, self, "muted", wrap=True)
        self.problem = Notice(self, "problem")
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        self.buttons = hbox(STRETCH, gap=8)
        self.titles = vbox(self.heading, self.text, gap=12)
        self.head = hbox((self.titles, 1))
        vbox(
            self.head,
            (self.body, 1),
            self.problem,
            4,
            self.buttons,
            within=self,
            margins=(22, 20, 22, 18),
            gap=12,
        )
        self.text.setVisible(bool(text))

    def ask(self) -> Self:
        """Open it; it is gone once it is answered."""
        self.finished.connect(self.deleteLater)
        self.open()
        return self

    def show_problem(self, text: str) -> None:
        """Say what went wrong; "" hides it."""
        self.problem.say(text)
        self.fit()

    def fit_texts(self, texts: Iterable[QLabel], width: int) -> None:
        """Make room for texts that are this wide, and wrap."""
        for text in texts:
            text.setMinimumHeight(max(0, text.heightForWidth(width)))

    def fit(self) -> None:
        """Be as high as needed; what wraps tells its height late."""
        if not self._fits:
            return
        for part in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if part.hasHeightForWidth():
                part.setMinimumHeight(max(0, part.heightForWidth(self.width() - DIALOG_MARGINS)))
        if (layout := self.layout()) is not None:
            layout.activate()
        self.resize(self.width(), self.minimumSizeHint().height())

    def showEvent(self, event: QShowEvent) -> None:
        """Fit before it is seen."""
        self.fit()
        if self._answers_enter is None:  # without a button named for it, Qt takes the first one
            self._answers_enter = any(one.isDefault() for one in self.findChildren(QPushButton))
        super().showEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in a field presses the button that is named for it, and no other."""
        if self._answers_enter or event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)


class WorkDialog(Dialog):
    """Does something on a worker, with a bar that says how far it is; closing stops it first."""

    _progressed = Signal(tuple)

    def __init__(
        self,
        theme: Theme,
        heading: str,
        text: str,
        worker: Background,
        parent: QWidget | None,
        width: int = 520,
    ) -> None:
        super().__init__(theme, heading, text, parent, width)
        self._worker = worker
        self._cancelled = threading.Event()
        self._running = False
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self._progressed.connect(
            lambda progress: self._on_progress(*progress), Qt.ConnectionType.QueuedConnection
        )

    def reject(self) -> None:
        """Stop what runs, or close."""
        self._cancelled.set()
        if not self._running:
            super().reject()

    def tell(self, *progress: Any) -> None:
        """On the worker: how far it is.

        Raises:
            StoppedByUserError: the person has stopped it.
        """
        if self._cancelled.is_set():
            raise StoppedByUserError
        self._progressed.emit(progress)

    def _begin(self, work: Callable[[], T], done: Callable[[T], None], key: str) -> None:
        self._running = True
        self._cancelled.clear()
        self.show_problem("")

        def over(result: T) -> None:
            self._running = False
            done(result)

        self._worker.ask(work, over, self._on_failed, key=key)

    def _on_failed(self, problem: str) -> None:
        self._running = False
        if self._cancelled.is_set():
            super().reject()
        else:
            self.show_problem(problem)

    @abstractmethod
    def _on_progress(self, *progress: Any) -> None:
        """On the window's thread: what `tell` was told."""


class ConsentDialog(Dialog):
    """Shows the reminder; only the deliberate button agrees."""

    def __init__(
        self, theme: Theme, text: str, answer: Callable[[bool], object], parent: QWidget
    ) -> None:
        """`answer` is told whether everybody agrees."""
        heading = tr("Does everybody who will be heard agree?")
        super().__init__(theme, heading, text, parent, 492)
        self.setWindowTitle(tr("Before you record"))
        self.heading.setProperty("role", "title")
        self.text.setProperty("role", "body")
        restyle(self.heading, self.text)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        note = tr("This is asked once. The text can be changed in the settings under Recording.")
        self.body.addWidget(label(note, self, "caption", wrap=True))
        self.cancel = push_button(tr("Do not record"), self, self.reject)
        self.cancel.setDefault(True)
        agree = tr("Everybody agreed: record")
        self.agree = push_button(agree, self, self.accept, kind="primary")
        fill(self.buttons, self.cancel, self.agree)
        self.finished.connect(lambda result: answer(bool(result)))
