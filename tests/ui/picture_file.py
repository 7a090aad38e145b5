"""A window as a picture, with what is open above it; small on the disk."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

RAIL = 76  # the window's own, beside its page
MARGIN = 12


class Widened(QWidget):
    """A page alone, as large as it is in the window, with the window's margins around it."""

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self.setObjectName("root")
        self.page = page
        page.setParent(self)

    def be_in(self, width: int, height: int) -> None:
        """Be as large as in a window of this size."""
        self.resize(width - RAIL, height)
        self.page.setGeometry(self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN))


def picture_of(window: QWidget) -> QPixmap:
    """The window, its dialog in the middle, and the pop-up that is open where it is."""
    seen, moved = window.rect(), QPoint()
    dialog = QApplication.activeModalWidget()
    if dialog is not None:
        there = dialog.rect()
        there.moveCenter(seen.center())
        moved = there.topLeft() - window.mapFromGlobal(dialog.mapToGlobal(QPoint()))
        seen |= there
    scale = window.devicePixelRatioF()
    picture = QPixmap(seen.size() * scale)
    picture.setDevicePixelRatio(scale)
    picture.fill(window.palette().color(QPalette.ColorRole.Window))
    painter = QPainter(picture)
    painter.translate(-seen.topLeft())
    painter.drawPixmap(QPoint(), window.grab())
    if dialog is not None:
        painter.drawPixmap(there.topLeft(), dialog.grab())
    if (popup := QApplication.activePopupWidget()) is not None:
        painter.drawPixmap(window.mapFromGlobal(popup.pos()) + moved, popup.grab())
    painter.end()
    return picture


def save_picture(picture: QPixmap, path: Path) -> None:
    """Writes a PNG with a palette: a third of the size of full colour, the same to the eye."""
    image = Image.fromqpixmap(picture).convert("RGB")
    palette = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette.save(path, optimize=True)


def left_of_ink(image: QImage, start: int) -> int:
    """How far from `start` the first column is that holds a letter, in px."""
    ground = image.pixelColor(start + 1, 4).lightness()
    return next(
        x - start
        for x in range(start, image.width())
        if any(image.pixelColor(x, y).lightness() > ground + 60 for y in range(image.height() - 3))
    )
