"""Calls from recordings: which files, and who is heard in which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.monitoring.sources import CallChoice
from emolive.ui.controls import IconButton, ScrollColumn, discard, label, push_button
from emolive.ui.files import audio_files
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.theme import Theme

ChoosesFiles = Callable[[QWidget], Sequence[Path]]
_ROW = 46
_SHOWN_ROWS = 5


def choose_recordings(parent: QWidget) -> Sequence[Path]:
    """Ask for audio files."""
    return audio_files(parent, tr("Recordings of calls"))


class RecordingsForm(QWidget):
    """Files in, calls listed. `files_chosen` carries paths, `changed` tells of another list."""

    files_chosen = Signal(list)
    changed = Signal()

    def __init__(self, theme: Theme, choose: ChoosesFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.calls: list[CallChoice] = []
        self._choose = choose
        text = tr(
            "Stereo recordings, or two files per call whose names say who is heard "
            "(…agent and …customer or caller). They are played in real time, as if held now."
        )
        about = label(text, self, "muted", wrap=True)
        self.files = push_button(tr("Choose files…"), self, self._on_choose)
        self.state = label("", self, "caption")
        self.rows: list[CallRow] = []
        inner = QWidget(self)
        self._column = vbox(STRETCH, within=inner, gap=0)
        self._scroll = ScrollColumn(inner, self)
        self._scroll.hide()
        vbox(
            about,
            hbox(self.files, (self.state, 1)),
            self._scroll,
            STRETCH,
            within=self,
            margins=(0, 4, 0, 0),
            gap=10,
        )

    def show_looking(self, looking: bool) -> None:
        """Files are being looked into."""
        self.files.setEnabled(not looking)
        self.state.setText(tr("Looking into the files…") if looking else "")

    def show_calls(self, calls: Sequence[CallChoice]) -> None:
        """List these."""
        self.calls = list(calls)
        discard(*self.rows)
        self.rows = []
        for index, call in enumerate(self.calls):
            row = CallRow(call, self.theme, self)
            row.swap.clicked.connect(lambda _=False, i=index: self._swap(i))
            row.leave.clicked.connect(lambda _=False, i=index: self._leave(i))
            self._column.insertWidget(index, row)
            self.rows.append(row)
        self._scroll.setFixedHeight(_ROW * min(_SHOWN_ROWS, max(1, len(self.calls))))
        self._scroll.setVisible(bool(self.calls))

    def _swap(self, index: int) -> None:
        self.calls[index] = self.calls[index].swapped()
        self.rows[index].show_call(self.calls[index])
        self.changed.emit()

    def _leave(self, index: int) -> None:
        self.show_calls([call for i, call in enumerate(self.calls) if i != index])
        self.changed.emit()

    def _on_choose(self) -> None:
        if paths := list(self._choose(self)):
            self.files_chosen.emit(paths)


class CallRow(QWidget):
    """One call: its name, who is heard where, and a way to exchange them."""

    def __init__(self, call: CallChoice, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(_ROW)
        self.name = label("", self, "strong")
        self.about = label("", self, "caption")
        for one in (self.name, self.about):
            one.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.swap = IconButton("compare", tr("Exchange agent and customer"), theme, self)
        self.leave = IconButton("close", tr("Leave this call out"), theme, self, colour="muted")
        hbox(
            (vbox(self.name, self.about, gap=0), 1),
            self.swap,
            self.leave,
            within=self,
            margins=(0, 3, 6, 3),
        )
        self.show_call(call)

    def show_call(self, call: CallChoice) -> None:
        """Show another choice."""
        self.name.setText(call.name)
        self.about.setText(call.describe())
        self.about.setToolTip("\n".join(str(path) for path in call.files))
        self.swap.setVisible(call.has_agent)
