"""Menus, lists, suggestions and tips without the system's frame: round corners, the app's colours.

Qt gives such windows a frame of its own and square corners behind what the style sheet rounds. The
application's style takes both away, from every pop-up there is. (A filter on the application would
see each of its events, a quarter of all that the window computes.)
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QPainterPath, QPalette, QRegion
from PySide6.QtWidgets import QApplication, QCompleter, QFrame, QLabel, QMenu, QProxyStyle, QWidget

POPUP_RADIUS = 8
# Longer tips are broken into lines, which Qt does for rich text alone.
_ONE_LINE = 70
_TIP = "QTipLabel"
_LIST = "QComboBoxPrivateContainer"
_SUGGESTIONS = "suggestions"
_BESIDE_POINTER = 2


class AppStyle(QProxyStyle):
    """Fusion, with pop-ups that are dressed before they are shown for the first time."""

    def __init__(self) -> None:
        super().__init__("Fusion")
        self._dresser = _Dresser(self)

    def polish(self, what: QWidget | QApplication | QPalette) -> None:  # type: ignore[override]
        """Take the frame from a pop-up, and look at it again when it is shown or resized."""
        super().polish(what)
        if isinstance(what, QWidget) and _is_popup(what):
            _undress(what)
            what.installEventFilter(self._dresser)


class _Dresser(QObject):
    """Breaks long tips into lines, and cuts the corners that would not be round otherwise."""

    def eventFilter(self, popup: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.Show, QEvent.Type.Resize) and isinstance(popup, QWidget):
            if isinstance(popup, QLabel):
                _break_into_lines(popup)
            if _is_opaque(popup):
                _cut_corners(popup)
        return False


def dress_suggestions(completer: QCompleter) -> None:
    """Give a field's suggestions the look of the other lists."""
    if (popup := completer.popup()) is not None:
        popup.setObjectName(_SUGGESTIONS)


def _is_popup(widget: QWidget) -> bool:
    if isinstance(widget, QMenu) or widget.inherits(_TIP) or widget.inherits(_LIST):
        return True
    return widget.isWindow() and widget.objectName() == _SUGGESTIONS


def _undress(popup: QWidget) -> None:
    popup.setWindowFlag(Qt.WindowType.FramelessWindowHint, True)
    popup.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint, True)
    popup.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, not _is_opaque(popup))
    if isinstance(popup, QFrame) and not popup.inherits(_TIP):
        popup.setFrameShape(QFrame.Shape.NoFrame)


def _break_into_lines(tip: QLabel) -> None:
    """Make a long tip narrower and higher, still beside the pointer and on its screen."""
    if len(text := tip.text()) <= _ONE_LINE or "<" in text:
        return
    before, pointer = tip.geometry(), QCursor.pos()
    tip.setText(f"<qt>{escape(text)}</qt>")
    tip.setWordWrap(True)
    size, screen = tip.sizeHint(), tip.screen().geometry()
    tip.resize(size)
    left = min(pointer.x() + _BESIDE_POINTER, screen.right() - size.width())
    top = before.top()
    if top < pointer.y():  # it stands above, where it has to end
        top = before.bottom() - size.height()
    elif top + size.height() > screen.bottom():
        top = pointer.y() - size.height()
    tip.move(QPoint(max(before.left(), left), max(top, screen.top())))


def _is_opaque(popup: QWidget) -> bool:
    """Whether its corners have to be cut off.

    A view paints all of itself, and under X without a compositor what is see-through is black.
    """
    return popup.objectName() == _SUGGESTIONS or QGuiApplication.platformName() == "xcb"


def _cut_corners(popup: QWidget) -> None:
    path = QPainterPath()
    path.addRoundedRect(QRectF(popup.rect()), POPUP_RADIUS, POPUP_RADIUS)
    popup.setMask(QRegion(path.toFillPolygon().toPolygon()))
