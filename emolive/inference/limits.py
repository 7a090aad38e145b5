"""What a model may cost, whoever made it: sizes that make sense, and an end to every run."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emolive.errors import ModelError
from emolive.i18n import decimal
from emolive.onnx_runtime import LOG_FATAL, onnx_runtime

# Far beyond every model that listens to speech: a minute of sound, an input of 16 MB.
LONGEST_WINDOW_S = 60.0
LARGEST_FFT = 1 << 15
LARGEST_INPUT = 1 << 22
LARGEST_SPECTROGRAM = 1 << 24  # before mel bands, of one window
MOST_MELS = 1 << 10
MOST_LABELS = 1_000
LONGEST_NAME = 200
LARGEST_EMBEDDING = 1 << 16
# One window takes milliseconds; a loop may never end.
RUN_LIMIT_S = 15.0


# A node's operator, as it stands in an ONNX file.
_LOOP = b"\x22\x04Loop"


def may_loop(path: Path) -> bool:
    """Whether a graph has a loop, so that one run may take any time.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(_LOOP) >= 0


@contextmanager
def time_limit(options: Any = None) -> Iterator[Any]:
    """Run options (`options`, or new ones) whose run is stopped after `RUN_LIMIT_S`.

    Raises:
        ModelError: it had to be stopped.
    """
    options = options or onnx_runtime().RunOptions()
    severity, options.log_severity_level = options.log_severity_level, LOG_FATAL
    timer = threading.Timer(RUN_LIMIT_S, lambda: setattr(options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    except Exception as error:  # ONNX Runtime's errors share no base class
        if options.terminate:
            raise ModelError(
                "The model gave no answer within {run_limit_s} s, as one that loops "
                "without end: use another one.",
                run_limit_s=decimal(RUN_LIMIT_S),
            ) from error
        raise
    finally:
        timer.cancel()
        options.log_severity_level = severity
