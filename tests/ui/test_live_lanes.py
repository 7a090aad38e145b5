"""The voice's lanes on the live page: the replay's numbers, measured while the sound runs."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.explain.voice_tracks import PER_CHUNK, STEP_S, Track, VoiceReader
from emolive.types import EngineState, FeatureBlock, FloatArray
from emolive.ui.main_window import MainWindow
from emolive.ui.timeline.live_voice import LiveVoice
from emolive.ui.timeline.voice_panels import PitchPanel, VoicePanel
from tests.conftest import SUPPORT_CALL
from tests.memory import array_bytes
from tests.ui import feed

ALL = ("pitch", "intensity", "formants", "rate")
SECONDS = 13


def speech(seconds: int = SECONDS) -> FloatArray:
    samples, rate = soundfile.read(SUPPORT_CALL, dtype="float32", always_2d=True)
    assert rate == feed.RATE
    return np.ascontiguousarray(samples[: seconds * rate, 0])


@pytest.fixture
def run(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> Callable[..., LiveVoice]:
    """Starts a run, plays speech from a second on, and returns the voice once it is measured."""

    def play(samples: FloatArray, start: int = 0) -> LiveVoice:
        if window.runner.model is None:
            window.live.start()
            qtbot.waitUntil(lambda: window.runner.model is not None)
            runs.run.inbox.put(feed.status(EngineState.RUNNING))
        runs.run.inbox.put(*feed.audio_events(samples, start=start, heard=True))
        for _ in range(3):
            window.runner.bridge.tick()
        voice = window.live.voices.of("mono")
        qtbot.waitUntil(lambda: voice.complete or bool(voice.problem), timeout=30_000)
        QApplication.processEvents()
        return voice

    return play


def panels(window: MainWindow) -> list[VoicePanel]:
    return [panel for panel in window.live.workspace.panels if isinstance(panel, VoicePanel)]


def test_while_no_lane_is_shown_nothing_is_measured(
    window: MainWindow, run: Callable[..., LiveVoice]
) -> None:
    voice = run(speech(3))
    assert array_bytes(voice._tiles) == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "emolive voice"]
    assert panels(window) == []


class TestWithPraat:
    @pytest.fixture(autouse=True)
    def _needs_praat(self) -> None:
        pytest.importorskip("parselmouth", reason="needs the extra cues")

    @pytest.fixture(autouse=True)
    def _shown(self, window: MainWindow) -> None:
        window.live.workspace.lanes.chosen.emit(ALL)

    def test_they_are_the_numbers_of_the_recording(
        self, qtbot: QtBot, window: MainWindow, run: Callable[..., LiveVoice], tmp_path: Path
    ) -> None:
        samples = speech()
        heard = [*feed.audio_events(samples)][-1]
        assert isinstance(heard, FeatureBlock)
        samples = samples[: heard.end_sample]
        path = tmp_path / "kept.flac"
        soundfile.write(path, samples, feed.RATE, subtype="PCM_16")
        reader = VoiceReader(path)
        wanted = np.concatenate([reader.tile(key) for key in range(3)], axis=1)
        reader.close()
        voice = run(speech())
        assert np.isfinite(wanted[Track.PITCH]).sum() > 200
        whole = 2 * PER_CHUNK
        np.testing.assert_array_equal(voice.cells(0, whole), wanted[:, :whole])
        window.live.runner.stop()
        qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
        qtbot.waitUntil(lambda: voice.complete)
        qtbot.waitUntil(
            lambda: np.array_equal(voice.cells(0, 3 * PER_CHUNK), wanted, equal_nan=True)
        )

    def test_the_newest_second_is_there_before_its_piece_is(
        self, run: Callable[..., LiveVoice]
    ) -> None:
        samples = speech(4)
        voice = run(samples[: 3 * feed.RATE])
        heard = voice.cells(0, 300)
        # A draft is made every half second.
        assert np.isfinite(heard[Track.INTENSITY, 205:245]).all()
        before = array_bytes(voice._tiles)
        voice = run(samples[3 * feed.RATE :], 3 * feed.RATE)
        assert np.isfinite(voice.cells(300, 400)[Track.INTENSITY, 20:45]).all()
        assert array_bytes(voice._tiles) == before  # the same piece

    def test_lost_sound_is_silence_and_time_goes_on(self, run: Callable[..., LiveVoice]) -> None:
        samples = speech(8)
        run(samples[: 2 * feed.RATE])
        voice = run(samples[2 * feed.RATE :], 4 * feed.RATE)
        gap = voice.cells(240, 360)
        assert np.isnan(gap[Track.PITCH]).all()
        after = voice.cells(400, 900)
        assert np.isfinite(after[Track.PITCH]).any()

    def test_the_pointer_tells_exact_values_and_ctrl_zooms_them(
        self, window: MainWindow, run: Callable[..., LiveVoice]
    ) -> None:
        voice = run(speech())
        shown = panels(window)
        assert all(panel.isVisible() for panel in shown)
        voiced = np.flatnonzero(np.isfinite(voice.cells(0, 1000)[Track.PITCH]))
        column = int(voiced[50])
        at_s = (column + 0.5) * STEP_S
        told = re.findall(r"\d+", shown[0].describe(at_s, 0.5).split(": ", 1)[1])
        assert int(told[0]) == round(float(voice.cells(column, column + 1)[Track.PITCH, 0]))
        pitch = shown[0]
        assert isinstance(pitch, PitchPanel)
        pitch.refresh_curves()
        assert "semitones" in pitch.caption
        low, high = pitch.value_range()
        middle = QPoint(pitch.width() // 2, pitch.height() // 2)
        wheel = QWheelEvent(
            QPointF(middle), QPointF(pitch.mapToGlobal(middle)), QPoint(), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.ControlModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        span_s = window.live.workspace.axis.span_s
        QApplication.sendEvent(pitch, wheel)
        zoomed = pitch.value_range()
        assert zoomed[1] - zoomed[0] == pytest.approx(0.8 * (high - low), rel=0.01)
        assert window.live.workspace.axis.span_s == span_s
        QTest.mouseDClick(
            pitch, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, middle
        )
        assert pitch.value_range() == pytest.approx((low, high), rel=0.01)

    def test_off_again_it_rests_and_a_new_run_begins_anew(
        self, qtbot: QtBot, window: MainWindow, run: Callable[..., LiveVoice]
    ) -> None:
        voice = run(speech(6))
        held = array_bytes(voice._tiles)
        assert held > 0
        window.live.workspace.lanes.none.trigger()
        qtbot.waitUntil(
            lambda: not any(t.name == "emolive voice" for t in threading.enumerate()),
            timeout=10_000,
        )
        run(speech(3), 6 * feed.RATE)
        assert array_bytes(voice._tiles) == held
        assert not any(panel.isVisible() for panel in panels(window))


def test_the_choice_is_kept_and_reachable_by_key(window: MainWindow) -> None:
    lanes = window.live.workspace.lanes
    QTest.keyClick(window, Qt.Key.Key_P)
    assert lanes.menu_of_lanes.isVisible()
    lanes.menu_of_lanes.close()
    lanes.lanes["pitch"].trigger()
    assert window.preferences.settings.look.lanes == ("pitch",)
    assert lanes.isChecked()
    lanes.lanes["pitch"].trigger()
    assert window.preferences.settings.look.lanes == ()
    assert not lanes.isChecked()


def test_without_praat_the_lane_says_how_to_get_it(
    window: MainWindow, run: Callable[..., LiveVoice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    window.live.workspace.lanes.chosen.emit(("pitch",))
    voice = run(speech(2))
    assert "emolive[cues]" in voice.problem
    pitch = next(panel for panel in panels(window) if isinstance(panel, PitchPanel))
    assert "emolive[cues]" in pitch.caption
