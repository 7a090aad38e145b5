"""What the panels draw: the same however the data came, and aligned with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.history.model import MonitorModel
from emolive.labels import swatch
from emolive.types import Event, SpeechState
from emolive.ui.theme import DARK, LIGHT, Theme
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.panel import MARGIN_LEFT, TimePanel
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from emolive.ui.timeline.time_axis import TimeAxis
from tests.ui.feed import BLOCK, RATE, SPEC, block, mood_events, prediction, run_facts

INFO = run_facts()
MAKERS: dict[str, Callable[[TimeAxis, MonitorModel, Theme], TimePanel]] = {
    "probabilities": lambda axis, model, theme: ProbabilityPanel(
        axis, theme, model.streams["mono"]
    ),
    "decisions": lambda axis, model, theme: DecisionBand(axis, theme, model.streams["mono"]),
    "spectrogram": lambda axis, model, theme: SpectrogramPanel(axis, theme, model.streams["mono"]),
    "levels": lambda axis, model, theme: LevelPanel(axis, theme, model.streams["mono"]),
}


def pixels(image: QImage) -> npt.NDArray[np.uint8]:
    """``(height, width, 3)``, blue first."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width(), :3].copy()


def speech(seconds: float, seed: int = 0) -> Iterator[Event]:
    """Features and decisions in the order in which an engine publishes them."""
    rng = np.random.default_rng(seed)
    answers = list(mood_events(seconds, seed=seed))
    for at in range(0, round(seconds * RATE), BLOCK):
        loud = float(rng.uniform(-50, -10))
        yield block(at, level_dbfs=loud, peak_dbfs=loud + 8, speech=loud > -35)
        while answers and answers[0].end_sample <= at + BLOCK:
            yield answers.pop(0)


@pytest.fixture
def model() -> MonitorModel:
    made = MonitorModel(INFO)
    made.apply([block(0)])
    return made


@pytest.fixture
def axis(qapp: QApplication) -> TimeAxis:  # noqa: ARG001
    return TimeAxis()


def show(qtbot: QtBot, panel: TimePanel, width: int = 700, height: int = 120) -> TimePanel:
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    return panel


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("span_s", [20.0, 300.0])
def test_scrolled_content_equals_content_drawn_at_once(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel, kind: str, span_s: float
) -> None:
    panel = show(qtbot, MAKERS[kind](axis, model, DARK))
    axis.set_span(span_s)
    rng = np.random.default_rng(1)
    waiting = list(speech(span_s * 1.6))
    while waiting:
        n = int(rng.integers(1, 60))
        model.apply(waiting[:n])
        del waiting[:n]
        axis.advance(model.end_s)
        panel.refresh()
        panel.grab()
        if rng.random() < 0.05:  # look back, and return
            axis.pan(-int(rng.integers(1, 300)))
            panel.grab()
            axis.follow_live()
    panel.update()
    scrolled = pixels(panel.grab().toImage())
    panel.redraw()
    at_once = pixels(panel.grab().toImage())
    # Scaling may round otherwise. At the left edge, Qt clips lines a little differently, and what
    # came within the last half pixel may wait for the next frame.
    different = (np.abs(scrolled.astype(int) - at_once) > 2).any(axis=2)
    inside = different[:, MARGIN_LEFT + 16 : -20]
    assert not inside.any(), np.argwhere(inside)[:5]
    assert len(np.unique(at_once.reshape(-1, 3), axis=0)) > 3


