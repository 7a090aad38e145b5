"""The input that was chosen stays chosen, whatever else is set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emolive.monitoring.sources import SourceChoice, SourceKind
from emolive.types import EngineState
from emolive.ui.main_window import MainWindow
from tests.ui import feed
from tests.ui.conftest import DEVICES
from tests.ui.feed import status

USB, BUILT_IN = "USB interface, ALSA", "Built-in microphone, ALSA"
GIVEN = SourceChoice(SourceKind.MICROPHONE, "USB interface", USB, channels=2)


@pytest.fixture(params=[None, GIVEN], ids=["chosen", "given"])
def window(
    qtbot: QtBot, runs: feed.FakeRuns, request: pytest.FixtureRequest
) -> Iterator[MainWindow]:
    """The USB interface was chosen and is not remembered, or was given at the start."""
    preferences = feed.preferences("dark", privacy={"remember_input": request.param is not None})
    made = MainWindow(
        runs, preferences, source=request.param, lister=lambda: DEVICES, choose=lambda _: None
    )
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    picker = made.live.header.picker
    qtbot.waitUntil(lambda: picker.findText("USB interface") >= 0)
    if request.param is None:
        picker.setCurrentText("USB interface")
        picker.activated.emit(picker.currentIndex())
    yield made
    made.close()


def test_other_settings_leave_the_chosen_input(qtbot: QtBot, window: MainWindow) -> None:
    header = window.live.header
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    window.runner.stop()
    qtbot.waitUntil(lambda: not window.runner.active)
    for key in (Qt.Key.Key_V, Qt.Key.Key_T, Qt.Key.Key_M):
        qtbot.keyClick(window, key)
        assert header.picker.choice.device == USB
    window.preferences.change("sound", volume=0.3)
    assert header.picker.choice.device == USB
    header.split.click()
    assert window.preferences.settings.input.channels == 2
    assert header.picker.choice.device == USB
    window.preferences.change("sound", volume=0.4)
    assert header.split.isChecked()


def test_another_stored_input_is_selected(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    header = window.live.header
    window.preferences.choose_device(BUILT_IN)
    assert header.picker.choice.device == BUILT_IN
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(status(EngineState.RUNNING))
    window.runner.bridge.tick()
    window.preferences.choose_device(USB)
    window.preferences.change("input", channels=2)
    assert header.picker.choice.device == BUILT_IN, "it is being heard"
    window.runner.stop()
    qtbot.waitUntil(lambda: header.picker.choice.device == USB)
    assert header.split.isChecked()
    window.preferences.reset()
    assert header.picker.choice.device is None
    assert not header.split.isChecked()
