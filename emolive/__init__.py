"""Real-time streaming emotion monitor for speech.

For notebooks and scripts (docs/api.md): `analyze` a file or an array, `listen` to a microphone,
`load_model`, `open_library`; `table` makes what was found a table. Everything is imported when it
is first asked for.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emolive.api import analyze, listen, load_model, open_library, table
    from emolive.errors import EmoliveError
    from emolive.session.library import Library
    from emolive.session.timeline import Timeline
    from emolive.types import EngineStatus, Prediction, Segment

__version__ = "0.1.0"

__all__ = [
    "EmoliveError",
    "EngineStatus",
    "Library",
    "Prediction",
    "Segment",
    "Timeline",
    "__version__",
    "analyze",
    "listen",
    "load_model",
    "open_library",
    "table",
]

# ONNX Runtime reports to its maker from the moment it is loaded (see `onnx_runtime`). Here, since
# this runs before any module that could load it, and for every process started from this one.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Quiet, unless the program that imports this, or the command line, asks for the log.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "EmoliveError": "emolive.errors",
    "EngineStatus": "emolive.types",
    "Library": "emolive.session.library",
    "Prediction": "emolive.types",
    "Segment": "emolive.types",
    "Timeline": "emolive.session.timeline",
}


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "emolive.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
