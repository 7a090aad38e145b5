"""Every key and what it does, in one table: the window binds it, the dialog shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from emolive.i18n import mark, tr
from emolive.ui.controls import label
from emolive.ui.layouts import vbox
from emolive.ui.live.present import VIEWS

_WIDEST_PX = 300  # what a key does, in one line of the list


@dataclass(frozen=True, slots=True)
class Key:
    """One action: its name in the program, its keys, what it does, and under which heading.

    `span`: the two keys and all between them.
    """

    action: str
    keys: tuple[str, ...]
    text: str
    group: str
    span: bool = False


_RUN, _VIEW, _WHY, _WINDOW = mark("Run"), mark("Timeline"), mark("Why"), mark("Window")
# Those of the live page rest while another page is visible, which has its own.
LIVE_GROUPS = (_RUN, _VIEW, _WHY)
KEYS = (
    Key("toggle", ("Space",), mark("Start or stop"), _RUN),
    Key("record", ("R",), mark("Start or stop a recording"), _RUN),
    Key("keep", ("K",), mark("Keep the last minutes as a session"), _RUN),
    Key("open", ("Ctrl+O",), mark("Open an audio file"), _RUN),
    Key("analyse", ("Ctrl+Shift+O",), mark("Analyse files or folders into sessions"), _WINDOW),
    Key("devices", ("F5",), mark("Look for inputs again"), _RUN),
    Key("mute", ("M",), mark("Hear the file or demo, or not"), _RUN),
    Key("split", ("C",), mark("One or two channels"), _RUN),
    Key("live", ("L",), mark("Back to live"), _VIEW),
    Key("zoom_in", ("+", "="), mark("Zoom in"), _VIEW),
    Key("zoom_out", ("-",), mark("Zoom out"), _VIEW),
    Key("earlier", ("Left",), mark("Earlier"), _VIEW),
    Key("later", ("Right",), mark("Later"), _VIEW),
    Key("all", ("A",), mark("Show everything"), _VIEW),
    Key("view", ("V",), mark("Areas or lines"), _VIEW),
    Key("lanes", ("P",), mark("Lanes of the voice: pitch, intensity, formants, rate"), _VIEW),
    Key("big", ("B",), mark("The state alone, large, and back"), _VIEW),
    *(Key(view.name, (f"{key}",), view.keys_text, _VIEW) for key, view in enumerate(VIEWS, 1)),
    Key("why", ("W",), mark("Explain the chosen or newest moment"), _WHY),
    Key("before", (",",), mark("The decision before"), _WHY),
    Key("after", (".",), mark("The next decision"), _WHY),
    Key("escape", ("Escape",), mark("Close what is open"), _WHY),
    Key("compact", ("F10",), mark("A small window on top of all others, and back"), _WINDOW),
    Key("full", ("F11",), mark("Full screen"), _WINDOW),
    Key("theme", ("T",), mark("Light or dark"), _WINDOW),
    Key("settings", ("Ctrl+,",), mark("Settings"), _WINDOW),
    Key("help", ("F1", "?"), mark("This list"), _WINDOW),
    Key("frames", ("F12",), mark("Show the frame rate"), _WINDOW),
    Key("quit", ("Ctrl+Q",), mark("Quit"), _WINDOW),
)


def bind(window: QWidget, live: QWidget, actions: Mapping[str, Callable[[], object]]) -> None:
    """Bind every key of `KEYS`, those of `LIVE_GROUPS` to the live page, others to the window."""
    for key in KEYS:
        owner = live if key.group in LIVE_GROUPS else window
        for keys in key.keys:
            bind_key(owner, keys, actions[key.action])


def bind_key(owner: QWidget, keys: str | QKeyCombination, action: Callable[[], object]) -> None:
    """While `owner` is visible, its window's keys do `action`, wherever in the window the focus is.

    Text fields keep what they need for typing. Keys that other controls need too (arrows, Space,
    Enter) belong into the page's `keyPressEvent` instead, which the window calls for what no
    control wanted.
    """
    shortcut = QShortcut(QKeySequence(keys), owner)
    shortcut.activated.connect(action)


def in_text_field() -> bool:
    """Whether the person is typing a text."""
    return isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit | QAbstractSpinBox)


class FieldKeys(QObject):
    """How typing ends: Enter in a single line keeps the text, Esc takes it back; then `leave`."""

    def __init__(
        self,
        field: QLineEdit | QPlainTextEdit,
        leave: Callable[[], object],
        *,
        more: bool = False,
    ) -> None:
        """`leave` gives the focus to what the page's keys are for; `more`: Enter stays here."""
        super().__init__(field)
        self._field = field
        self._leave = leave
        self._before = ""
        field.installEventFilter(self)
        if isinstance(field, QLineEdit) and not more:
            field.returnPressed.connect(leave)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc is the field's own, before it is the page's."""
        kind = event.type()
        if kind == QEvent.Type.FocusIn and isinstance(self._field, QLineEdit):
            self._before = self._field.text()
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            if kind == QEvent.Type.KeyPress:
                if isinstance(self._field, QLineEdit):  # a note that is being written stays
                    self._field.setText(self._before)
                self._leave()
            return True
        return super().eventFilter(watched, event)


class ShortcutsDialog(QDialog):
    """The list of keys."""

    def __init__(self, keys: Sequence[Key], parent: QWidget) -> None:
        """Show `keys`, half of their groups on either side."""
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        groups = list(dict.fromkeys(key.group for key in keys))
        middle = (len(groups) + 1) // 2
        halves = QHBoxLayout()
        halves.setSpacing(36)
        for names in (groups[:middle], groups[middle:]):
            grid = QGridLayout()
            grid.setHorizontalSpacing(14)
            grid.setVerticalSpacing(5)
            for group in names:
                head = label(tr(group), self, "heading")
                head.setContentsMargins(0, 10 if grid.count() else 0, 0, 2)
                grid.addWidget(head, grid.rowCount(), 0, 1, 2)
                for key in keys:
                    if key.group == group:
                        self._add(grid, key)
            grid.setRowStretch(grid.rowCount(), 1)
            halves.addLayout(grid)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        note = label(
            tr("Tab moves through all controls; Space presses the one it reached."), self, "caption"
        )
        vbox(halves, note, buttons, within=self, margins=(24, 20, 24, 16), gap=16)

    def _add(self, grid: QGridLayout, key: Key) -> None:
        shown = (" – " if key.span else "  ").join(
            QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) for keys in key.keys
        )
        keys = label(shown, self, "key")
        flag = Qt.AlignmentFlag
        keys.setAlignment(flag.AlignCenter)
        text = label(tr(key.text), self, "muted")
        row = grid.rowCount()
        grid.addWidget(keys, row, 0, flag.AlignLeft | flag.AlignVCenter)
        text.ensurePolished()
        if text.sizeHint().width() > _WIDEST_PX:
            text.setWordWrap(True)
            text.setFixedSize(_WIDEST_PX, text.heightForWidth(_WIDEST_PX))
        grid.addWidget(text, row, 1)


_CALLS = mark("Calls")
CALLS_KEYS = (
    Key("new", ("N",), mark("Monitor a call"), _CALLS),
    Key("open", ("Return",), mark("Open the call that has the focus"), _CALLS),
    Key("neighbour", ("Left", "Right", "Up", "Down"), mark("Go from call to call"), _CALLS),
    Key("seen", ("A",), mark("Acknowledge the call's alerts"), _CALLS),
    Key("record", ("R",), mark("Start or stop recording the opened call"), _CALLS),
    Key("listen", ("L",), mark("Listen in to the opened call, or not"), _CALLS),
    Key("keep", ("K",), mark("Keep what is in memory of the opened call"), _CALLS),
    Key("shift", ("S",), mark("The shift's numbers and alerts"), _CALLS),
    Key("why", ("W",), mark("Why the moment under the pointer was decided so"), _CALLS),
    Key("step", (",", "."), mark("The decision before, the next decision"), _CALLS),
    Key("remove", ("Del",), mark("Remove the call"), _CALLS),
    Key("back", ("Esc",), mark("Back to all calls"), _CALLS),
)
