"""Menus, lists, suggestions and tips without the system's frame: round corners, the app's colours.

Qt gives such windows a frame of its own and square corners behind what the style sheet rounds. One
filter on the application takes both away, from every pop-up there is.
"""

from __future__ import annotations

from html import escape
from typing import cast

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent, QPainterPath, QRegion
from PySide6.QtWidgets import QApplication, QCompleter, QFrame, QMenu, QToolTip, QWidget

POPUP_RADIUS = 8
# Longer tips are broken into lines, which Qt does for rich text alone.
_ONE_LINE = 70
_TIP = "QTipLabel"
_LIST = "QComboBoxPrivateContainer"
_SUGGESTIONS = "suggestions"
# Every event of the application passes the filter: what it does not look at is told at once.
_TOOL_TIP, _POLISH = QEvent.Type.ToolTip, QEvent.Type.Polish
_LOOKED_AT = (_POLISH, QEvent.Type.Show, QEvent.Type.Resize, _TOOL_TIP)


class PopupDresser(QObject):
    """Dresses each pop-up before it is shown for the first time."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at what is polished, what is shown, and what has a tip."""
        kind = event.type()
        if kind not in _LOOKED_AT or not isinstance(watched, QWidget):
            return False
        if kind is _TOOL_TIP:
            return _show_long(watched, cast(QHelpEvent, event))
        if not _is_popup(watched):
            return False
        if kind is _POLISH:
            self._undress(watched)
        elif _is_opaque(watched):
            _cut_corners(watched)
        return False

    def _undress(self, popup: QWidget) -> None:
        popup.setWindowFlag(Qt.WindowType.FramelessWindowHint, True)
        popup.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint, True)
        popup.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, not _is_opaque(popup))
        if isinstance(popup, QFrame) and not popup.inherits(_TIP):
            popup.setFrameShape(QFrame.Shape.NoFrame)


def dress_popups(app: QApplication) -> None:
    """Dress all pop-ups of the application from now on; again and again is the same as once."""
    if app.findChild(PopupDresser) is None:
        app.installEventFilter(PopupDresser(app))


def _is_popup(widget: QWidget) -> bool:
    if isinstance(widget, QMenu) or widget.inherits(_TIP) or widget.inherits(_LIST):
        return True
    return widget.isWindow() and widget.objectName() == _SUGGESTIONS


def dress_suggestions(completer: QCompleter) -> None:
    """Give a field's suggestions the look of the other lists."""
    if (popup := completer.popup()) is not None:
        popup.setObjectName(_SUGGESTIONS)


def _show_long(widget: QWidget, event: QHelpEvent) -> bool:
    """Show a tip that is too long for one line; whether it was shown."""
    text = widget.toolTip()
    if len(text) <= _ONE_LINE or "<" in text:
        return False
    QToolTip.showText(event.globalPos(), f"<qt>{escape(text)}</qt>", widget)
    return True


def _is_opaque(popup: QWidget) -> bool:
    """Whether its corners have to be cut off.

    A view paints all of itself, and under X without a compositor what is see-through is black.
    """
    return popup.objectName() == _SUGGESTIONS or QGuiApplication.platformName() == "xcb"


def _cut_corners(popup: QWidget) -> None:
    path = QPainterPath()
    path.addRoundedRect(QRectF(popup.rect()), POPUP_RADIUS, POPUP_RADIUS)
    popup.setMask(QRegion(path.toFillPolygon().toPolygon()))
