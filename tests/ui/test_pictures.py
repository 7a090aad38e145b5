"""Pictures of screens hold what a person sees, whatever the screen's scale."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_LOOK = """
import json
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from tests.ui.picture_file import picture_of

app = QApplication([])
window = QWidget()
window.setStyleSheet("background: #ffffff")
window.resize(400, 300)
window.show()
dialog = QDialog(window, styleSheet="background: #ff0000")
dialog.setFixedSize(200, 100)
dialog.open()
image = picture_of(window).toImage()
scale = image.devicePixelRatio()
edges = [(101, 101), (298, 198), (98, 101), (101, 98), (301, 198), (298, 201)]
print(json.dumps([image.pixelColor(int(x * scale), int(y * scale)).name() for x, y in edges]))
"""


@pytest.mark.parametrize("scale", ["1", "1.25", "2"])
def test_a_dialog_is_in_the_middle_at_any_scale(scale: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOOK],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale},
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert json.loads(done.stdout) == ["#ff0000"] * 2 + ["#ffffff"] * 4
