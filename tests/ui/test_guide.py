"""The guide of the first run, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.audio.level_probe import ProbeStatus
from emolive.monitoring.sources import SourceKind
from emolive.settings import SettingsStore
from emolive.ui import app
from emolive.ui.main_window import MainWindow
from tests.ui import feed
from tests.ui.conftest import DEVICES


@pytest.fixture
def window(qtbot: QtBot, runs: feed.FakeRuns) -> Iterator[MainWindow]:
    made = MainWindow(
        runs,
        feed.preferences("light", window={"guide_done": False}),
        lister=lambda: DEVICES,
        make_probe=feed.FakeProbe,
        make_player=feed.FakePlayer,
    )
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.guide.device.findText("USB interface") >= 0)
    made.show_guide()
    yield made
    made.close()


def test_the_level_follows_the_chosen_input(qtbot: QtBot, window: MainWindow) -> None:
    guide = window.guide
    first = feed.FakeProbe.made[-1]
    assert first.open
    qtbot.waitUntil(lambda: guide.level_text.text() == "You are heard.")
    row = guide.device.findText("USB interface")
    guide.device.activated.emit(row)
    second = feed.FakeProbe.made[-1]
    assert (first.open, second.open) == (False, True)
    assert second.source._wanted == "USB interface, ALSA"
    assert window.preferences.settings.input.device == "USB interface, ALSA"
    second.now = ProbeStatus(problem="The input is in use: close the other program.")
    qtbot.waitUntil(lambda: guide.level_text.text().startswith("The input is in use"))


def test_the_demo_is_heard_and_stopped(qtbot: QtBot, window: MainWindow) -> None:
    guide = window.guide
    qtbot.mouseClick(guide.hear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: guide.hear_text.text() == "playing, 0:01", timeout=10_000)
    assert guide.hear.text().strip() == "Stop"
    qtbot.mouseClick(guide.hear, Qt.MouseButton.LeftButton)
    assert guide.hear.text().strip() == "Hear it"


def test_starting_leaves_the_guide_for_good(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    guide = window.guide
    row = guide.device.findText("USB interface")
    guide.device.activated.emit(row)
    qtbot.mouseClick(guide.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(runs.made))
    assert not guide.isVisible()
    assert window.live.isVisible()
    assert runs.made[-1][0].device == "USB interface, ALSA"
    assert not feed.FakeProbe.made[-1].open, "the run needs the microphone"
    assert window.preferences.settings.window.guide_done


def test_the_demo_can_be_shown_from_the_guide(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    qtbot.mouseClick(window.guide.show_demo, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(runs.made))
    assert runs.made[-1][0].kind is SourceKind.DEMO


def test_space_presses_the_button_in_focus_and_starts_nothing_else(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.guide.skip.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(window.guide.skip, Qt.Key.Key_Space)
    assert window.live.isVisible()
    assert runs.made == []
    window.live.empty.guide_button.click()
    assert window.guide.isVisible(), "it can be seen again"


@pytest.mark.parametrize("done", [False, True])
def test_the_app_opens_with_the_guide_only_once(
    qapp: QApplication,  # noqa: ARG001
    qtbot: QtBot,  # noqa: ARG001
    done: bool,
) -> None:
    store = SettingsStore()
    store.save(store.load().settings.with_values("window", guide_done=done))
    seen: list[bool] = []
    until = time.monotonic() + 20

    def look() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow) and window.isVisible():
                seen.append(window.guide.isVisible())
                timer.stop()
                window.close()
        if time.monotonic() > until:
            QApplication.quit()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    assert app.run_app(source="microphone", store=store) == 0
    assert seen == [not done]
