"""What Qt and its slots have to complain about ends in the log."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import qCritical, qDebug, qWarning
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from emolive.logs import LogLevel, log_to, nothing_unseen
from emolive.ui.qt_messages import qt_messages_logged
from tests.conftest import REPOSITORY


def test_qt_speaks_to_the_log_and_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    with log_to(file, LogLevel.INFO), qt_messages_logged():
        qWarning("QFile::open: /home/anna/my call.wav is 'Anna.wav' at https://example.org/x?y=z")
        qCritical("no\nplugin \x1b[2J")
        qDebug("of no interest")
        for _ in range(250):
            qWarning("the same")
        for number in range(300):
            qWarning(f"other {number}")
        other = threading.Thread(target=qWarning, args=("from another thread",))
        other.start()
        other.join()
    with log_to(file):
        qWarning("afterwards")
    lines = file.read_text("utf-8").splitlines()
    text = "\n".join(lines)
    assert "WARNING emolive.ui.qt_messages" in lines[0]
    assert "Qt, default: QFile::open: …" in lines[0]
    assert not any(word in text for word in ("anna", "Anna", "example.org", "\x1b", "interest"))
    assert "ERROR emolive.ui.qt_messages" in lines[1]
    assert [line.rpartition("the same")[2] for line in lines if "the same" in line] == [
        "", " (10 times)", " (100 times)",
    ]  # fmt: skip
    assert len(lines) < 220
    assert "and more" in text
    assert "afterwards" not in text


@pytest.mark.qt_no_exception_capture
def test_an_exception_in_a_slot_is_in_the_log_with_its_traceback(
    qtbot: QtBot, tmp_path: Path
) -> None:
    def fails() -> None:
        raise ValueError("Anna is angry")

    button = QPushButton()
    qtbot.addWidget(button)
    button.clicked.connect(fails)
    told: list[str] = []
    file = tmp_path / "a.log"
    with log_to(file), nothing_unseen(told.append):
        button.click()
    text = file.read_text("utf-8")
    assert "CRITICAL emolive.logs" in text
    assert " in fails\nValueError" in text.replace("builtins.", "")
    assert "Anna" not in text
    assert len(told) == 1


_SCRIPT = """
import sys
from PySide6.QtCore import QTimer, qWarning
from emolive.ui import app, main_window

def fails():
    raise RuntimeError("in a slot")

class Window(main_window.MainWindow):
    def showEvent(self, event):
        super().showEvent(event)
        QTimer.singleShot(0, fails)
        QTimer.singleShot(0, lambda: qWarning("Qt is not content"))
        QTimer.singleShot(50, self.close)

main_window.MainWindow = Window
sys.exit(app.main([]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere other variables name the folders")
def test_the_app_keeps_both_in_its_own_log(tmp_path: Path) -> None:
    folders = {
        name: str(tmp_path / name)
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME")
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env={**os.environ, **folders, "QT_QPA_PLATFORM": "offscreen"},
        cwd=REPOSITORY, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not content" not in done.stderr
    (log,) = tmp_path.rglob("emolive.log")
    text = log.read_text("utf-8")
    assert "Qt, default: Qt is not content" in text
    assert " in fails" in text
    assert "RuntimeError" in text
    assert "The app is closed" in text
