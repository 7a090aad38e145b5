"""Files and folders become sessions from the window, beside what is heard live."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive import resources
from emolive.session.library import Library
from emolive.types import EngineState
from emolive.ui.analysis_flow import AnalyseDialog
from emolive.ui.live.sources import DEMO
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Action
from tests.models import tiny_model
from tests.ui import feed


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    folder.mkdir()
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), frames=8 * 16_000)
    soundfile.write(folder / "one.wav", samples, rate)
    shutil.copy(folder / "one.wav", folder / "two.wav")
    (folder / "bad.wav").write_bytes(b"nothing")
    return folder


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    from emolive.monitoring import RunSettings
    from emolive.ui.runs import Runs

    tiny_model(tmp_path / "tiny.onnx")
    preferences = feed.preferences(
        "dark", model={"file": tmp_path / "tiny.onnx"}, recording={"library": tmp_path / "library"}
    )
    runs = Runs(RunSettings(tmp_path / "tiny.onnx", "cpu", 0.5))
    made = MainWindow(runs, preferences, lister=lambda: ())
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.library_controller.settings is not None, timeout=10_000)
    yield made
    made.close()


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(
        QDropEvent(
            QPoint(300, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip


def asked(qtbot: QtBot) -> AnalyseDialog:
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), AnalyseDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, AnalyseDialog)
    return dialog


def test_a_dropped_folder_becomes_sessions_while_the_demo_runs(
    qtbot: QtBot, window: MainWindow, talks: Path, tmp_path: Path
) -> None:
    window.play(DEMO)
    qtbot.waitUntil(lambda: window.runner.state is EngineState.RUNNING, timeout=20_000)
    drop(window, talks)
    dialog = asked(qtbot)
    qtbot.waitUntil(dialog.begin.isEnabled, timeout=10_000)
    assert dialog.found.text().startswith("3 files")
    qtbot.mouseClick(dialog.begin, Qt.MouseButton.LeftButton)
    assert window.analysis.bar.isVisible()
    with qtbot.waitSignal(window.analysis.analysing.ended, timeout=90_000):
        pass
    assert not window.analysis.bar.isVisible()
    message = window.banner.message
    assert message is not None
    assert message.text.startswith("2 sessions were made. 1 file failed:")
    assert "bad.wav" in message.text
    assert message.action is Action.RESULTS
    with Library.open(tmp_path / "library") as library:
        assert sorted(info.title for info in library.sessions()) == ["one", "two"]
    qtbot.mouseClick(window.banner.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.sessions.results.model.rowCount() == 2, timeout=10_000)
    assert window.sessions.results.isVisible()


def test_stopping_keeps_nothing_half(
    qtbot: QtBot, window: MainWindow, talks: Path, tmp_path: Path
) -> None:
    qtbot.keyClick(
        window,
        Qt.Key.Key_O,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    dialog = asked(qtbot)
    assert not dialog.begin.isEnabled()
    dialog.look([talks / "one.wav"])
    qtbot.waitUntil(dialog.begin.isEnabled, timeout=10_000)
    qtbot.mouseClick(dialog.begin, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(window.analysis.analysing.ended, timeout=60_000):
        qtbot.mouseClick(window.analysis.bar.stop, Qt.MouseButton.LeftButton)
    with Library.open(tmp_path / "library") as library:
        assert len(library.sessions()) <= 1
        assert not library.recovered
