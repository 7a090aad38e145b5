"""Small line icons, drawn in the theme's colours."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZE = 18
_SHAPES = {
    "start": '<path d="M6 4.2 L14.5 9 L6 13.8 Z" fill="{c}" stroke-linejoin="round"/>',
    "stop": '<rect x="4.5" y="4.5" width="9" height="9" rx="1.5" fill="{c}"/>',
    "record": '<circle cx="9" cy="9" r="5" fill="{c}"/>',
    "close": '<path d="M5 5 L13 13 M13 5 L5 13" fill="none"/>',
    "back": '<path d="M11 4 L6 9 L11 14" fill="none"/>',
    "next": '<path d="M7 4 L12 9 L7 14" fill="none"/>',
    "areas": '<path d="M2 14.5V9l4-3 4 4 6-6v10.5z" fill="{c}" fill-opacity="0.35"/>',
    "lines": '<path d="M2 12.5l4-5 4 3.500 6-6.500" fill="none"/>'
    '<path d="M2 7l4 5.500 4-2.500 6 4" fill="none" stroke-opacity="0.55"/>',
    "live": '<path d="M1.8 9h2.6l2-4.6 3.4 9.6 2.4-6.4 1.2 1.4h2.8" fill="none"/>',
    "sessions": '<path d="M3 4.5h12M3 9h12M3 13.5h7" fill="none"/>'
    '<circle cx="13.6" cy="13.2" r="2.1" fill="none"/>',
    "calls": '<path d="M4.2 2.8h2.4l1.2 3.2-1.6 1.2a9 9 0 0 0 4.6 4.6l1.2-1.6 3.2 1.2v2.4'
    'c0 .8-.6 1.4-1.4 1.4C7.6 15.2 2.8 10.4 2.8 4.2c0-.8.6-1.4 1.4-1.4z" '
    'fill="none"/>',
    "settings": '<path d="M3 5h6M13 5h2M3 13h2M9 13h6M3 9h9" fill="none"/>'
    '<circle cx="11" cy="5" r="1.9" fill="none"/><circle cx="7" cy="13" r="1.9" fill="none"/>',
    "keyboard": '<rect x="2" y="4.5" width="14" height="9" rx="1.6" fill="none"/>'
    '<path d="M5 7.6h.1M8 7.6h.1M11 7.6h.1M13.2 7.6h.1M6 10.6h6" fill="none"/>',
    "folder": '<path d="M2.5 5h4.6l1.4 1.6h7v7.2h-13z" fill="none"/>',
    "sound": '<path d="M3 7v4h2.6l3.4 3V4L5.6 7z" fill="{c}"/><path d="M11.6 6.6a3.4 3.4'
    ' 0 0 1 0 4.8M13.6 4.6a6.2 6.2 0 0 1 0 8.8" fill="none"/>',
    "keep": '<path d="M4.2 5.2A6 6 0 1 1 3 9M4 2.4v3h3M9 5.8V9l2.4 1.6" fill="none"/>',
    "muted": '<path d="M3 7v4h2.6l3.4 3V4L5.6 7z" fill="{c}"/>'
    '<path d="M12 7l4 4M16 7l-4 4" fill="none"/>',
    "pause": '<path d="M6.2 4.4v9.2M11.8 4.4v9.2" fill="none" stroke-width="2.6"/>',
    "previous": '<path d="M12.5 4.5 L7.5 9 L12.5 13.5 Z" fill="{c}"/><path d="M5 4.5v9" '
    'fill="none"/>',
    "following": '<path d="M5.5 4.5 L10.5 9 L5.5 13.5 Z" fill="{c}"/><path d="M13 4.5v9" '
    'fill="none"/>',
    "loop": '<path d="M12 2.6l2.6 2.4-2.6 2.4M14.4 5H6.5a3.5 3.5 0 0 0-3.5 3.5v.6'
    'M6 15.4l-2.6-2.4L6 10.6M3.6 13h7.9a3.5 3.5 0 0 0 3.5-3.5v-.6" fill="none"/>',
    "zoom in": '<circle cx="8" cy="8" r="5" fill="none"/><path d="M11.8 11.8L15.4 15.4M8 '
    '5.8v4.4M5.8 8h4.4" fill="none"/>',
    "zoom out": '<circle cx="8" cy="8" r="5" fill="none"/><path d="M11.8 11.8L15.4 15.4M5.8 '
    '8h4.4" fill="none"/>',
    "fit": '<path d="M2.5 4v10M15.5 4v10M5 9h8M7 6.8L4.8 9 7 11.2M11 6.8L13.2 9 11 11.2" '
    'fill="none"/>',
    "undo": '<path d="M6 3.8L2.8 7 6 10.2M3 7h7.5a4 4 0 0 1 0 8H7" fill="none"/>',
    "redo": '<path d="M12 3.8L15.2 7 12 10.2M15 7H7.5a4 4 0 0 0 0 8H11" fill="none"/>',
    "search": '<circle cx="8" cy="8" r="5" fill="none"/><path d="M11.8 11.8L15.4 15.4" '
    'fill="none"/>',
    "export": '<path d="M9 11V2.8M5.8 5.8L9 2.6l3.2 3.2M3 11v3.4h12V11" fill="none"/>',
    "import": '<path d="M9 2.8V11M5.8 8L9 11.2 12.2 8M3 11v3.4h12V11" fill="none"/>',
    "trash": '<path d="M3 5h12M7 5V3h4v2M4.6 5l.7 10h7.4l.7-10M7.6 8v4M10.4 8v4" fill="none"/>',
    "edit": '<path d="M3 15l.8-3.6 8-8 2.8 2.8-8 8zM10.2 5l2.8 2.8" fill="none"/>',
    "compare": '<path d="M2.5 4.5h13v3.5h-13zM2.5 10.5h13V14h-13zM7 4.5V8M11 10.5V14" '
    'fill="none"/>',
    "panel": '<rect x="2.5" y="3.5" width="13" height="11" rx="1.5" fill="none"/>'
    '<path d="M10.5 3.5v11" fill="none"/>',
    "comment": '<path d="M3 3.5h12v8.5H8.5L5.5 15v-3H3z" fill="none"/>',
    "tiles": '<path d="M3 3h5v5H3zM10.500 3h5v5h-5zM3 10.500h5v5H3zM10.500 10.500h5v5h-5z" '
    'fill="none"/>',
    "bell": '<path d="M4 12.800h10c-1.400-1.500-1.500-2.600-1.500-4.8a3.500 3.500 0 0 0-7 0'
    'c0 2.200-.1 3.300-1.500 4.8zM7.600 14.8a1.500 1.500 0 0 0 2.800 0" fill="none"/>',
    "layers": '<path d="M9 2.6l6.5 3.2L9 9 2.5 5.8zM2.5 9L9 12.2 15.5 9M2.5 12.2L9 15.4l6.5-3.2" '
    'fill="none"/>',
    "info": '<circle cx="9" cy="9" r="6.5" fill="none"/><path d="M9 8.2v4M9 5.6v.4" fill="none"/>',
    "warning": '<path d="M9 2.8 L16 14.8 H2 Z" fill="none"/><path d="M9 7.2v3.4M9 12.5v.4"/>',
    "error": '<circle cx="9" cy="9" r="6.5" fill="none"/><path d="M6.8 6.8l4.4 4.4M11.2 6.8l-4.4 '
    '4.4" fill="none"/>',
}


def pixmap(name: str, colour: str, ratio: float = 2.0) -> QPixmap:
    """An icon of 18 units, drawn for a screen of `ratio` device pixels per unit."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18" stroke="{colour}" '
        f'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">'
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
    """The same as an icon for a button, sharp up to twice its size."""
    return QIcon(pixmap(name, colour, 4.0))
