"""In which language the command line speaks."""

from __future__ import annotations

import json
from contextvars import ContextVar

import typer

from emolive.i18n import SYSTEM, languages, tr, use_language

# What was asked for on the command line, for the app where a command opens it.
ASKED: ContextVar[str | None] = ContextVar("language", default=None)


def speak(wanted: str | None) -> None:
    """Speak the language that was asked for; None: as set in the app, or as the system does.

    The names of commands and options and what is for programs stay English.

    Raises:
        BadParameter: there is no such language.
    """
    if wanted is not None and wanted not in languages():
        raise typer.BadParameter(
            tr("there are {languages}.", languages=", ".join(languages())),
            param_hint="--language",
        )
    ASKED.set(wanted)
    use_language(wanted or _set_in_app())


def _set_in_app() -> str:
    """What the app's settings say; whatever is wrong with them is told where they are used."""
    from emolive.settings_folder import FILE_NAME, settings_folder

    try:
        look = json.loads((settings_folder() / FILE_NAME).read_bytes())["look"]
        return str(look["language"])
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return SYSTEM
