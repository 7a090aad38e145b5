"""In which language the command line speaks; each help text is translated when Typer shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from emolive.cli.option_records import spread
from emolive.i18n import SYSTEM, languages, mark, tr, use_language

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


# What Typer writes around the texts; names of options and words in capitals are the same anywhere.
_PANELS = {"argument": mark("Arguments"), "option": mark("Options")}
_COMMANDS = mark("Commands")
_USAGE = "Usage: "
_SIGNS = {"REQUIRED_LONG_STRING": mark("[required]"), "DEFAULT_STRING": mark("[default: {}]")}
_HELP_OPTION = mark("Show this message and exit.")


def help_text(text: str) -> str:
    """A help text as catalogues have it: one line a paragraph, however it stands in the code."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


class Translated:
    """What commands and groups of commands have in common: their help is in the language in use."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the help."""
        from typer import rich_utils

        command: Any = self
        translate(command)
        command.epilog = _said(command.epilog)
        for parameter in command.get_params(ctx):
            parameter.help = _said(getattr(parameter, "help", None))
            parameter.rich_help_panel = tr(_PANELS[parameter.param_type_name])
        for name, sign in _SIGNS.items():
            setattr(rich_utils, name, tr(sign))
        super().format_help(ctx, formatter)  # type: ignore[misc]

    def get_usage(self, ctx: Any) -> str:
        """The line that begins the help."""
        line: str = super().get_usage(ctx)  # type: ignore[misc]
        return tr("Usage: {line}", line=line.removeprefix(_USAGE))


class Command(Translated, TyperCommand):
    """A command whose help is in the language in use."""


class Typer(typer.Typer):
    """Commands whose help is in the language in use, and whose options may come as records."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Add a command."""
        add = super().command(name, cls=Command, **settings)
        return lambda body: add(spread(body))

    def callback(self, **settings: Any) -> Callable[[Any], Any]:
        """What runs before a command, or instead of one."""
        add = super().callback(**settings)
        return lambda body: add(spread(body))


def translate(command: Any) -> None:
    """Say what a command does; for the list in which its group shows it, too."""
    command.help = _said(command.help)
    if isinstance(command, TyperCommand | TyperGroup):
        command.rich_help_panel = tr(_COMMANDS)


def _said(text: str | None) -> str | None:
    return tr(help_text(text)) if text else text
