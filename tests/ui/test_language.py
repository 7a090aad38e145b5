"""Another language in the running window, and room for it in every page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from emolive.errors import EmoliveError
from emolive.i18n import Said
from emolive.inference.decision import DecisionConfig
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.session.recent import RecentRun
from emolive.session.records import SessionInfo
from emolive.types import EngineState
from emolive.ui.analysing import Wish
from emolive.ui.language import WindowHolder, speak
from emolive.ui.main_window import MainWindow
from emolive.ui.preferences import Preferences
from tests.ui import feed
from tests.ui.conftest import DEVICES
from tests.ui.feed import RATE


@pytest.fixture
def holder(qtbot: QtBot, runs: feed.FakeRuns) -> Iterator[WindowHolder]:
    speak("en")

    def make(chosen: Preferences) -> MainWindow:
        return MainWindow(
            runs,
            chosen,
            lister=lambda: DEVICES,
            make_probe=feed.FakeProbe,
            make_player=feed.FakePlayer,
        )

    made = WindowHolder(make, feed.preferences("light"))
    made.window.resize(1024, 640)
    made.window.show()
    qtbot.waitExposed(made.window)
    yield made
    made.window.close()
    made.window.deleteLater()
    speak("en")


def choose(holder: WindowHolder, language: str) -> None:
    """As a person does it."""
    box = holder.window.settings_page.look.language
    box.setCurrentIndex(box.values.index(language))
    box.activated.emit(box.currentIndex())


def headings(window: MainWindow) -> set[str]:
    return {label.text() for label in window.settings_page.findChildren(QLabel)}


def test_the_language_changes_in_the_open_window(qtbot: QtBot, holder: WindowHolder) -> None:
    first = holder.window
    first.show_settings()
    first.preferences.change("look", palette="vivid")
    place = first.geometry()
    choose(holder, "de")
    qtbot.waitUntil(lambda: holder.window is not first)
    window = holder.window
    assert window.isVisible()
    assert not first.isVisible()
    assert window.geometry().size() == place.size()
    assert window.settings_page.isVisible(), "where it was chosen"
    assert {"Einstellungen", "Aussehen", "Sprache"} <= headings(window)
    assert window.rail.buttons[0].text() == "Live"
    assert window.settings_page.look.language.currentText() == "Deutsch"
    assert window.preferences.settings.look.palette == "vivid"
    assert QLocale().decimalPoint() == ","
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    texts = {button.text().replace("&", "") for button in box.findChildren(QPushButton)}
    assert texts == {"Abbrechen"}, "what Qt says itself"
    choose(holder, "es")
    qtbot.waitUntil(lambda: holder.window is not window)
    assert {"Ajustes", "Idioma"} <= headings(holder.window)


def test_what_runs_is_not_interrupted_for_it(
    qtbot: QtBot, holder: WindowHolder, runs: feed.FakeRuns
) -> None:
    first = holder.window
    first.live.start()
    qtbot.waitUntil(lambda: first.runner.model is not None)
    first.show_settings()
    choose(holder, "de")
    qtbot.wait(700)
    assert holder.window is first
    assert runs.run.alive
    first.runner.stop()
    qtbot.waitUntil(lambda: holder.window is not first)
    assert "Einstellungen" in headings(holder.window)


class Kept:
    """What is in memory, and takes its time to be stored."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate

    def keep(self, *_: object) -> SessionInfo:
        assert self._gate.wait(60)
        raise EmoliveError(Said("Nothing was kept."))


@pytest.mark.parametrize("what", ["files", "export", "edit", "keep", "keep of a call", "call"])
def test_work_is_not_given_up_for_it(
    qtbot: QtBot,
    holder: WindowHolder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    what: str,
) -> None:
    first, gate = holder.window, threading.Event()
    qtbot.waitUntil(lambda: first.library_controller.library is not None)
    assert first.library_controller.library is not None
    first.library_controller.library.confirm_consent()
    ended: list[object] = []

    def work(*_: object, **__: object) -> None:
        assert gate.wait(60)
        ended.append(holder.window)

    if what == "files":
        analysing = first.analysis.analysing
        analysing._run = work
        analysing.start(Wish((), tmp_path, None, 0.5, DecisionConfig(), "mix", False))
        analysing.ended.connect(lambda outcome: ended.append(outcome.stopped))
    elif what in ("export", "edit"):
        worker = first.sessions.hard_worker if what == "export" else first.sessions.editor
        worker.ask(work, ended.append, ended.append)
    elif what == "call":
        calls = first.calls.controller
        monkeypatch.setattr(calls._monitor, "open", Kept(gate).keep)
        calls.said.connect(ended.append)
        calls.start([CallChoice(CallKind.STEREO_FILE, "Line 1", files=(tmp_path / "one.wav",))])
    else:
        keeper = first.recording if what == "keep" else first.calls.controller.recording
        keeper.keep(cast(RecentRun, Kept(gate)), "")
        qtbot.waitUntil(lambda: keeper._keeping == 1)
        keeper.said.connect(ended.append)
    choose(holder, "de")
    QApplication.processEvents()
    holder._look()
    assert holder.window is first
    assert not ended
    gate.set()
    qtbot.waitUntil(lambda: holder.window is not first)
    if what == "files":
        assert ended == [first, False], "it was done, and not stopped"
    else:
        assert ended


@pytest.mark.parametrize("language", ["de", "es"])
def test_no_language_is_cut_off(
    qtbot: QtBot, holder: WindowHolder, runs: feed.FakeRuns, language: str
) -> None:
    first = holder.window
    choose(holder, language)
    qtbot.waitUntil(lambda: holder.window is not first)
    window = holder.window
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    events = [feed.status(EngineState.RUNNING), feed.block(0, 20 * RATE)]
    events += [feed.prediction(end) for end in range(3 * RATE, 20 * RATE, RATE // 2)]
    runs.run.inbox.put(*events)
    window.runner.bridge.tick()
    for page in window.pages:
        window.bring(page)
        QApplication.processEvents()
        assert window.width() == 1024, "it still fits the smallest window"
        for label in page.findChildren(QLabel):
            if label.isVisible() and label.text() and label.wordWrap():
                assert label.heightForWidth(label.width()) <= label.height() + 1, label.text()
        for button in page.findChildren(QPushButton):
            if button.isVisible() and button.text():
                room = button.width() - button.fontMetrics().horizontalAdvance(button.text())
                assert room >= 0, button.text()
    for button in window.rail.buttons:
        assert button.fontMetrics().horizontalAdvance(button.text()) <= button.width()
