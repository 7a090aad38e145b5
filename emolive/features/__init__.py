"""The front end: log-mel, offline and streaming, shared by training and serving."""

from emolive.features.mel import log_mel
from emolive.features.normalization import normalize
from emolive.features.spec import FrontEndSpec
from emolive.features.streaming import StreamingLogMel

__all__ = ["FrontEndSpec", "StreamingLogMel", "log_mel", "normalize"]
