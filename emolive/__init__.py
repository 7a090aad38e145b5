"""Real-time streaming emotion monitor for speech."""

import os

__version__ = "0.1.0"

# ONNX Runtime reports to its maker from the moment it is loaded (see `onnx_runtime`). Here, since
# this runs before any module that could load it, and for every process started from this one.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
