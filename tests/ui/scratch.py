"""Where rendered windows write."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def scratch_folder() -> Path:
    """A new, empty one, removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="emolive-shots-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
