"""What a screen reader is told: every control on every page and in every dialog has a name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QColor
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from emolive.audio.call_devices import CallDevices
from emolive.labels import USUAL
from emolive.types import EngineState
from emolive.ui import theme
from emolive.ui.calls.rules_dialog import RulesDialog
from emolive.ui.calls.start_dialog import StartDialog
from emolive.ui.calls.statement_dialog import StatementDialog
from emolive.ui.consent import ConsentDialog
from emolive.ui.main_window import MainWindow
from emolive.ui.settings.colour_dialog import ColourDialog
from emolive.ui.shortcuts import ShortcutsDialog
from tests.ui import feed
from tests.ui.conftest import DEVICES as INPUTS
from tests.ui.feed import RATE

DEVICES = CallDevices(INPUTS, ())

_Role = QAccessible.Role
# What a person can do something with.
CONTROLS = {
    _Role.Button, _Role.CheckBox, _Role.RadioButton, _Role.ComboBox, _Role.EditableText,
    _Role.SpinBox, _Role.Slider, _Role.List, _Role.Table, _Role.Tree, _Role.MenuItem,
    _Role.PageTab, _Role.ButtonMenu, _Role.ButtonDropDown, _Role.Link,
}  # fmt: skip


def tree(root: QWidget) -> Iterator[QAccessibleInterface]:
    """Everything below a widget that a screen reader sees."""
    waiting = [QAccessible.queryAccessibleInterface(root)]
    while waiting:
        one = waiting.pop()
        if one is None or not one.isValid() or one.state().invisible:
            continue
        yield one
        # The entries of lists and tables name themselves by what they show.
        if one.role() not in (_Role.Table, _Role.Tree, _Role.List, _Role.ComboBox, _Role.SpinBox):
            waiting += [one.child(i) for i in range(one.childCount())]


def unnamed(root: QWidget) -> list[str]:
    found = []
    for one in tree(root):
        if one.role() in CONTROLS and not one.text(QAccessible.Text.Name).strip():
            thing = one.object()
            parent = thing.parent() if thing is not None else None
            found.append(f"{type(thing).__name__} in {type(parent).__name__} ({one.role()})")
    return found


def unreachable(root: QWidget) -> list[str]:
    """Controls that can be clicked and not be reached by the keyboard."""
    return [
        f"{type(thing).__name__}: {one.text(QAccessible.Text.Name)}"
        for one in tree(root)
        if one.role() in CONTROLS
        and isinstance(thing := one.object(), QWidget)
        and thing.isEnabled()
        # Of buttons of which one is chosen, Tab reaches that one, and arrow keys the others.
        and not (isinstance(thing, QAbstractButton) and thing.group() is not None)
        # What clears a field of text is there for the mouse: Escape does the same.
        and not isinstance(thing.parent(), QLineEdit)
        and not thing.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]


def test_every_control_of_every_page_has_a_name(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    events = [feed.status(EngineState.RUNNING), feed.block(0, 20 * RATE)]
    events += [feed.prediction(end) for end in range(3 * RATE, 20 * RATE, RATE // 2)]
    runs.run.inbox.put(*events)
    window.runner.bridge.tick()
    window.live.explain("mono", 10.0)
    seen = 0
    for page in (*window.pages, window.guide):
        window.bring(page)
        QApplication.processEvents()
        assert unnamed(window) == []
        assert unreachable(window) == []
        seen += sum(one.role() in CONTROLS for one in tree(page))
    assert seen > 60, "the tree is really walked"


DIALOGS: dict[str, Callable[[QWidget], QDialog]] = {
    "colour": lambda parent: ColourDialog(theme.LIGHT, "Colour", QColor("#2E9E8F"), parent),
    "keys": lambda parent: ShortcutsDialog((), parent),
    "consent": lambda parent: ConsentDialog("Everybody must agree.", lambda: None, parent),
    "statement": lambda parent: StatementDialog(theme.LIGHT, parent),
    "start": lambda parent: StartDialog(theme.LIGHT, parent, find=lambda: DEVICES),
    "rules": lambda parent: RulesDialog(theme.LIGHT, USUAL, None, None, parent),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_every_control_of_a_dialog_has_a_name(qtbot: QtBot, name: str) -> None:
    root = QWidget()
    qtbot.addWidget(root)
    dialog = DIALOGS[name](root)
    dialog.show()
    qtbot.waitExposed(dialog)
    QApplication.processEvents()
    assert unnamed(dialog) == []
    assert unreachable(dialog) == []
    dialog.reject()
    dialog.deleteLater()
    qtbot.waitUntil(lambda: not any("call sources" in t.name for t in threading.enumerate()))
