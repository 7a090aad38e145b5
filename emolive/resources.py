"""Where the bundled files are, installed or in a checkout."""

from __future__ import annotations

from pathlib import Path

from emolive.errors import EmoliveError

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries `assets/` as `emolive/_assets`; a checkout has it beside the package.
_FOLDERS = (_PACKAGE / "_assets", _PACKAGE.parent / "assets")


def asset(name: str) -> Path:
    """Path of a bundled file.

    Raises:
        EmoliveError: the file is not there (a broken installation).
    """
    for folder in _FOLDERS:
        if (path := folder / name).exists():
            return path
    raise EmoliveError("The bundled file {name} is missing: reinstall emolive.", name=name)


VAD_MODEL = "silero_vad_16k_rows.onnx"
DEMO_AUDIO = "demo.flac"
ICON = "icon.svg"
STYLE = "window.qss"
