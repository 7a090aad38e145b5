"""Opening the desktop app, or saying why the terminal has to do."""

from __future__ import annotations

import os
import sys
from typing import Literal

from emolive.cli.language import ASKED
from emolive.cli.options import ModelChoice
from emolive.errors import EmoliveError


def has_display() -> bool:
    """Whether there is a display to show a window on."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def desktop_problem() -> str | None:
    """Why the app cannot open here, in one sentence, or None."""
    from emolive.ui.preflight import check_desktop

    # Without a display, whether the rest is there is still worth knowing.
    environment = None if has_display() else {"QT_QPA_PLATFORM": "offscreen"}
    try:
        check_desktop(environment)
    except EmoliveError as error:
        return str(error)
    return None


def open_desktop(
    source: Literal["microphone", "demo"] = "microphone",
    *,
    device: str | None = None,
    split: bool = False,
    listen: bool = False,
    using: ModelChoice | None = None,
) -> int:
    """Open the app and stay until it is closed; returns the exit code.

    What is None is as the person has set it in the app.

    Raises:
        EmoliveError: there is no display, or Qt does not load.
    """
    from emolive.ui.app import run_app

    using = using or ModelChoice()
    return run_app(
        source=source,
        device=device,
        split=split,
        listen=listen,
        model=using.model,
        provider=None if using.provider is None else using.provider.value,
        language=ASKED.get(),
        hop_s=using.hop,
        threshold=using.threshold,
    )
