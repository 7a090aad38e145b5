"""Controls that several pages use."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from emolive.ui.controls import ElidedLabel

TEXT = "stereo recording, agent left, customer right"


def test_a_line_is_shortened_to_its_room_and_its_tip_says_it_all(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    line = ElidedLabel(window, "caption")
    layout = QHBoxLayout(window)
    layout.addWidget(line)
    line.show_whole(TEXT)
    window.resize(120, 40)
    window.show()
    qtbot.waitUntil(lambda: line.text().endswith("…"))
    assert TEXT.startswith(line.text()[:-1].rstrip())
    assert line.fontMetrics().horizontalAdvance(line.text()) <= line.width()
    assert line.toolTip() == line.accessibleName() == TEXT
    window.resize(900, 40)
    qtbot.waitUntil(lambda: line.text() == TEXT)
