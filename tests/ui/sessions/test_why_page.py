"""Why, in the replay: the drawer beside the timeline explains what is heard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emolive.ui.sessions.replay_page import ReplayPage
from tests.ui.sessions.test_replay_page import key
from tests.ui.stored_sessions import demo

pytest.importorskip("parselmouth", reason="needs the extra cues")


def test_w_explains_the_moment_that_is_heard(qtbot: QtBot, replay: ReplayPage) -> None:
    window = next(w for w in demo().analysis.windows if w.label == "angry")
    at_s = (window.start_sample + window.end_sample) / 2 / 16_000
    replay.actions_.seek(at_s)
    side = replay.side.isVisible()
    key(replay, Qt.Key.Key_W)
    drawer = replay.drawer
    assert drawer.isVisible()
    assert not replay.side.isVisible()
    qtbot.waitUntil(lambda: "angry" in drawer.decisive.text(), timeout=60_000)
    assert drawer.words.text()
    before = replay.board.axis.chosen_s
    assert before == pytest.approx(at_s, abs=0.01)
    drawer.after.click()
    assert replay.board.axis.chosen_s == pytest.approx(at_s + 0.5, abs=0.01)
    assert replay.playing.position_s == pytest.approx(at_s + 0.5, abs=0.01)
    qtbot.waitUntil(lambda: bool(drawer.decisive.text()), timeout=60_000)
    drawer.labels.setCurrentIndex(drawer.labels.findData("sad"))
    drawer.labels.activated.emit(drawer.labels.currentIndex())
    qtbot.waitUntil(lambda: drawer.decisive.text().startswith("sad"), timeout=60_000)
    key(replay, Qt.Key.Key_Escape)
    assert not drawer.isVisible()
    assert replay.side.isVisible() == side
    assert replay.session is not None


def test_where_nothing_was_classified_it_says_so(replay: ReplayPage) -> None:
    replay.actions_.seek(0.0)
    replay.header.why_button.click()
    assert "too little speech" in replay.drawer.problem.text()
    replay.drawer.close_button.click()
    assert not replay.drawer.isVisible()
