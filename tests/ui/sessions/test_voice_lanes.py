"""Pitch, intensity, formants and speech rate of a replayed session, and their exact values."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.explain.voice_tracks import STEP_S, Track, voice_tracks
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.theme import LIGHT, dress
from emolive.ui.timeline.voice_panels import VOICE_PANELS, PitchPanel, VoicePanel
from tests.ui.stored_sessions import RATE, demo

praat = pytest.importorskip("parselmouth", reason="needs the extra cues")


@pytest.fixture
def lanes(qtbot: QtBot, replay: ReplayPage) -> list[VoicePanel]:
    for kind in VOICE_PANELS:
        replay.header.kinds[kind].setChecked(True)
    found = [panel for panel in replay.board.panels if isinstance(panel, VoicePanel)]
    assert len(found) == 4
    assert all(panel.isVisible() for panel in found)
    qtbot.waitUntil(lambda: all(voice.complete for voice in replay.board.voices), timeout=30_000)
    qtbot.waitUntil(lambda: bool(found[0].caption.count("semitones")))
    return found


def test_values_under_the_pointer_are_praats(replay: ReplayPage, lanes: list[VoicePanel]) -> None:
    wanted = voice_tracks(demo().samples[: 30 * RATE], RATE, praat)
    steady = np.flatnonzero(~np.isnan(wanted[Track.PITCH, 300:2_000])) + 300
    at_s = (int(steady[40]) + 0.5) * STEP_S
    told = [re.findall(r"[−\d.]+", panel.describe(at_s, 0.5).split(": ", 1)[1]) for panel in lanes]
    column = wanted[:, int(steady[40])]
    assert float(told[0][0]) == pytest.approx(column[Track.PITCH], rel=0.03)
    assert float(told[1][0].replace("−", "-")) == pytest.approx(column[Track.INTENSITY], abs=0.2)
    assert int(told[2][1]) == pytest.approx(column[Track.F1], rel=0.05)
    assert replay.session is not None


def test_what_a_lane_is_stands_above_its_curves(lanes: list[VoicePanel]) -> None:
    for lane in lanes:
        before = lane.grab().toImage()
        lane.caption = ""
        lane.refresh_curves()
        bare = lane.grab().toImage()
        if not isinstance(lane, PitchPanel):  # that one says it anew
            assert before.copy(0, 0, lane.width(), lane.plot.top()) != bare.copy(
                0, 0, lane.width(), lane.plot.top()
            )
        assert before.copy(lane.plot) == bare.copy(lane.plot)


def test_lanes_zoom_follow_the_theme_and_are_hidden_again(
    replay: ReplayPage, lanes: list[VoicePanel]
) -> None:
    """In time with the rest, and in value alone."""
    pitch = next(panel for panel in lanes if isinstance(panel, PitchPanel))
    replay.board.axis.view(4.0, 12.0)
    low, high = pitch.value_range()
    shown = pitch.curves(4.0, 12.0)[0].values
    assert low < np.nanmin(shown)
    assert high > np.nanmax(shown)
    surface = replay.board.surface
    middle = QPoint(surface.width() // 2, pitch.y() + pitch.height() // 2)
    before = replay.board.axis.span_s
    wheel = QWheelEvent(
        QPointF(middle), QPointF(surface.mapToGlobal(middle)), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(surface, wheel)
    zoomed = pitch.value_range()
    assert zoomed[1] - zoomed[0] == pytest.approx(0.8 * (high - low), rel=0.01)
    assert replay.board.axis.span_s == before
    QTest.mouseDClick(
        surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, middle
    )
    assert pitch.value_range() == pytest.approx((low, high), rel=0.01)
    dress(replay, LIGHT)
    assert lanes[0].theme is LIGHT
    for kind in VOICE_PANELS:
        replay.header.kinds[kind].setChecked(False)
    assert not any(panel.isVisible() for panel in lanes)
