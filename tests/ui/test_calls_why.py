"""Why, in a call: from a click or a key to an explanation, while it runs and once it is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from emolive.ui.calls.page import CallsPage
from emolive.ui.calls.timelines import SpeechLane
from tests.ui import call_scenes, feed
from tests.ui.test_calls_page import opened_page, running

pytest.importorskip("parselmouth", reason="needs the extra `cues`")


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[CallsPage]:
    preferences = feed.preferences("dark", model={"file": tmp_path / "tiny.onnx"})
    with opened_page(qtbot, preferences, tmp_path) as made:
        yield made


def opened(page: CallsPage, qtbot: QtBot, call: Path, seconds: float) -> None:
    """A call that was started and opened, with some seconds of the customer's decisions."""
    page.start([call_scenes.stereo_call(call, seconds)])
    qtbot.waitUntil(lambda: running(page), timeout=60_000)
    (model,) = page.controller.models
    page.open_call(model.info.id)
    customer = model.streams["customer"].decisions
    qtbot.waitUntil(
        lambda: bool(customer.rows(0, 60).probabilities.any(axis=1).sum() > 4), timeout=60_000
    )
    page.tick()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow, timeout=5_000)


def spoken_s(page: CallsPage) -> float:
    """When the customer was last classified."""
    rows = page.controller.models[0].streams["customer"].decisions.rows(0, 60)
    return float(rows.centre_s[rows.probabilities.any(axis=1)][-1])


def test_a_click_and_the_keys_explain_a_call_that_runs_and_that_ended(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    opened(page, qtbot, tmp_path / "talk.wav", 14)
    view = page.call
    panel = next(iter(view.timelines._inferred["customer"]))
    axis = view.timelines.axis
    x = panel.plot.left() + axis.x(spoken_s(page)) / panel.devicePixelRatioF()
    point = panel.plot.center()
    point.setX(round(x))
    clicked = axis.time_at((point.x() - panel.plot.left()) * panel.devicePixelRatioF())
    qtbot.mouseClick(panel, Qt.MouseButton.LeftButton, pos=point)
    assert view.drawer.isVisible()
    qtbot.waitUntil(lambda: bool(view.drawer.decisive.text()), timeout=30_000)
    assert "in this window" in view.drawer.decisive.text()
    assert axis.chosen_s == pytest.approx(clicked, abs=0.6)
    assert view._side.isHidden(), "in a small window it takes the numbers' place"
    before = view.why.chosen_s
    QTest.keyClick(view.back, Qt.Key.Key_Comma)
    assert before is not None
    assert view.why.chosen_s == pytest.approx(before - 0.5, abs=0.01)
    QTest.keyClick(view.back, Qt.Key.Key_Escape)
    assert view.drawer.isHidden()
    assert page.stack.currentIndex() == 1, "the first Esc was the drawer's"
    assert not view._side.isHidden()
    # It is over, and nobody recorded it: what is in memory still tells why.
    (model,) = page.controller.models
    qtbot.waitUntil(lambda: model.over, timeout=60_000)
    page.tick()
    view.why.explain(spoken_s(page))
    qtbot.waitUntil(lambda: bool(view.drawer.decisive.text()), timeout=30_000)
    view.why.close_drawer()
    QTest.keyClick(view.back, Qt.Key.Key_W)
    assert view.drawer.isVisible(), "W asks about the newest decision"
    page.show_wall()
    assert view.drawer.isHidden()


def test_an_agent_without_permission_has_no_why_and_a_thin_lane(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    opened(page, qtbot, tmp_path / "talk.wav", 30)
    view = page.call
    (lane,) = [p for p in view.timelines.panels if isinstance(p, SpeechLane)]
    assert lane is view.timelines.panels[-1]
    assert lane.height() <= 36
    assert "agent" in lane.caption
    qtbot.mouseClick(lane, Qt.MouseButton.LeftButton, pos=lane.plot.center())
    assert view.drawer.isHidden()
    assert [stream.name for stream in page.controller.models[0].inferred] == ["customer"]
    spans = lane.spoken(0, view.timelines.axis.width)
    assert spans, "it says when the agent speaks"


def test_without_kept_sound_the_way_out_is_named(qtbot: QtBot, tmp_path: Path) -> None:
    preferences = feed.preferences(
        "dark", model={"file": tmp_path / "tiny.onnx"}, privacy={"keep_minutes": 0}
    )
    with opened_page(qtbot, preferences, tmp_path) as page:
        opened(page, qtbot, tmp_path / "talk.wav", 30)
        page.call.why.explain(spoken_s(page))
        assert "settings under Privacy" in page.call.drawer.problem.text()
