"""The log-mel of a window, with what was decisive in it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.acoustics import SPECTROGRAM
from emolive.explain.moment import Explanation
from emolive.features.mel import hz_to_mel
from emolive.i18n import decimal, tr
from emolive.times import clock_text
from emolive.types import FloatArray
from emolive.ui.painting import write
from emolive.ui.theme import Painted, Theme, font

_LEFT, _BOTTOM = 48.0, 18.0
# A patch worth less than this many nats of log-odds is not shown: nothing was decisive then.
LEAST_WORTH = 0.15
_TICKS_HZ = (500, 1000, 2000, 4000)


class SaliencyView(Painted, QWidget):
    """Grey is the sound; the class's colour, what spoke for it; hatched, what spoke against it."""

    hint = (300, 168)  # the drawer's width

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._found: Explanation | None = None
        self._colour = QColor(theme.accent)
        self._image = QImage()
        self._busy = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(168)
        self.setAccessibleName(tr("What was decisive in the sound"))

    def _recolour(self) -> None:
        self._draw()

    def show_busy(self) -> None:
        """A question was asked; the answer takes a moment."""
        self._busy = True
        self.update()

    def show_explanation(self, found: Explanation | None, colour: QColor) -> None:
        """Show an answer, the class's worth in `colour`."""
        self._busy = False
        self._found = found
        self._colour = colour
        self._draw()

    def paint(self, painter: QPainter) -> None:
        """Draw picture, axes and the decisive patch."""
        plot = QRectF(_LEFT, 2, self.width() - _LEFT - 4, self.height() - _BOTTOM - 4)
        painter.fillRect(plot, self.theme.colour("plot"))
        found = self._found
        if found is not None and found.log_mel is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(plot, self._image, QRectF(self._image.rect()))
            self._paint_patch(painter, plot, found)
            self._paint_axes(painter, plot, found)
        if self._busy or found is None or found.log_mel is None:
            self._paint_text(painter, plot)
        painter.setPen(QPen(self.theme.colour("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(plot.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_text(self, painter: QPainter, plot: QRectF) -> None:
        if self._busy and self._found is not None and self._found.log_mel is not None:
            painter.fillRect(plot, self.theme.colour("plot", 150))
        text = tr("Listening again…") if self._busy else tr("The sound of this moment is not here")
        write(
            painter,
            plot,
            text,
            self.theme.colour("text" if self._busy else "muted"),
            12,
            Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
        )

    def _paint_patch(self, painter: QPainter, plot: QRectF, found: Explanation) -> None:
        saliency = found.saliency
        if saliency is None or saliency.worth.max() < LEAST_WORTH:
            return
        n_mels, n_frames = saliency.worth.shape
        x = plot.left() + plot.width() * saliency.frames[0] / n_frames
        width = plot.width() * (saliency.frames[1] - saliency.frames[0]) / n_frames
        y = plot.bottom() - plot.height() * saliency.bands[1] / n_mels
        height = plot.height() * (saliency.bands[1] - saliency.bands[0]) / n_mels
        patch = QRectF(x, y, width, height)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(self.theme.colour("plot"), 3.5), QPen(self.theme.colour("text"), 1.5)):
            painter.setPen(pen)
            painter.drawRoundedRect(patch, 3, 3)

    def _paint_axes(self, painter: QPainter, plot: QRectF, found: Explanation) -> None:
        painter.setFont(font(10))
        painter.setPen(self.theme.colour("muted"))
        bottom, top = hz_to_mel(SPECTROGRAM.f_min), hz_to_mel(SPECTROGRAM.f_max)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for hertz in _TICKS_HZ:
            if SPECTROGRAM.f_min < hertz < SPECTROGRAM.f_max:
                y = plot.bottom() - plot.height() * (hz_to_mel(hertz) - bottom) / (top - bottom)
                painter.drawText(
                    QRectF(0, y - 7, _LEFT - 6, 14), right, f"{decimal(hertz / 1000)} kHz"
                )
        rate = SPECTROGRAM.sampling_rate
        start_s, end_s = found.moment.start_sample / rate, found.moment.end_sample / rate
        for second in range(math.ceil(max(0.0, start_s)), math.floor(end_s) + 1):
            x = plot.left() + plot.width() * (second - start_s) / (end_s - start_s)
            left = min(max(x - 25, plot.left() - 10), plot.right() - 44)
            area = QRectF(left, plot.bottom() + 3, 50, 14)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, clock_text(second))

    def _draw(self) -> None:
        """Mix sound and worth into one picture, a pixel per cell."""
        found = self._found
        if found is not None and found.log_mel is not None:
            worth = found.saliency.worth if found.saliency else np.zeros_like(found.log_mel)
            pixels = mixed(found.log_mel, worth, self.theme, self._colour)
            rows, columns = pixels.shape
            held = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
            self._image = held.copy()
        self.update()


def mixed(
    log_mel: FloatArray, worth: FloatArray, theme: Theme, colour: QColor
) -> npt.NDArray[np.uint32]:
    """One colour per cell as 0xFFRRGGBB, the highest band first, ``(n_mels, n_frames)``.

    The level makes it lighter or darker, positive worth adds the class's colour, negative worth
    adds stripes.
    """
    low, high = np.percentile(log_mel, (5, 99.5))
    level = np.clip((log_mel - low) / max(1e-6, high - low), 0, 1)[::-1, :, None]
    ground = _rgb(theme.colour("plot"))
    grey = ground + level * 0.62 * (_rgb(theme.colour("text")) - ground)
    most = max(LEAST_WORTH, float(np.abs(worth).max()))
    share = np.clip(worth[::-1] / most, -1, 1)
    for_it = np.clip(share, 0, 1)[:, :, None] ** 0.8
    mixture = grey + for_it * 0.85 * (_rgb(colour) * (0.55 + 0.45 * level) - grey)
    rows, columns = np.indices(share.shape)
    stripes = ((rows + columns // 2) % 8 < 2) & (share < -0.35)
    mixture[stripes] = 0.45 * mixture[stripes] + 0.55 * _rgb(theme.colour("muted"))
    red, green, blue = (mixture[:, :, k].round().astype(np.uint32) for k in range(3))
    pixels: npt.NDArray[np.uint32] = np.full(share.shape, 0xFF000000, np.uint32)
    pixels |= (red << np.uint32(16)) | (green << np.uint32(8)) | blue
    return np.ascontiguousarray(pixels)


def _rgb(colour: QColor) -> npt.NDArray[np.float64]:
    return np.array([colour.red(), colour.green(), colour.blue()], np.float64)
