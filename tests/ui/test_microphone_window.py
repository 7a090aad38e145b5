"""The window on a real sound card that is pulled out and plugged in again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot

from emolive import resources
from emolive.monitoring import RunSettings
from emolive.types import EngineState
from emolive.ui.main_window import MainWindow
from emolive.ui.runs import Runs
from tests.models import tiny_model
from tests.pulse import PulseServer
from tests.ui import feed

pytestmark = pytest.mark.portaudio


@pytest.fixture
def sound_card(pulse: PulseServer) -> Iterator[PulseServer]:
    with pulse.in_this_process():
        yield pulse


def test_a_microphone_is_heard_lost_and_found_again(
    qtbot: QtBot, sound_card: PulseServer, tmp_path: Path
) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    soundfile.write(tmp_path / "speech.wav", np.tile(samples, 3), rate)
    window = MainWindow(Runs(RunSettings(tmp_path / "tiny.onnx", "cpu")), feed.preferences("dark"))
    qtbot.addWidget(window)
    window.show()
    picker = window.live.header.picker
    qtbot.waitUntil(lambda: picker.currentText().startswith("System default ("), timeout=10_000)
    player = sound_card.play(tmp_path / "speech.wav")
    try:
        window.live.start()
        qtbot.waitUntil(lambda: window.runner.state is EngineState.RUNNING, timeout=20_000)
        model = window.runner.model
        assert model is not None
        qtbot.waitUntil(
            lambda: len(model.streams["mono"].decisions.rows(0, 60)) >= 2, timeout=20_000
        )
        heard = model.streams["mono"].levels.cells(0, 40)[0]
        assert np.nanmax(heard) > -30

        sound_card.stop()
        qtbot.waitUntil(lambda: window.runner.state is EngineState.RECONNECTING, timeout=20_000)
        assert window.banner.message is not None
        assert window.banner.message.text.startswith("Reconnecting: ")
        assert window.live.present.cards[0].text.headline == "No input"
        lost_s = model.end_s

        sound_card.start()
        qtbot.waitUntil(lambda: window.runner.state is EngineState.RUNNING, timeout=30_000)
        assert not window.banner.isVisible()
        qtbot.waitUntil(lambda: model.end_s > lost_s + 1.0, timeout=10_000)
        gap = model.streams["mono"].levels.cells(round(lost_s * 10) + 2, round(lost_s * 10) + 5)
        assert np.isnan(gap[0]).all(), "nothing was heard while it was away"
    finally:
        player.kill()
        player.wait(60)
        window.close()
