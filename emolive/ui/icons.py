"""Small line icons, drawn in the theme's colours."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZE = 18
_SHAPES = {
    "start": '<path d="M6 4.2 L14.5 9 L6 13.8 Z" fill="{c}" stroke-linejoin="round"/>',
    "stop": '<rect x="4.5" y="4.5" width="9" height="9" rx="1.5" fill="{c}"/>',
    "refresh": '<path d="M14 9a5 5 0 1 1-1.6-3.7M14.2 2.6v3.2h-3.2" fill="none"/>',
    "close": '<path d="M5 5 L13 13 M13 5 L5 13" fill="none"/>',
    "info": '<circle cx="9" cy="9" r="6.5" fill="none"/><path d="M9 8.2v4M9 5.6v.4" fill="none"/>',
    "warning": '<path d="M9 2.8 L16 14.8 H2 Z" fill="none"/><path d="M9 7.2v3.4M9 12.5v.4"/>',
    "error": '<circle cx="9" cy="9" r="6.5" fill="none"/><path d="M6.8 6.8l4.4 4.4M11.2 6.8l-4.4 '
    '4.4" fill="none"/>',
}


def pixmap(name: str, colour: str, ratio: float = 2.0) -> QPixmap:
    """An icon of 18 units, drawn for a screen of `ratio` device pixels per unit."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18" stroke="{colour}" '
        f'stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">'
        f"{_SHAPES[name].format(c=colour)}</svg>"
    )
    image = QPixmap(QSize(round(_SIZE * ratio), round(_SIZE * ratio)))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def icon(name: str, colour: str) -> QIcon:
    """The same as an icon for a button."""
    return QIcon(pixmap(name, colour))
