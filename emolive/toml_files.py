"""TOML files that people write: read with one sentence for what is wrong, replaced whole."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import tomlkit
from pydantic import BaseModel, ValidationError
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from emolive.errors import EmoliveError
from emolive.i18n import language, ntr, tr
from emolive.private_files import owner_only
from emolive.session.export.atomic import replacing
from emolive.wording import complaint

_MOST_BYTES = 1_000_000
# Far beyond what anybody writes; the parser takes time and memory in the square of it.
_DEEPEST = 16
_MOST_LETTERS = 200  # of what a sentence quotes
# Texts and comments.
_WORDS = re.compile(
    r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""|"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'
    r"'''.*?'''|'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)
_DEEP_KEY = re.compile(rf"(?<![\w-])[\w-]+(?:[ \t]*\.[ \t]*[\w-]+){{{_DEEPEST}}}")

M = TypeVar("M", bound=BaseModel)
Place = Sequence[int | str]
Where = Callable[[Place, Mapping[str, Any]], tuple[str, Place]]
"""Names the part of a file that a place (keys and indices) is in, and gives the rest of the way."""


def read_bytes(path: Path, what: str) -> bytes:
    """The content of a file; `what`, marked, is what the file is called to people.

    Raises:
        EmoliveError: it cannot be read, or is far too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise EmoliveError(
            "There is no {what} at {path}: check the name.", what=tr(what), path=path
        ) from None
    except OSError as error:
        raise EmoliveError(
            "The {what} {path} cannot be read ({reason}): allow it, or name another file.",
            what=tr(what),
            path=path,
            reason=error.strerror or error,
        ) from error
    if len(data) > _MOST_BYTES:
        raise EmoliveError(
            "{path} is larger than 1 MB: that is no {what}, name another file.",
            path=path,
            what=tr(what),
        )
    return data


def parse(model: type[M], data: bytes, name: str, where: Where) -> M:
    """Check TOML text against a model; `name` is what the file is called in errors.

    Raises:
        EmoliveError: one sentence naming file, part, key and what is wrong with it.
    """
    try:
        content = _loads(data)
    except UnicodeDecodeError as error:
        raise EmoliveError(
            "{name} is not UTF-8 text (byte {start}): save it so.", name=name, start=error.start
        ) from error
    except ValueError as error:  # TOMLDecodeError, and a number of too many digits
        raise EmoliveError(
            "{name} is not valid TOML: {error}.", name=name, error=_short(str(error))
        ) from error
    try:
        return model.model_validate(content, by_alias=True, by_name=False)
    except ValidationError as error:
        raise EmoliveError(sentence(error, content, name, where)) from error


def example(package: str) -> str:
    """A package's file to begin with, explained in comments, in the language in use."""
    usual = resources.files(package) / "example.toml"
    own = resources.files(package) / f"example.{language()}.toml"
    return (own if own.is_file() else usual).read_text(encoding="utf-8")


def _loads(data: bytes) -> dict[str, Any]:
    """The content of TOML text.

    Raises:
        ValueError: it is none, or is nested deeper than anybody writes.
    """
    text = data.decode()
    bare = _WORDS.sub("x", text)
    depth = deepest = 0
    for letter in re.findall(r"[][{}]", bare):
        depth += 1 if letter in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST or _DEEP_KEY.search(bare):
        raise ValueError(tr("it nests too deep"))
    return tomllib.loads(text)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "…"


def sentence(error: ValidationError, content: Mapping[str, Any], name: str, where: Where) -> str:
    """The first problem as a sentence, with the number of further ones."""
    problems = error.errors(include_url=False)
    first = problems[0]
    part, rest = where(first["loc"], content)
    key = _short(".".join(str(step) for step in rest))
    kind, given = first["type"], first["input"]
    if kind == "missing":
        text = tr("the key {key} is missing", key=repr(key))
    elif kind == "extra_forbidden":
        text = tr("there is no key {key}", key=repr(key))
    elif kind == "union_tag_not_found":
        text = tr("the key {first} is missing", first=first["ctx"]["discriminator"])
    elif kind == "union_tag_invalid":
        context = first["ctx"]
        tags = context["expected_tags"].replace("'", "")
        text = tr(
            "{where} must be one of {tags}, not {found}",
            where=context["discriminator"],
            tags=tags,
            found=_short(repr(context["tag"])),
        )
    elif kind == "value_error":
        text = complaint(first, tr("table"))
    else:
        problem = complaint(first, tr("table"))
        text = tr("{key} {problem}", key=repr(key), problem=problem)
        if not key:
            text = tr("it {problem}", problem=problem)
        if isinstance(given, str | int | float | bool):
            text = tr("{text}, not {given}", text=text, given=_short(repr(given)))
    others = len(problems) - 1
    more = ntr(" ({count} more problem)", " ({count} more problems)", others) if others else ""
    return f"{name}{', ' + _short(part) if part else ''}: {text}{more}."


def write(model: BaseModel, path: Path, what: str) -> None:
    """Write a model as TOML; the file appears whole or not at all, for its owner's eyes only.

    Comments and the order of an older file are kept where they still belong to something.

    Raises:
        EmoliveError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = _text(model, path).encode()
        # It may hold a secret.
        with replacing(path) as partial, open(partial, "wb", opener=owner_only) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise EmoliveError(
            "The {what} {path} cannot be written ({reason}): allow it, or choose another place.",
            what=tr(what),
            path=path,
            reason=error.strerror or error,
        ) from error


def _text(model: BaseModel, path: Path) -> str:
    """What `path` should hold: its text with the least changes, or a fresh one."""
    content = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    if path.is_file():
        needed = model.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
        )
        try:
            data = path.read_bytes()
            _loads(data)
            document = tomlkit.parse(data)
            _update(document, content, needed)
            text = tomlkit.dumps(document)
            if type(model).model_validate(tomllib.loads(text), by_alias=True) == model:
                return text
        except (TOMLKitError, ValueError):  # ValidationError, too
            pass  # What was there is broken, or too unlike: it is replaced.
    return tomlkit.dumps(content)


def _update(
    table: MutableMapping[str, Any], content: Mapping[str, Any], needed: Mapping[str, Any]
) -> None:
    """Make a table say `content`; what is not `needed`, being the default, may stay unsaid."""
    for key in [key for key in table if key not in content]:
        del table[key]
    for key, value in content.items():
        if key not in table:
            if key in needed:
                table[key] = value
        elif isinstance(value, Mapping) and isinstance(table[key], Table):
            _update(table[key], value, needed.get(key, {}))
        elif isinstance(table[key], AoT):
            tables = _updated_tables(table[key], value, needed.get(key, value))
            if tables is not table[key]:
                table[key] = tables
        elif table[key] != value:
            table[key] = value


def _updated_tables(
    old: AoT, content: Sequence[Mapping[str, Any]], needed: Sequence[Mapping[str, Any]]
) -> AoT:
    """An array of tables, each recognised by its `name`, or, renamed, by its place."""
    names = {str(item.get("name")) for item in content}
    by_name = {str(table.get("name")): table for table in old}
    found = [
        by_name.get(str(item.get("name")))
        or (old[i] if i < len(old) and str(old[i].get("name")) not in names else None)
        for i, item in enumerate(content)
    ]
    # Where nothing moved the array itself is kept, and with it the lines between its tables.
    same = len(found) == len(old) and all(one is two for one, two in zip(found, old, strict=True))
    tables = old if same else tomlkit.aot()
    for item, least, table in zip(content, needed, found, strict=True):
        if table is not None:
            _update(table, item, least)
        if not same:
            tables.append(tomlkit.item(item) if table is None else table)
    return tables
