"""Choosing formats and a folder, and watching sessions being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QVBoxLayout,
    QWidget,
)

from emolive.i18n import ntr, tr
from emolive.session.export_choices import CHOICES, GROUPS, Choice, unavailable
from emolive.session.export_folder import Exported, ExportRequest, export_sessions
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.ui.background import Background
from emolive.ui.controls import card, label, push_button, text_field, under_box
from emolive.ui.dialog import DIALOG_MARGINS, WorkDialog, texts_within
from emolive.ui.layouts import fill, hbox, vbox
from emolive.ui.theme import Theme

_WIDTH, _BETWEEN, _INSIDE = 760, 12, 14
FolderChooser = Callable[[QWidget, str], str]


def choose_folder(parent: QWidget, start: str) -> str:
    """Ask for a folder; "" for none."""
    return QFileDialog.getExistingDirectory(parent, tr("Export to"), start)


def usual_folder() -> str:
    """Where documents belong."""
    place = QStandardPaths.StandardLocation.DocumentsLocation
    documents = QStandardPaths.writableLocation(place) or str(Path.home())
    return str(Path(documents) / "emolive")


class ExportDialog(WorkDialog):
    """Stays open while it writes; closing it stops after the file that is being written."""

    finished_writing = Signal()

    def __init__(
        self,
        theme: Theme,
        library: Library,
        sessions: Sequence[SessionInfo],
        worker: Background,
        parent: QWidget | None = None,
        *,
        formats: Sequence[str] = ("html",),
        folder: str = "",
        choose: FolderChooser = choose_folder,
    ) -> None:
        title = sessions[0].title or tr("Untitled")
        heading = (
            tr("Export “{title}”", title=title)
            if len(sessions) == 1
            else ntr("Export {count} session", "Export {count} sessions", len(sessions))
        )
        super().__init__(theme, heading, "", worker, parent, _WIDTH)
        self._library = library
        self._sessions = tuple(sessions)
        self._choose = choose
        self.result_: Exported | None = None
        self.boxes: dict[str, QCheckBox] = {}
        self._add_formats(formats)
        self.folder = text_field(tr("Folder"), self, text=folder or usual_folder())
        self.folder.textChanged.connect(self._on_choice)
        self.folder_button = push_button(tr("Choose…"), self, self._on_choose)
        self.body.addLayout(
            hbox(label(tr("Folder"), self), (self.folder, 1), self.folder_button, gap=8)
        )
        self.state = label("", self, "muted")
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.hide()
        fill(self.body, self.bar, self.state)
        self.open_button = push_button(tr("Open folder"), self, self._on_open)
        self.open_button.hide()
        self.close_button = push_button(tr("Cancel"), self, self.reject)
        self.export_button = push_button(tr("Export"), self, self.export, kind="primary")
        self.export_button.setDefault(True)
        self.missing = label("", self, "caption")
        self.buttons.insertWidget(0, self.missing)
        fill(self.buttons, self.open_button, self.close_button, self.export_button)
        self._on_choice()
        self.export_button.setFocus()

    @property
    def formats(self) -> tuple[str, ...]:
        """What is checked."""
        return tuple(name for name, box in self.boxes.items() if box.isChecked())

    def export(self) -> None:
        """Write; the dialog tells how it goes."""
        if self._running or not self.formats:
            return
        request = ExportRequest(self.formats, Path(self.folder.text()).expanduser())
        self._begin(
            lambda: export_sessions(self._library, self._sessions, request, self.tell),
            self._on_done,
            "export",
        )
        self.bar.show()
        self.state.show()
        self._on_choice()
        self.close_button.setText(tr("Stop"))
        self.fit()

    def fit(self) -> None:
        """Texts within the cards, too, tell their height late."""
        half = (self.width() - DIALOG_MARGINS - _BETWEEN) // 2 - 2 * _INSIDE
        self.fit_texts(texts_within(self), half)
        super().fit()

    def _add_formats(self, chosen: Sequence[str]) -> None:
        halves = [vbox(gap=10), vbox(gap=10)]
        for number, (title, names) in enumerate(GROUPS):
            column = vbox(label(tr(title), self, "heading"), gap=1)
            frame = card(self, column, margins=(_INSIDE, 9, _INSIDE, 10))
            frame.setAccessibleName(tr(title))
            for name in names:
                self._add_format(column, CHOICES[name], checked=name in chosen)
            halves[number % 2].addWidget(frame)
        for half in halves:
            half.addStretch()
        self.body.addLayout(hbox(*((half, 1) for half in halves), gap=_BETWEEN))

    def _add_format(self, column: QVBoxLayout, choice: Choice, *, checked: bool) -> None:
        """A box, and below it what it is for, or why it cannot be had here."""
        box = QCheckBox(tr(choice.title), self)
        missing = unavailable(choice.name)
        about = under_box(f"{tr(choice.extension)} · {missing or tr(choice.purpose)}", self)
        box.setEnabled(missing is None)
        box.setToolTip(about.text())
        box.setAccessibleDescription(about.text())
        box.setChecked(checked and missing is None)
        box.toggled.connect(self._on_choice)
        fill(column, box, about)
        self.boxes[choice.name] = box

    def _on_choice(self) -> None:
        folder = self.folder.text().strip()
        ready = bool(self.formats) and bool(folder)
        self.export_button.setEnabled(ready and not self._running)
        if not self._running:
            text = "" if folder else tr("Choose a folder.")
            self.missing.setText(text if self.formats else tr("Choose at least one format."))
        for part in (self.folder, self.folder_button):
            part.setEnabled(not self._running)

    def _on_choose(self) -> None:
        chosen = self._choose(self, self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _on_open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self.folder.text()).expanduser())))

    def _on_progress(self, done: int, total: int, text: str) -> None:
        self.bar.setMaximum(max(1, total))
        self.bar.setValue(done)
        if text:
            self.state.setText(text)

    def _on_done(self, result: Exported) -> None:
        self.result_ = result
        self._on_choice()
        self.bar.setValue(self.bar.maximum())
        text = ntr("{count} file was written.", "{count} files were written.", len(result.written))
        self.state.setText(text)
        self.close_button.setText(tr("Close"))
        self.export_button.setText(tr("Export again"))
        self.open_button.setVisible(bool(result.written))
        self.show_problem("\n".join((*result.problems, *result.notes)[:3]))
        self.finished_writing.emit()

    def _on_failed(self, problem: str) -> None:
        self._running = False
        self._on_choice()
        self.bar.hide()
        self.state.hide()
        self.close_button.setText(tr("Cancel"))
        self.show_problem("" if self._cancelled.is_set() else problem)
        self.finished_writing.emit()
