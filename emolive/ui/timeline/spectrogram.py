"""Rolling log-mel spectrogram: frames become columns of pixels once, then only move."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from emolive.features.mel import hz_to_mel
from emolive.history.streams import WithSpectrogram
from emolive.i18n import decimal, mark, tr
from emolive.times import clock_text
from emolive.ui.theme import Theme, font
from emolive.ui.timeline.stream_panel import StreamPanel
from emolive.ui.timeline.time_axis import TimeAxis

# Lightness rises (dark) or falls (light) evenly from the panel's background, so that quiet parts
# belong to the window and equal steps of level look equal.
_DARK = ("#131820", "#221B4B", "#45207A", "#6E2A83", "#9A3A82", "#C7506F", "#EB7553", "#FBA85A")
_DARK_TOP = ("#FDD98A", "#FCFBD0")
_LIGHT = ("#F7F9FC", "#DDE5F3", "#BCCDE9", "#96B1E0", "#7390D3", "#5A6DC0", "#4B4AA4", "#402A80")
_LIGHT_TOP = ("#331457", "#1E0A30")
_BOTH_PX = 36  # high enough for two frequencies


def lookup_table(*, dark: bool) -> npt.NDArray[np.uint32]:
    """256 colours as 0xFFRRGGBB, index 0 = quietest."""
    anchors = (*_DARK, *_DARK_TOP) if dark else (*_LIGHT, *_LIGHT_TOP)
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in anchors], np.float64)
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), rgb[:, k]).round() for k in range(3)]
    red, green, blue = (channel.astype(np.uint32) for channel in channels)
    table: npt.NDArray[np.uint32] = np.full(256, 0xFF000000, np.uint32)
    table |= (red << np.uint32(16)) | (green << np.uint32(8)) | blue
    return table


class SpectrogramPanel(StreamPanel[WithSpectrogram]):
    """The log-mel frames of the sound, with explicit levels (see `model`)."""

    title = mark("Log-mel spectrogram, {name}")
    stretch, least = 52, 30
    grid = (18, 18)  # fainter than elsewhere: the picture comes first

    def __init__(
        self, axis: TimeAxis, theme: Theme, stream: WithSpectrogram, parent: QWidget | None = None
    ) -> None:
        super().__init__(axis, theme, stream, parent)
        self._spec = spec = stream.spectrogram_spec
        self._frame_s = spec.hop_length / spec.sampling_rate
        self._colours = lookup_table(dark=theme.dark)

    def _recolour(self) -> None:
        self._colours = lookup_table(dark=self.theme.dark)
        super()._recolour()

    def newest_s(self) -> float:
        """End of the newest frame."""
        return self.stream.spectrogram.end * self._frame_s

    def stable_to_s(self) -> float:
        """The newest column may still get frames."""
        return self.newest_s() - self.axis.seconds_per_px

    def y_ticks(self) -> list[tuple[float, str]]:
        """Frequencies on the mel scale."""
        some = [2000] if self.height() < _BOTH_PX else [1000, 4000]
        wanted = [500, 1000, 2000, 4000] if self.height() >= 110 else some
        bottom, top = hz_to_mel(self._spec.f_min), hz_to_mel(self._spec.f_max)
        return [
            ((hz_to_mel(hz) - bottom) / (top - bottom), f"{decimal(hz / 1000)} kHz")
            for hz in wanted
            if self._spec.f_min < hz < self._spec.f_max
        ]

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:  # noqa: ARG002
        """Draw the loudest frame of each column."""
        first = self.axis.start_px + start
        times = np.arange(first, first + stop - start + 1) * self.axis.seconds_per_px
        # The epsilon keeps a frame that begins exactly at a column's edge inside that column.
        edges = np.floor(times / self._frame_s + 1e-6).astype(np.int64)
        levels = self.stream.spectrogram.columns(edges)
        pixels = np.ascontiguousarray(self._colours[levels[::-1]])
        rows, columns = pixels.shape
        image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(
            QRectF(start, 0, columns, self._image.height()), image, QRectF(0, 0, columns, rows)
        )

    def paint_overlay(self, painter: QPainter, plot: QRect) -> None:
        """Clear what is not kept any more, and say so where there is room."""
        ring = self.stream.spectrogram
        held_s = ring.oldest * self._frame_s
        right = math.floor(self.axis.x(held_s) / self.devicePixelRatioF())
        gone = QRect(plot.left() + 1, plot.top() + 1, right - 1, plot.height() - 2)
        gone = gone.intersected(plot.adjusted(1, 1, -1, -1))
        if right > 1:
            painter.fillRect(gone, self.theme.colour("plot"))
            text = tr("not kept any more")
            painter.setFont(font(11))
            if painter.fontMetrics().horizontalAdvance(text) + 24 < gone.width():
                painter.setPen(self.theme.colour("muted"))
                painter.drawText(gone, Qt.AlignmentFlag.AlignCenter, text)
        super().paint_overlay(painter, plot)

    def describe(self, at_s: float, height: float) -> str:
        """Time and frequency."""
        if not 0 <= at_s <= self.newest_s():
            return ""
        bottom, top = hz_to_mel(self._spec.f_min), hz_to_mel(self._spec.f_max)
        hertz = 700.0 * (10 ** ((bottom + height * (top - bottom)) / 2595.0) - 1)
        return f"<b>{clock_text(at_s)}</b><br>{decimal(hertz, 0)} Hz{self._level_at(at_s, height)}"

    def _level_at(self, at_s: float, height: float) -> str:
        """Level of the frame and band under the pointer, in dB of full scale power."""
        frame = int(at_s / self._frame_s)
        column = self.stream.spectrogram.columns(np.array([frame, frame + 1]))[:, 0]
        band = min(len(column) - 1, max(0, int(height * len(column))))
        return f" · {decimal(self.stream.spectrogram.decibels(int(column[band])), 0)} dB"