@pytest.mark.parametrize("kind", ["probabilities", "spectrogram", "levels"])
@pytest.mark.parametrize("height", [24, 120])
def test_a_stream_is_named_in_the_margin(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel, kind: str, height: int
) -> None:
    panel = show(qtbot, MAKERS[kind](axis, model, DARK), height=height)
    model.apply(list(speech(20.0)))
    axis.set_span(20.0)
    axis.advance(model.end_s)
    bare = pixels(panel.grab().toImage())
    panel.caption = "customer"
    panel.update()
    named = pixels(panel.grab().toImage())
    assert (bare[:, :MARGIN_LEFT] != named[:, :MARGIN_LEFT]).any()
    assert (bare[:, MARGIN_LEFT:] == named[:, MARGIN_LEFT:]).all()


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_panels_show_one_moment_at_one_place(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound and decision that change at 10.0 s change in the same column of all panels."""
    monkeypatch.setattr(TimePanel, "devicePixelRatioF", lambda _: ratio)
    quiet = {"log_mel": np.full((SPEC.n_mels, 4), -20, np.float32), "level_dbfs": -90.0}
    for at in range(0, 20 * RATE, BLOCK):
        silent = at < 10 * RATE
        fields = quiet | {"peak_dbfs": -90.0, "speech": False} if silent else {}
        model.apply([block(at, **fields)])
    for end in range(3 * RATE, 20 * RATE, RATE // 2):
        # The decision for 9.75 s is silence, the one for 10.25 s speaks from 10.0 s on.
        at_s = end / RATE - 1.5 + 0.25
        state = SpeechState.SILENCE if at_s < 10.2 else SpeechState.SPEECH
        model.apply([prediction(end + RATE // 4, state, share=0.9)])
    edges = {}
    for kind, make in MAKERS.items():
        panel = show(qtbot, make(axis, model, DARK))
        axis.advance(20.0)
        panel.grab()
        image = pixels(panel._image).astype(int)
        row = image.shape[0] - round(6 * ratio)
        if kind == "spectrogram":
            row = image.shape[0] // 2
        line = image[row]
        if kind in ("spectrogram", "levels"):
            before = np.median(line[: round(axis.x(9.0))], axis=0)
            changed = np.abs(line - before).sum(axis=1) > 90
        else:  # hatched before, one colour from then on
            after = np.median(line[round(axis.x(11.0)) : round(axis.x(18.0))], axis=0)
            changed = np.abs(line - after).sum(axis=1) < 60
        edges[kind] = int(np.argmax(changed[round(axis.x(9.5)) :])) + round(axis.x(9.5))
    expected = axis.x(10.0)
    # A level cell is 0.1 s; everything else is exact to a pixel.
    for kind, x in edges.items():
        slack = axis.x(10.1) - expected if kind == "levels" else 1.5
        assert abs(x - expected) <= slack, (kind, x, expected)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_silence_doubt_emotion_and_nothing_look_different(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel, theme: Theme
) -> None:
    states = [
        (10, SpeechState.SPEECH),
        (20, SpeechState.UNCERTAIN),
        (30, SpeechState.SILENCE),
    ]
    for end in range(6, 60):
        for until, state in states:
            if end / 2 + 1 <= until:
                model.apply([prediction(end * RATE // 2, state, "angry", 0.98)])
                break
    band = show(qtbot, MAKERS["decisions"](axis, model, theme))
    areas = show(qtbot, MAKERS["probabilities"](axis, model, theme))
    axis.advance(40.0)
    for panel in (band, areas):
        panel.grab()
        image = pixels(panel._image)

        def colours(
            from_s: float, to_s: float, image: npt.NDArray[np.uint8] = image
        ) -> npt.NDArray[np.uint8]:
            middle = image[image.shape[0] // 2 - 8 : image.shape[0] // 2 + 8]
            part = middle[:, round(axis.x(from_s)) + 1 : round(axis.x(to_s)) - 1]
            return np.unique(part.reshape(-1, 3), axis=0)

        # An emotion is one flat colour (and the grid), doubt and silence are patterns.
        assert len(colours(3, 7)) <= 3
        assert len(colours(10.5, 14)) > 3
        assert len(colours(20, 24)) > 3
        assert len(colours(32, 36)) <= 3
    angry = QColor(swatch("angry").fill(dark=theme.dark))
    found = pixels(band._image)[11, round(axis.x(4.5))]
    assert found.tolist() == [angry.blue(), angry.green(), angry.red()]


def test_the_stack_has_the_heights_of_the_probabilities(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel
) -> None:
    shares = np.array([0.1, 0.3, 0.05, 0.15, 0.2, 0.05, 0.05, 0.1], np.float32)
    for end in range(3 * RATE, 20 * RATE, RATE // 2):
        answer = prediction(end)
        assert answer.probabilities is not None
        answer.probabilities[:] = shares
        model.apply([answer])
    panel = show(qtbot, MAKERS["probabilities"](axis, model, DARK), height=400)
    axis.advance(20.0)
    panel.grab()
    column = pixels(panel._image)[:, round(axis.x(7.0)) + 3].astype(int)
    edges = np.flatnonzero(np.abs(np.diff(column, axis=0)).sum(axis=1) > 12)
    boundaries = (1 - np.cumsum(shares)[:-1]) * 400
    for y in boundaries:
        assert np.abs(edges - y).min() <= 2, (y, edges)


def test_mouse_pans_zooms_and_tells(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.apply(speech(90))
    panel = show(qtbot, MAKERS["probabilities"](axis, model, DARK))
    axis.advance(90.0)
    said: list[str] = []
    monkeypatch.setattr(
        "emolive.ui.timeline.panel.QToolTip.showText", lambda _, text, __: said.append(text)
    )

    def mouse(kind: QMouseEvent.Type, x: int, buttons: Qt.MouseButton) -> None:
        button = Qt.MouseButton.LeftButton if buttons else Qt.MouseButton.NoButton
        where = QPointF(x, 60)
        if kind is QMouseEvent.Type.MouseButtonRelease:
            button, buttons = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        QApplication.sendEvent(
            panel, QMouseEvent(kind, where, where, button, buttons, Qt.KeyboardModifier(0))
        )

    mouse(QMouseEvent.Type.MouseMove, 300, Qt.MouseButton.NoButton)
    assert "%" in said[-1]
    start = axis.start_px
    mouse(QMouseEvent.Type.MouseButtonPress, 300, Qt.MouseButton.LeftButton)
    mouse(QMouseEvent.Type.MouseMove, 360, Qt.MouseButton.LeftButton)
    mouse(QMouseEvent.Type.MouseButtonRelease, 360, Qt.MouseButton.LeftButton)
    assert axis.start_px == start - 60
    assert not axis.follow
    at_s = axis.time_at(200 - MARGIN_LEFT)
    wheel = QWheelEvent(
        QPointF(200, 60),
        QPointF(200, 60),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier(0),
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(panel, wheel)
    assert axis.span_s == pytest.approx(60 * 0.64)
    assert axis.time_at(200 - MARGIN_LEFT) == pytest.approx(at_s, abs=0.2)
    qtbot.mouseDClick(panel, Qt.MouseButton.LeftButton)
    assert axis.follow


@pytest.mark.parametrize("kind", MAKERS)
def test_every_panel_can_say_what_is_under_the_pointer(
    qtbot: QtBot, axis: TimeAxis, model: MonitorModel, kind: str
) -> None:
    model.apply(speech(10))
    panel = show(qtbot, MAKERS[kind](axis, model, LIGHT))
    assert "0:04" in panel.describe(4.2, 0.5)
    assert panel.describe(500.0, 0.5) == ""
