"""Models' front ends, offline and streaming, shared by training and serving."""

from emolive.features.cut import CutWindows, Windows
from emolive.features.front_end import (
    FrontEnd,
    model_input,
    normalize,
    open_front_end,
    window_features,
)
from emolive.features.mel import StreamingLogMel, log_mel
from emolive.features.spec import AnyFrontEndSpec, LogMelSpec, WaveformSpec

__all__ = [
    "AnyFrontEndSpec",
    "CutWindows",
    "FrontEnd",
    "LogMelSpec",
    "StreamingLogMel",
    "WaveformSpec",
    "Windows",
    "log_mel",
    "model_input",
    "normalize",
    "open_front_end",
    "window_features",
]
