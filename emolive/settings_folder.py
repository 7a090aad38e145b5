"""Where settings are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

FILE_NAME = "settings.json"


def settings_folder() -> Path:
    """The system's folder for them; `EMOLIVE_CONFIG` names another."""
    if chosen := os.environ.get("EMOLIVE_CONFIG"):
        return Path(chosen)
    return platformdirs.user_config_path("emolive", appauthor=False)
