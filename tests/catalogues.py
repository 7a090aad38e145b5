"""The texts of the source and their translations: ``python -m tests.catalogues`` brings the latter
up to date, ``... --missing`` prints what has no translation."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

import emolive
from emolive import errors, i18n
from emolive.cli.commands import GROUPS
from emolive.cli.language import help_text

SOURCE = Path(emolive.__file__).parent
LOCALES = SOURCE / "locale"
LANGUAGES = sorted(path.stem for path in LOCALES.glob("*.po"))
# What takes texts: the seam's functions, and errors that people read; with how many.
_ERRORS = [name for name, one in vars(errors).items() if isinstance(one, type)]
TAKES_TEXTS = {"tr": 1, "mark": 1, "ntr": 2, "say": 1, "tell": 1} | dict.fromkeys(
    [*_ERRORS, "DiskFullError", "NoSuchSession", "RuleError"], 1
)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All of a file's syntax tree; several tests look through all files."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def calls(path: Path) -> Iterator[tuple[ast.Call, int]]:
    """Every call of the seam, and how many of its arguments are texts.

    A syntax tree knows texts inside f-strings, which gettext's own tools do not look into.
    """
    for node in nodes(path):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if (texts := TAKES_TEXTS.get(node.func.id)) is not None:
            yield node, texts


def texts_of(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and text (or singular and plural) of every call whose text stands there."""
    for call, wanted in calls(path):
        values = [a.value for a in call.args[:wanted] if isinstance(a, ast.Constant)]
        found = [value for value in values if isinstance(value, str)]
        if len(found) == wanted:
            yield call.lineno, tuple(found)


def template() -> Catalog:
    """All texts of the source, in its order."""
    catalogue = Catalog()
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE.parent).as_posix()
        for _, texts in sorted(texts_of(path)):
            key = texts if len(texts) > 1 else texts[0]
            catalogue.add(key, locations=[(name, 1)])
    for place, text in texts_of_help():
        catalogue.add(text, locations=[(place, 1)])
    for path in sorted((SOURCE / "server" / "web").glob("*.*")):
        for key in texts_of_page(path):
            catalogue.add(key, locations=[(path.relative_to(SOURCE.parent).as_posix(), 1)])
    return catalogue


def texts_of_help() -> Iterator[tuple[str, str]]:
    """File and text of everything that `--help` shows, of every command."""
    for module in ("main", *GROUPS):
        yield from _help_of(
            typer.main.get_command(import_module(f"emolive.cli.{module}").app), module
        )


def _help_of(command: Any, module: str) -> Iterator[tuple[str, str]]:
    callback = getattr(command.callback, "__module__", f"emolive.cli.{module}")
    path = f"{callback.replace('.', '/')}.py"
    held = [command.help, command.epilog, *(getattr(one, "help", None) for one in command.params)]
    yield from ((path, help_text(text)) for text in held if text)
    for name, one in getattr(command, "commands", {}).items():
        if name not in GROUPS:
            yield from _help_of(one, module)


_STRING = r'"(?:[^"\\\n]|\\.)*"'
_JS = re.compile(rf"\b(?:(?:tr|mark)\(({_STRING})|ntr\(({_STRING}), ({_STRING}))")


def texts_of_page(path: Path) -> Iterator[str | tuple[str, str]]:
    """The texts of a file of the page in the browser: of its seam, or of its markup."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        for one, singular, plural in _JS.findall(text):
            yield json.loads(one) if one else (json.loads(singular), json.loads(plural))
    elif path.suffix == ".html":
        page = _Page()
        page.feed(text)
        yield from page.found


class _Page(HTMLParser):
    """What a page shows and tells, but for what only a page without scripts does."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        for name, value in attrs:
            if name in {"title", "aria-label", "placeholder"}:
                self._add(value or "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"noscript", "script", "code"} & set(self._open):
            self._add(data)

    def _add(self, text: str) -> None:
        if re.search(r"[A-Za-z]{2}", text) and text.strip() != "emolive":
            self.found.append(text.strip())


def read(language: str) -> Catalog:
    """A language's catalogue as it is written."""
    with (LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def brought_up_to_date(language: str, texts: Catalog) -> Catalog:
    """The catalogue with exactly the texts of the source; what has no translation is empty."""
    old, new = read(language), empty(language)
    for message in texts:
        if message.id:
            known = old.get(message.id if isinstance(message.id, str) else message.id[0])
            string = known.string if known is not None and known.id == message.id else ""
            new.add(message.id, string, locations=message.locations)
    return new


def empty(language: str) -> Catalog:
    """A catalogue without texts, whose head says nothing that changes."""
    then = datetime(2026, 1, 1, tzinfo=UTC)
    return Catalog(
        locale=language,
        project="emolive",
        header_comment=f"# {i18n.language_name(language)}. The terms: docs/settings.md.",
        version="0",
        msgid_bugs_address="-",
        creation_date=then,
        revision_date=then,
        last_translator="emolive",
        language_team="emolive",
        charset="utf-8",
        fuzzy=False,
    )


def write(language: str, catalogue: Catalog) -> None:
    """Replace a language's catalogue."""
    with (LOCALES / f"{language}.po").open("wb") as file:
        write_po(file, catalogue, width=100, include_lineno=False)


def missing(catalogue: Catalog) -> list[Message]:
    """Texts without a translation, or without one of its plurals."""

    def said(message: Message) -> tuple[str, ...]:
        string = message.string or ""
        return (string,) if isinstance(string, str) else tuple(string)

    return [message for message in catalogue if message.id and not all(said(message))]


def main(arguments: list[str]) -> None:
    """Bring all catalogues up to date, or print what is missing."""
    texts = template()
    for language in LANGUAGES:
        catalogue = brought_up_to_date(language, texts)
        lacking = missing(catalogue)
        sys.stdout.write(f"{language}: {len(catalogue)} texts, {len(lacking)} not translated\n")
        if arguments == ["--missing"]:
            for message in lacking:
                sys.stdout.write(f"  {message.locations[0][0]}: {message.id!r}\n")
            continue
        write(language, catalogue)


if __name__ == "__main__":
    main(sys.argv[1:])
