"""Spectrogram colours: perceptually even, from the background towards strong contrast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Lightness rises (dark) or falls (light) evenly from the panel's background, so that quiet parts
# belong to the window and equal steps of level look equal.
_DARK = ("#131820", "#221B4B", "#45207A", "#6E2A83", "#9A3A82", "#C7506F", "#EB7553", "#FBA85A")
_DARK_TOP = ("#FDD98A", "#FCFBD0")
_LIGHT = ("#F7F9FC", "#DDE5F3", "#BCCDE9", "#96B1E0", "#7390D3", "#5A6DC0", "#4B4AA4", "#402A80")
_LIGHT_TOP = ("#331457", "#1E0A30")


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
