"""Files and the demo are heard from the window, and analysed as if they were not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emolive import resources
from emolive.audio.output import OutputDevice
from emolive.monitoring import RunSettings
from emolive.types import EngineState
from emolive.ui.live.sources import DEFAULT_INPUT, DEMO, file_choice
from emolive.ui.main_window import MainWindow
from emolive.ui.runs import Runs
from emolive.ui.sound_controls import OutputChoice
from tests.models import tiny_model
from tests.monitoring.test_listening import Ear
from tests.pulse import SINK, PulseServer
from tests.ui import feed

OTHER = "emolive_other"


@pytest.fixture
def sound_card(pulse: PulseServer) -> Iterator[PulseServer]:
    pulse.add_sink(OTHER)
    with pulse.in_this_process():
        yield pulse


def heard_window(qtbot: QtBot, tmp_path: Path, **sound: object) -> MainWindow:
    tiny_model(tmp_path / "tiny.onnx")
    runs = Runs(RunSettings(tmp_path / "tiny.onnx", "cpu", 0.5))
    preferences = feed.preferences(
        "dark", model={"file": tmp_path / "tiny.onnx"}, sound={"muted": False, **sound}
    )
    window = MainWindow(runs, preferences, lister=lambda: ())
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def loudness(ear: Ear, last_s: float) -> float:
    heard = ear.heard[-round(last_s * 16_000) :]
    return float(np.abs(heard).max()) if len(heard) else 0.0


@pytest.mark.portaudio
def test_a_file_is_heard_muted_and_heard_elsewhere_and_no_window_is_lost(
    qtbot: QtBot,
    sound_card: PulseServer,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), frames=30 * 16_000)
    path = tmp_path / "talk.wav"
    # Without its pauses, so that what is not heard is a fault.
    loud = samples[np.convolve(np.abs(samples), np.ones(1600), "same") > 5]
    soundfile.write(path, loud, rate)
    window = heard_window(qtbot, tmp_path)
    with Ear(SINK) as usual, Ear(OTHER) as other:
        window.play(file_choice(path))
        qtbot.waitUntil(lambda: loudness(usual, 0.5) > 0.02, timeout=20_000)
        assert window.live.header.sound.accessibleName() == "Sound: on"
        qtbot.keyClick(window, Qt.Key.Key_M)
        assert window.live.header.sound.accessibleName() == "Sound: off"
        qtbot.waitUntil(lambda: loudness(usual, 0.5) == 0.0, timeout=10_000)
        window.preferences.change("sound", output=f"pulse:{OTHER}")
        qtbot.keyClick(window, Qt.Key.Key_M)
        qtbot.waitUntil(lambda: loudness(other, 0.5) > 0.02, timeout=10_000)
        assert loudness(usual, 0.5) == 0.0
        model = window.runner.model
        assert model is not None
        status = window.runner.state
        assert status is EngineState.RUNNING
        assert window.live.header.health.details.skipped.value.text() in ("0", "–")
        window.runner.stop()
        qtbot.waitUntil(lambda: loudness(other, 0.3) == 0.0, timeout=10_000)
    window.close()


@pytest.mark.portaudio
def test_without_an_output_the_button_says_why_and_the_demo_goes_on(
    qtbot: QtBot,
    sound_card: PulseServer,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    window = heard_window(qtbot, tmp_path, output="pulse:unplugged")
    window.play(DEMO)
    button = window.live.header.sound
    qtbot.waitUntil(lambda: "unplugged" in button.toolTip(), timeout=20_000)
    assert window.runner.state is EngineState.RUNNING
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.sound.popup.isVisible()
    assert "unplugged" in window.sound.popup.problem.text()
    assert "unplugged" in window.sound.popup.output.currentText()
    qtbot.waitUntil(lambda: window.sound.popup.output.findData(None) is not None and
                    window.sound.popup.output.count() == 4, timeout=10_000)  # fmt: skip
    window.sound.popup.hide()
    window.close()


def test_a_microphone_is_not_played_back(qtbot: QtBot, window: MainWindow) -> None:
    window.live.header.select(DEFAULT_INPUT)
    assert not window.live.header.sound.isEnabled()
    before = window.preferences.effective.sound.muted
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert window.preferences.effective.sound.muted == before
    window.live.header.select(DEMO)
    assert window.live.header.sound.isEnabled()


def test_volume_and_output_are_kept(qtbot: QtBot, window: MainWindow) -> None:
    outputs = [OutputDevice("a", "Headset", True), OutputDevice("b", "Loudspeaker")]
    choice = OutputChoice(window.preferences, window, lambda: outputs)
    choice.look()
    qtbot.waitUntil(lambda: choice.count() == 3)
    assert choice.itemText(0) == "System default (Headset)"
    choice.setCurrentIndex(2)
    choice.activated.emit(2)
    window.sound.popup.volume.setValue(35)
    sound = window.preferences.settings.sound
    assert (sound.output, sound.volume) == ("b", 0.35)
    assert window.settings_page.sound.volume.value() == 35
    choice.end(60.0)
