"""What Typer says against a command line, in the language in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from emolive.i18n import mark, tr
from emolive.plain_text import plain

# Its version of click is not ours to import.
USAGE_ERROR: Any = typer.BadParameter.__mro__[2]

# Typer knows these in English alone; each is known again by its words, and said anew.
_COMPLAINTS = (
    mark("Invalid value for {name}: {reason}"),
    mark("Invalid value: {reason}"),
    mark("{reason} Choose from: {choices}"),
    mark("Missing argument {name}."),
    mark("Missing option {name}."),
    mark("Missing command."),
    mark("{reason} (Possible options: {options})"),
    mark("No such option: {name}"),
    mark("No such command {name}. Did you mean {others}?"),
    mark("No such command {name}."),
    mark("Option {name} requires an argument."),
    mark("Option {name} does not take a value."),
    mark("Got unexpected extra argument(s) ({arguments})"),
    mark("{value} is not one of {choices}."),
)
_AROUND = {
    "ERRORS_PANEL_TITLE": mark("Error"),
    "RICH_HELP": mark("Try [blue]'{command_path} {help_option}'[/] for help."),
}


@contextmanager
def complaints_said() -> Iterator[None]:
    """What is wrong with a command line is told in the language in use, as plain text."""
    try:
        yield
    except USAGE_ERROR as error:
        from typer import rich_utils

        from emolive.wording import complaint

        for name, text in _AROUND.items():
            setattr(rich_utils, name, tr(text))
        found: list[Any] = getattr(error.__cause__, "errors", list)()
        if found:
            error.message = complaint(found[0], "")
        text = _said(plain(error.format_message()))
        error.format_message = lambda: text
        raise


def _said(text: str) -> str:
    for template in _COMPLAINTS:
        shape = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(template)).replace(r"\ ", r"\s+")
        if found := re.fullmatch(shape, text, re.DOTALL):
            values = found.groupdict()
            if reason := values.get("reason"):
                values["reason"] = _said(reason)
            return tr(template, **values)
    return text
