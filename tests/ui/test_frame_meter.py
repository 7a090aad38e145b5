"""The frame meter counts what it is told, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emolive.types import EngineState
from emolive.ui.bridge import FrameMeter
from emolive.ui.main_window import MainWindow
from tests.ui import feed


def clock_of(times: list[float]) -> Iterator[float]:
    yield from times


def test_rates_and_costs_are_those_of_the_last_frames() -> None:
    times: list[float] = []
    for frame in range(40):
        slow = frame < 20  # forgotten by then
        begin = frame * (0.1 if slow else 0.04) + (0.0 if slow else 1.2)
        times += [begin, begin + (0.05 if slow else 0.010)]
    ticks = clock_of(times)
    meter = FrameMeter(capacity=20, clock=lambda: next(ticks))
    assert meter.stats() is None
    for _ in range(40):
        meter.begin()
        meter.end()
    stats = meter.stats()
    assert stats is not None
    assert stats.frames == 20
    assert stats.fps == pytest.approx(25.0)
    assert stats.interval_p95_ms == pytest.approx(40.0)
    assert stats.work_p95_ms == pytest.approx(10.0)
    meter.reset()
    assert meter.stats() is None


def test_f12_shows_the_real_frame_rate(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    runs.run.inbox.put(feed.status(EngineState.RUNNING), feed.block(0, feed.RATE))
    assert window.frames.isHidden()
    qtbot.keyClick(window, Qt.Key.Key_F12)
    qtbot.waitUntil(lambda: "fps" in window.frames.text(), timeout=5000)
    assert window.frames.isVisible()
    stats = window.runner.bridge.meter.stats()
    assert stats is not None
    assert stats.work_p95_ms > 0
    assert window.rect().contains(window.frames.geometry())
    qtbot.keyClick(window, Qt.Key.Key_F12)
    assert window.frames.isHidden()
