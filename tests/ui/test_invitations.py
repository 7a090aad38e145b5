"""What stands where nothing is yet: readable at every size, and a way to begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.types import EngineState
from emolive.ui.calls.shift_dialog import ShiftDialog
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.main_window import MainWindow
from emolive.ui.theme import DARK, LIGHT, Theme
from tests.ui import feed

SIZES = ((1024, 640), (1280, 800), (1920, 1080))


def invitation(page: QWidget) -> Invitation:
    (found,) = [one for one in page.findChildren(Invitation) if one.isVisible()]
    return found


def whole(shown: Invitation) -> None:
    """Nothing is cut off, nothing lies over another, and one action is the main one."""
    QApplication.processEvents()
    words = [w for w in (shown.title, shown.text, shown.hint) if w.isVisible()]
    for one in words:
        assert one.height() >= one.heightForWidth(one.width()), one.text()
    buttons = [button for button in shown._buttons if button.isVisible()]
    assert sum(bool(button.property("primary")) for button in buttons) == 1
    parts = [QRect(part.geometry()) for part in (*words, *buttons)]
    for i, part in enumerate(parts):
        assert shown.rect().contains(part)
        assert not any(part.intersects(other) for other in parts[i + 1 :])


@pytest.mark.parametrize("size", SIZES)
def test_every_page_invites(qtbot: QtBot, window: MainWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    whole(invitation(window.live))
    qtbot.waitUntil(lambda: window.library_controller.library is not None)
    window.bring(window.sessions)
    qtbot.waitUntil(lambda: window.sessions.list.empty.record_button.isVisible())
    whole(invitation(window.sessions))
    window.sessions.results.show_results([])
    window.sessions._pages.setCurrentWidget(window.sessions.results)
    whole(invitation(window.sessions))
    window.bring(window.calls)
    whole(invitation(window.calls))


def test_start_listening_starts(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> None:
    window.live.empty.start_button.click()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(feed.status(EngineState.RUNNING))
    window.runner.bridge.tick()
    assert not window.live.empty.isVisible()


def test_a_shift_without_calls_says_what_will_be_there(qtbot: QtBot, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        dialog = ShiftDialog(DARK, library)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.empty.isVisible(), timeout=10_000)
        whole(dialog.empty)
        dialog.week.click()
        qtbot.waitUntil(lambda: not dialog.week.isVisible(), timeout=10_000)
        dialog.close()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("ghost", Ghost)
def test_the_ghost_uses_the_room_and_leaves_the_words_alone(
    qtbot: QtBot, ghost: Ghost, theme: Theme
) -> None:
    shown = Invitation(theme, ghost)
    qtbot.addWidget(shown)
    shown.say("A title", "A text that says what will be here.")
    shown.resize(1200, 700)
    shown.show()
    picture = shown.grab().toImage()
    low = {picture.pixelColor(x, 690 - y).name() for x in range(0, 1200, 7) for y in (5, 40, 90)}
    assert len(low) > 12
    above = {picture.pixelColor(x, 40).name() for x in range(0, 1200, 7)}
    assert len(above) == 1
    shown.resize(500, 140)  # no room for both
    assert shown._room() == 0
