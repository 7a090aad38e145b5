"""Keys of labels: none is without its name where there is room for it in lines."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from emolive.ui.sessions.label_keys import LabelKeys
from emolive.ui.theme import LIGHT


def test_long_names_go_on_in_further_lines(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    keys = LabelKeys(LIGHT, window, in_lines=True)
    QVBoxLayout(window).addWidget(keys)
    window.setFixedWidth(500)
    keys.set_labels([f"says at length that it is number {i}" for i in range(1, 10)])
    keys.setMinimumHeight(keys.heightForWidth(470))
    window.show()
    qtbot.waitExposed(window)
    placed = [key.geometry() for key in keys._keys]
    assert len({rect.top() for rect in placed}) > 2
    for key, rect in zip(keys._keys, placed, strict=True):
        assert rect.width() >= key.sizeHint().width()
        assert QRect(0, 0, keys.width(), keys.height()).contains(rect)
    assert not any(a.intersects(b) for i, a in enumerate(placed) for b in placed[:i])
    keys.set_labels(["yes", "no"])
    qtbot.waitUntil(lambda: keys._keys[1].x() > keys._keys[0].x())
    assert keys.heightForWidth(470) < 40
