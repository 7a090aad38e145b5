"""What the dialogs of all pages share."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QDialog, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from emolive.i18n import tr
from emolive.session.export_folder import StoppedByUserError
from emolive.ui.background import Background
from emolive.ui.controls import Notice, label
from emolive.ui.layouts import STRETCH, hbox, vbox
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
        self, theme: Theme, heading: str, text: str, parent: QWidget | None, width: int = 520
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(heading)
        self.setModal(True)
        self.setFixedWidth(width)
        self.heading = label(heading, self, "clock", wrap=True)
        self.text = label(text, self, "muted", wrap=True)
        self.problem = Notice(self, "problem")
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        self.buttons = hbox(STRETCH, gap=8)
        vbox(
            self.heading,
            self.text,
            self.body,
            self.problem,
            4,
            self.buttons,
            within=self,
            margins=(22, 20, 22, 18),
            gap=12,
        )
        self.text.setVisible(bool(text))

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
        for part in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if part.hasHeightForWidth():
                part.setMinimumHeight(max(0, part.heightForWidth(self.width() - DIALOG_MARGINS)))
        if (layout := self.layout()) is not None:
            layout.activate()
        self.resize(self.width(), self.minimumSizeHint().height())

    def showEvent(self, event: QEvent) -> None:
        """Fit before it is seen."""
        self.fit()
        super().showEvent(event)  # type: ignore[arg-type]


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


class ConsentDialog(QDialog):
    """Shows the reminder; only the deliberate button agrees."""

    def __init__(self, text: str, agreed: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Before you record"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        head = label(tr("Does everybody who will be heard agree?"), self, "title")
        body = label(text, self, wrap=True)
        body.setMinimumWidth(440)
        body.setTextFormat(Qt.TextFormat.PlainText)
        note = label(
            tr("This is asked once. The text can be changed in the settings under Recording."),
            self,
            "caption",
            wrap=True,
        )
        self.cancel = QPushButton(tr("Do not record"), self)
        self.agree = QPushButton(tr("Everybody agreed: record"), self)
        self.agree.setProperty("primary", True)
        self.cancel.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        self.agree.clicked.connect(self.accept)
        self.accepted.connect(agreed)
        vbox(
            head,
            body,
            note,
            4,
            hbox(STRETCH, self.cancel, self.agree),
            within=self,
            margins=(26, 22, 26, 18),
            gap=12,
        )
