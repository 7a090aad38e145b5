"""What goes wrong in the middle of a run is told in the window, and the run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from emolive.monitoring import RunSettings
from emolive.types import EngineState
from emolive.ui.live.sources import DEMO
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Action, Severity
from emolive.ui.runs import Runs
from tests.models import LABELS, tiny_model
from tests.ui import feed

ANGRY = [6.0 if label == "angry" else 0.0 for label in LABELS]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tiny model that always hears anger."""
    tiny_model(tmp_path / "tiny.onnx", bias=ANGRY)
    return tmp_path / "tiny.onnx"


def opened(qtbot: QtBot, settings: RunSettings) -> MainWindow:
    made = MainWindow(Runs(settings), feed.preferences("dark"), lister=lambda: ())
    qtbot.addWidget(made)
    made.show()
    made.play(DEMO)
    qtbot.waitUntil(lambda: made.runner.state is EngineState.RUNNING, timeout=20_000)
    return made


def answers(window: MainWindow) -> int:
    assert window.runner.model is not None
    streams = window.runner.model.streams
    return streams["mono"].decisions.count if "mono" in streams else 0


def test_a_lost_graphics_card_is_told_and_the_cpu_goes_on(
    qtbot: QtBot, model: Path, card: list[bool]
) -> None:
    window = opened(qtbot, RunSettings(model))
    qtbot.waitUntil(lambda: answers(window) > 1, timeout=20_000)
    assert window.live.header.health.details.provider.value.text() == "CUDA"
    card[0] = True
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=20_000)
    assert window.banner.message is not None
    assert window.banner.message.severity is Severity.WARNING
    assert window.banner.message.text.startswith("CUDA stopped working, so the model runs on the")
    assert window.live.header.health.details.provider.value.text() == "CPU"
    before = answers(window)
    qtbot.waitUntil(lambda: answers(window) > before + 1, timeout=20_000)
    assert window.runner.state is EngineState.RUNNING
    # The next run tries the card anew.
    card[0] = False
    window.runner.stop()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED, timeout=20_000)
    window.play(DEMO)
    qtbot.waitUntil(
        lambda: window.live.header.health.details.provider.value.text() == "CUDA", timeout=20_000
    )
    assert window.banner.message is None
    window.close()


RULES = """
version = 1
[[rule]]
name = "Anger"
kind = "emotion"
emotions = ["angry"]
probability = 0.5
for_s = 1.0
cool_down_s = 1.0
severity = "critical"
"""


def test_an_alert_is_told_while_it_holds(qtbot: QtBot, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    window = opened(qtbot, RunSettings(model, "cpu", rules=path, library=tmp_path / "library"))
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=30_000)
    assert window.banner.message is not None
    assert window.banner.message.severity is Severity.ERROR
    assert window.banner.message.text.startswith("Anger: ")
    window.close()


def test_rules_that_cannot_be_used_stop_nothing_else(
    qtbot: QtBot, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rule]]\nname = 3")
    window = opened(qtbot, RunSettings(model, "cpu", rules=path))
    assert window.banner.message is not None
    assert "rules.toml" in window.banner.message.text
    assert window.banner.message.action is Action.SETTINGS
    text = window.banner.message.text
    window.banner.close_button.click()
    assert window.banner.message is None
    assert window.live.header.rules.isVisible(), "closing the banner mends nothing"
    assert window.live.header.rules.toolTip() == text
    window.begin_anew("rules")
    window.runner._tell_rules(window.runner.run)
    window.banner.action.click()
    assert window.settings_page.isVisible()
    window.close()
