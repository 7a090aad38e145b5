"""From a click on the timeline to an explanation, with the real explainer on real speech."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from emolive import resources
from emolive.engine.hub import Hub
from emolive.explain.explainer import Explainer
from emolive.explain.moment import Explanation, Moment
from emolive.inference.classifier import OnnxClassifier
from emolive.types import EngineState, Event, FloatArray, SpeechState
from emolive.ui.main_window import MainWindow
from tests.models import tiny_metadata, tiny_model
from tests.ui import feed
from tests.ui.feed import RATE

pytest.importorskip("parselmouth", reason="needs the extra `cues`")


class Answers(Explainer):
    """An explainer that says what the test tells it to say."""

    def __init__(self) -> None:
        self.asked: list[Moment] = []
        self.answer: Callable[[Explanation], None] | None = None
        self.closed = self.started = False

    def start(self) -> None:
        self.started = True

    def ask(self, moment: Moment, answer: Callable[[Explanation], None]) -> None:
        self.asked.append(moment)
        self.answer = answer

    def close(self, timeout: float) -> bool:
        assert timeout >= 0
        self.closed = True
        return True


@pytest.fixture
def speech() -> FloatArray:
    samples, _ = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    return np.asarray(samples[: 40 * RATE], np.float32)


def events(speech: FloatArray) -> list[Event]:
    return [*feed.audio_events(speech, heard=True), *feed.mood_events(40, seed=3)]


@pytest.fixture
def explained(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, tmp_path: Path, speech: FloatArray
) -> Iterator[MainWindow]:
    """A window in the middle of a run of 40 s of speech, with the real explainer on it."""
    tiny_model(tmp_path / "tiny.onnx")
    hub = Hub()
    explainer = Explainer(
        hub.subscribe(50_000),
        tiny_metadata(),
        lambda: OnnxClassifier(tmp_path / "tiny.onnx", "cpu"),
        budget_s=0.2,
    )
    told = events(speech)
    for event in told:
        hub.publish(event)
    runs.explainer = explainer
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(feed.status(EngineState.RUNNING), *told)
    window.runner.bridge.tick()
    yield window
    window.close()


def test_a_click_on_the_timeline_explains_that_moment(qtbot: QtBot, explained: MainWindow) -> None:
    window = explained
    panel = window.live.workspace.panels[0]
    middle = panel.plot.center()
    axis = window.live.workspace.axis
    # Before the click: the drawer takes room from the timeline.
    clicked = axis.time_at((middle.x() - panel.plot.left()) * panel.devicePixelRatioF())
    qtbot.mouseClick(panel, Qt.MouseButton.LeftButton, pos=middle)
    drawer = window.live.drawer
    assert drawer.isVisible()
    qtbot.waitUntil(lambda: bool(drawer.decisive.text()), timeout=30_000)
    assert "in this window" in drawer.decisive.text()
    assert drawer.words.text().endswith("usually sounds.")
    assert "Loudness" in drawer.table.accessibleDescription()
    assert "usually" in drawer.table.accessibleDescription()
    assert axis.chosen_s is not None
    assert axis.chosen_s == pytest.approx(clicked, abs=0.3)


def test_another_emotion_can_be_asked_about(qtbot: QtBot, explained: MainWindow) -> None:
    window = explained
    window.live.explain("mono", 20.0)
    drawer = window.live.drawer
    qtbot.waitUntil(lambda: bool(drawer.decisive.text()), timeout=30_000)
    row = drawer.labels.findData("disgust")
    drawer.labels.setCurrentIndex(row)
    drawer.labels.activated.emit(row)
    qtbot.waitUntil(lambda: drawer.decisive.text().startswith("disgust"), timeout=30_000)


def test_a_drag_is_no_click(qtbot: QtBot, explained: MainWindow) -> None:
    panel = explained.live.workspace.panels[0]
    begin = panel.plot.center()
    qtbot.mousePress(panel, Qt.MouseButton.LeftButton, pos=begin)
    qtbot.mouseMove(panel, begin + QPoint(60, 0))
    qtbot.mouseRelease(panel, Qt.MouseButton.LeftButton, pos=begin + QPoint(60, 0))
    assert not explained.live.drawer.isVisible()


@pytest.fixture
def asked(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> Answers:
    """A run whose explainer is in the test's hands."""
    answers = Answers()
    runs.explainer = answers
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(feed.status(EngineState.RUNNING), feed.block(0, 40 * RATE))
    runs.run.inbox.put(*(feed.prediction(end) for end in range(3 * RATE, 30 * RATE, RATE // 2)))
    runs.run.inbox.put(
        *(
            feed.prediction(end, SpeechState.SILENCE)
            for end in range(30 * RATE, 40 * RATE, RATE // 2)
        )
    )
    window.runner.bridge.tick()
    return answers


def test_keys_explain_and_step(qtbot: QtBot, window: MainWindow, asked: Answers) -> None:
    window.live.explain("mono", 10.0)
    first = asked.asked[-1]
    assert (first.end_sample - first.start_sample, first.label) == (3 * RATE, "angry")
    qtbot.keyClick(window, Qt.Key.Key_Period)
    assert asked.asked[-1].start_sample == first.start_sample + RATE // 2
    qtbot.keyClick(window, Qt.Key.Key_Comma)
    qtbot.keyClick(window, Qt.Key.Key_Comma)
    assert asked.asked[-1].start_sample == first.start_sample - RATE // 2
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.live.drawer.isVisible()
    assert window.live.workspace.axis.chosen_s is None


def test_an_answer_to_an_older_question_is_not_shown(window: MainWindow, asked: Answers) -> None:
    window.live.explain("mono", 10.0)
    late = asked.asked[-1]
    window.live.explain("mono", 20.0)
    window.live.drawer.show_explanation(Explanation(late, problem="too late"))
    assert not window.live.drawer.problem.isVisible()
    window.live.drawer.show_explanation(Explanation(asked.asked[-1], problem="in time"))
    assert window.live.drawer.problem.text() == "in time"


def test_silence_has_nothing_to_explain(window: MainWindow, asked: Answers) -> None:
    window.live.explain("mono", 35.0)
    assert asked.asked == []
    assert "too little speech" in window.live.drawer.problem.text()


def test_w_explains_the_newest_decision(qtbot: QtBot, window: MainWindow, asked: Answers) -> None:
    qtbot.keyClick(window, Qt.Key.Key_W)
    assert window.live.drawer.isVisible(), "it is silence, and that is said"
    window.live.why.close_drawer()
    window.live.explain("mono", 12.0)
    qtbot.keyClick(window, Qt.Key.Key_W)
    assert len(asked.asked) == 2, "the chosen moment again"


def test_without_kept_sound_the_way_out_is_named(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(feed.status(EngineState.RUNNING), feed.block(0, 9 * RATE))
    runs.run.inbox.put(*(feed.prediction(end) for end in range(3 * RATE, 9 * RATE, RATE // 2)))
    window.runner.bridge.tick()
    window.live.explain("mono", 5.0)
    assert "settings under Privacy" in window.live.drawer.problem.text()


def test_a_new_run_closes_the_drawer_and_the_explainer(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, asked: Answers
) -> None:
    window.live.explain("mono", 10.0)
    window.runner.stop()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
    assert not asked.closed, "it can still be asked after the run"
    window.live.start()
    qtbot.waitUntil(lambda: len(runs.made) == 2)
    assert asked.closed
    assert not window.live.drawer.isVisible()
