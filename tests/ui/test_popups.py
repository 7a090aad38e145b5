"""Pop-ups of every kind have the app's own frame, in both themes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QCursor, QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QCompleter,
    QFrame,
    QLabel,
    QLineEdit,
    QMenu,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from emolive.ui import theme
from emolive.ui.popups import dress_suggestions
from emolive.ui.settings.form import Choice


def combo_list(root: QWidget) -> QWidget:
    box = Choice("Theme", [("Light", 1), ("Dark", 2)], root)
    box.show()
    box.showPopup()
    return box.view().window()


def menu(root: QWidget) -> QWidget:
    made = QMenu(root)
    made.addAction("Open")
    made.popup(QPoint(0, 0))
    return made


def suggestions(root: QWidget) -> QWidget:
    field = QLineEdit(root)
    field.show()
    completer = QCompleter(["practice", "pilot"], field)
    dress_suggestions(completer)
    field.setCompleter(completer)
    completer.setCompletionPrefix("p")
    completer.complete()
    popup = completer.popup()
    assert popup is not None
    return popup


def tip(root: QWidget) -> QWidget:
    QToolTip.showText(QPoint(5, 5), "Short", root)
    return shown_tip()


def shown_tip() -> QLabel:
    tips = (w for w in QApplication.topLevelWidgets() if w.inherits("QTipLabel"))
    found = next(one for one in tips if one.isVisible())
    assert isinstance(found, QLabel)
    return found


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("make", [combo_list, menu, suggestions, tip])
def test_a_pop_up_has_the_apps_frame(
    qtbot: QtBot, qapp: QApplication, make: Callable[[QWidget], QWidget], look: theme.Theme
) -> None:
    theme.apply(qapp, look)
    root = QWidget()
    qtbot.addWidget(root)
    root.resize(300, 200)
    root.show()
    qtbot.waitExposed(root)
    qapp.processEvents()
    popup = make(root)
    qapp.processEvents()
    assert popup.isVisible()
    assert popup.windowFlags() & Qt.WindowType.FramelessWindowHint
    if isinstance(popup, QFrame) and not isinstance(popup, QLabel):
        assert popup.frameShape() == QFrame.Shape.NoFrame
    picture = popup.grab().toImage()
    corner = QPoint(0, 0)
    cut = not popup.mask().isEmpty() and not popup.mask().contains(corner)
    assert cut or picture.pixelColor(corner).alpha() < 40, "the corner is round"
    middle = picture.pixelColor(popup.width() - 14, popup.height() // 2)
    wanted = {QColor(look.surface).name(), QColor(look.info_tint).name()}
    assert middle.name() in wanted
    popup.hide()


def test_a_long_tip_has_several_lines(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp, theme.LIGHT)
    root = QWidget()
    qtbot.addWidget(root)
    root.setToolTip("Words & more words, " * 20)
    root.show()
    qtbot.waitExposed(root)
    qapp.processEvents()
    qapp.sendEvent(root, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5)))
    label = shown_tip()
    assert "&amp;" in label.text()
    assert label.width() < 700
    assert label.height() > 3 * label.fontMetrics().height()
    QToolTip.hideText()
    label.hide()


@pytest.mark.parametrize("corner", ["topLeft", "topRight", "bottomLeft", "bottomRight"])
def test_a_long_tip_is_whole_on_the_screen_wherever_it_is_asked_for(
    qtbot: QtBot, qapp: QApplication, corner: str
) -> None:
    theme.apply(qapp, theme.LIGHT)
    root = QWidget()
    qtbot.addWidget(root)
    root.show()
    qtbot.waitExposed(root)
    screen = root.screen().geometry()
    pointer = getattr(screen, corner)()
    QCursor.setPos(pointer)
    QToolTip.showText(pointer, "Short", root)
    # The tip that is there already is used again.
    for text in ("Words and more words, " * 20, "Other words, which are many, too, " * 12):
        QToolTip.showText(pointer, text, root)
        label = shown_tip()
        assert label.height() > 3 * label.fontMetrics().height()
        assert screen.contains(label.geometry()), (label.geometry(), screen)
        assert not label.geometry().contains(pointer)
    QToolTip.hideText()
    label.hide()
