"""What the program tells people to type exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from emolive.cli.main import app

_SAID = re.compile(r"`emolive ([a-z][^`]*)`")
_ROOT = Path(__file__).resolve().parents[2]


def said() -> list[str]:
    """Every ``emolive ...`` in backquotes, in the program's texts and in the documents."""
    files = [
        *(_ROOT / "emolive").rglob("*.py"),
        _ROOT / "README.md",
        *(_ROOT / "docs").glob("*.md"),
    ]
    texts = (path.read_text(encoding="utf-8") for path in files)
    # Strings that go on in the next line.
    joined = (re.sub(r'"\s*\n\s*f?"', "", text) for text in texts)
    return sorted({one for text in joined for one in _SAID.findall(text)})


@pytest.mark.parametrize("line", said())
def test_commands_and_options_that_are_named_exist(line: str) -> None:
    command = typer.main.get_command(app)
    words = line.replace("{", " ").split()
    context = command.make_context("emolive", [], resilient_parsing=True)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if words and hasattr(command, "commands") and command.name != "emolive":
        assert not re.match(r"^[a-z]+$", words[0]), f"{words[0]} is no command of {command.name}"
    known = {option for p in command.get_params(context) for option in (*p.opts, *p.secondary_opts)}
    for option in (word for word in words if word.startswith("--")):
        assert option.split("=")[0].rstrip(".,") in known, line


@pytest.mark.parametrize("arguments", [[], ["sessions", "export"], ["analyze"], ["call", "live"]])
def test_help_shows_no_type_after_a_flag(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, [*arguments, "--help"])
    assert result.exit_code == 0
    assert "bool" not in result.output.casefold()


def commands(group: Any, *before: str) -> Iterator[list[str]]:
    """All commands, each as it is typed."""
    for name, command in group.commands.items():
        yield [*before, name]
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)


def test_help_shows_words_for_arguments_and_never_types_of_python() -> None:
    for arguments in commands(typer.main.get_command(app)):
        result = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "120"})
        assert result.exit_code == 0
        assert not re.search(r"<list|<[a-z]+( [a-z]+)?>", result.output), result.output
