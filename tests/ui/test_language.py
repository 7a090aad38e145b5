"""Another language in the running window, and room for it in every page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from emolive.types import EngineState
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
