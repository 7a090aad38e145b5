"""By keyboard alone, by name, in any size and in a longer language."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QPlainTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from emolive import i18n
from emolive.types import EngineState
from emolive.ui.main_window import MainWindow
from emolive.ui.shortcuts import KEYS, ShortcutsDialog
from tests.ui import feed
from tests.ui.conftest import DEVICES
from tests.ui.feed import RATE


def running(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> None:
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    events = [feed.status(EngineState.RUNNING), feed.block(0, 20 * RATE)]
    events += [feed.prediction(end) for end in range(3 * RATE, 20 * RATE, RATE // 2)]
    runs.run.inbox.put(*events)
    window.runner.bridge.tick()
    QApplication.processEvents()


def tab_order(qtbot: QtBot, window: MainWindow) -> list[QWidget]:
    """Everything that Tab reaches, in the order in which it does."""
    window.root.setFocus()
    seen: list[QWidget] = []
    for _ in range(200):
        focus = QApplication.focusWidget() or window
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        if focus is None or focus in seen:
            break
        seen.append(focus)
    return seen


def test_tab_reaches_every_control_of_the_live_page_in_reading_order(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    running(qtbot, window, runs)
    reached = tab_order(qtbot, window)
    controls = [
        control
        for kind in (QAbstractButton, QComboBox)
        for control in window.live.findChildren(kind)
        if control.isVisible() and control.isEnabled()
    ]
    missing = [c.accessibleName() or c.text() for c in controls if c not in reached]
    assert not missing
    header = [w for w in reached if window.live.header.isAncestorOf(w)]
    places = [w.mapTo(window, w.rect().topLeft()).x() for w in header]
    assert places == sorted(places), "left to right"
    order = [reached.index(w) for w in (header[0], window.live.present.insight.tabs["now"])]
    order.append(reached.index(window.live.workspace.spans.buttons["1 min"]))
    assert order == sorted(order), "top to bottom"


def test_every_control_and_panel_has_a_name(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    running(qtbot, window, runs)
    nameless = [
        type(widget).__name__
        for widget in window.findChildren(QWidget)
        if widget.isVisible()
        and (isinstance(widget, QAbstractButton | QComboBox | QPlainTextEdit))
        and not (widget.accessibleName() or getattr(widget, "text", lambda: "")())
    ]
    assert not nameless
    assert all(panel.accessibleName() for panel in window.live.workspace.panels)
    present = window.live.present
    for view in (*present.insight.views.values(), present.meter):
        assert view.accessibleName()
        assert view.accessibleDescription(), view.accessibleName()


def test_the_list_of_keys_is_the_list_that_is_bound(qtbot: QtBot, window: MainWindow) -> None:
    actions = window._actions()
    assert {key.action for key in KEYS} == set(actions), "every key of the table does something"
    shown = [keys for key in KEYS for keys in key.keys]
    assert len(set(shown)) == len(shown), "no key does two things"
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ShortcutsDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ShortcutsDialog)
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    assert {key.text for key in KEYS} <= texts
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert QApplication.activeModalWidget() is None


def test_pages_are_reached_by_key_and_leave_live_keys_alone(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    number = window.pages.index(window.settings_page) + 1
    qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0.value + number), Qt.KeyboardModifier.ControlModifier)
    assert window.settings_page.isVisible()
    assert window.rail.buttons[number - 1].isChecked()
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.keyClick(window, Qt.Key.Key_V)
    assert runs.made == []
    assert window.live.workspace.view == "areas"
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.live.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_V)
    assert window.live.workspace.view == "lines"
    qtbot.keyClick(window, Qt.Key.Key_T)
    assert not window.theme.dark


def test_the_large_state_hides_everything_else_and_comes_back(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    running(qtbot, window, runs)
    before = window.live.present.cards[0].height()
    qtbot.keyClick(window, Qt.Key.Key_B)
    QApplication.processEvents()
    card = window.live.present.cards[0]
    assert not window.live.header.isVisible()
    assert not window.live.workspace.isVisible()
    assert not window.rail.isVisible()
    assert card.height() > 3 * before
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert window.live.workspace.isVisible()
    assert card.height() == before


@pytest.fixture
def pseudo(qtbot: QtBot, runs: feed.FakeRuns) -> Iterator[MainWindow]:
    """A window in a made-up language: accented, in brackets, a third longer."""
    i18n.use_language(i18n.PSEUDO)
    made = MainWindow(
        runs,
        feed.preferences("light"),
        lister=lambda: DEVICES,
        make_probe=feed.FakeProbe,
        make_player=feed.FakePlayer,
    )
    qtbot.addWidget(made)
    made.resize(1024, 640)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()
    i18n.use_language("en")


# Words that are the same everywhere, numbers, and what an engine or a device says.
SAME = {"Deutsch", "Español", "emolive", "CPU", "tiny", "–", "dBFS", "auto"}


def untranslated(window: QWidget) -> set[str]:
    texts = set()
    for widget in window.findChildren(QWidget):
        texts |= {widget.toolTip(), widget.accessibleName()}
        if isinstance(widget, QLabel | QAbstractButton):
            texts.add(widget.text())
        if isinstance(widget, QComboBox):
            texts |= {widget.itemText(i) for i in range(widget.count())}
    devices = {device.name for device in DEVICES}
    return {
        text.strip()
        for text in texts
        if any(c.isalpha() for c in text)
        and "[" not in text
        and "…" not in text[:1]  # the end of an elided path
        and text.strip() not in SAME | devices
        and not any(part in text for part in ("ms", "Built-in", "USB interface", "English"))
        and not any(unit == text.split()[-1] for unit in ("s", "min", "%"))
    }


def test_every_text_passes_the_seam(qtbot: QtBot, pseudo: MainWindow, runs: feed.FakeRuns) -> None:
    running(qtbot, pseudo, runs)
    pseudo.live.explain("mono", 10.0)
    assert untranslated(pseudo.live) == set()
    assert untranslated(pseudo.settings_page) == set()
    assert untranslated(pseudo.guide) == set()
    assert untranslated(pseudo.rail) == set()


def test_a_longer_language_is_not_cut_off(
    qtbot: QtBot, pseudo: MainWindow, runs: feed.FakeRuns
) -> None:
    running(qtbot, pseudo, runs)
    QApplication.processEvents()
    assert pseudo.width() == 1024, "it still fits the smallest window"
    for page in (0, pseudo.pages.index(pseudo.settings_page)):
        pseudo.show_page(page)
        QApplication.processEvents()
        for widget in pseudo.findChildren(QLabel):
            if widget.isVisible() and widget.text() and widget.wordWrap():
                assert widget.heightForWidth(widget.width()) <= widget.height() + 1, widget.text()


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_enlarged_the_window_shows_the_same(tmp_path: Path, scale: str) -> None:
    """In a process of its own: Qt reads the scale once."""
    script = (
        "import sys; from pathlib import Path; from tests.ui import shots;"
        "shots.main(Path(sys.argv[1]), ['running'], sizes=((1024, 640),), themes=('light',))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    from PySide6.QtGui import QImage

    image = QImage(str(tmp_path / "running-light-1024.png"))
    assert image.width() == round(1024 * float(scale))
    assert QCoreApplication.instance() is not None
