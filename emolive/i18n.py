"""The one seam through which every text for people passes, so that it can be translated.

Texts are written in English in the code: ``tr("Start")``, with values by name:
``tr("{count} windows", count=3)``. A language is a gettext catalogue that is read as it is written,
``emolive/locale/<language>.po``; English needs none. ``make catalogues`` puts new texts into all of
them. Numbers and dates for people are written as the language does: `decimal`, `day_text`; files
and tables for programs are not.

What these functions return is a `Said`: it knows what it says, and another process that gets it
(a worker tells its parent what was wrong) says it anew in its own language.
"""

from __future__ import annotations

import gettext
import locale
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from pickle import dumps, loads
from string import Formatter
from typing import Final, Protocol

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

SYSTEM: Final = "system"
PSEUDO: Final = "pseudo"
_ENGLISH: Final = "en"
_FOLDER = Path(__file__).resolve().parent / "locale"
_ACCENTS = str.maketrans("aeiouyAEIOUYncs", "áéíöüýÁÉÍÖÜÝñçš")


class Catalogue(Protocol):
    """Texts of one language; the interface of `gettext`'s translations."""

    def gettext(self, message: str) -> str:
        """The translation of a text, or the text itself."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The same for a text that depends on a number."""


class PseudoCatalogue:
    """English, accented and a third longer: shows texts that bypass the seam or have no room."""

    def gettext(self, message: str) -> str:
        """Accent and lengthen all but the names of values."""
        parts = message.replace("{", "\0{").replace("}", "}\0").split("\0")
        done = [part if part.startswith("{") else part.translate(_ACCENTS) for part in parts]
        return f"[{''.join(done)}{'·' * (len(message) // 3)}]"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """English plurals."""
        return self.gettext(msgid1 if n == 1 else msgid2)


@dataclass(frozen=True, slots=True)
class _Language:
    """A language with its texts and the signs of its numbers; some texts have others `instead`."""

    code: str = _ENGLISH
    catalogue: Catalogue = field(default_factory=gettext.NullTranslations)
    signs: dict[int, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)


# The language is the process's, as the locale is; set before a window is made. A server says some
# sentences in the language of who asks.
_now = _Language()
_asked: ContextVar[_Language | None] = ContextVar("asked", default=None)

Parts = str | float | list["Parts"] | dict[str, "Parts"] | None


class Said(str):
    """A text for people that knows what it says.

    Pickled, it travels as what was said, not as how, and is said in the language of the process
    that reads it; so do the texts in it, and what is added to it with ``+`` or an f-string is an
    ordinary text. `args` are those of `say`: texts and numbers.
    """

    __slots__ = ("args", "say")

    say: Callable[..., str]
    args: tuple[object, ...]

    @classmethod
    def of(cls, text: str, say: Callable[..., str], *args: object) -> Said:
        """The text that ``say(*args)`` is, in the language in use."""
        made = cls(text)
        made.say, made.args = say, args
        return made

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Callable[..., str], tuple[object, ...]]:
        return self.say, self.args


def tr(message: str, **values: object) -> str:
    """The text in the language in use, with `values` put in by name."""
    return _tr(message, _kept(values))


def ntr(singular: str, plural: str, count: int, **values: object) -> str:
    """The text for a number; ``{count}`` is put in."""
    return _ntr(singular, plural, count, _kept(values))


def mark(message: str) -> str:
    """Mark a text that is translated later, where it is shown."""
    return message


def _current() -> _Language:
    return _asked.get() or _now


def _tr(message: str, values: dict[str, object]) -> str:
    now, text = _current(), ""
    if message:  # else it names the catalogue
        text = now.catalogue.gettext(now.instead.get(message, message))
    return Said.of(text.format(**values) if values else text, _tr, message, values)


def _ntr(singular: str, plural: str, count: int, values: dict[str, object]) -> str:
    text = _current().catalogue.ngettext(singular, plural, count).format(count=count, **values)
    return Said.of(text, _ntr, singular, plural, count, values)


# Why a system refuses, as Linux and macOS say it, in English whatever the language.
_REASONS = {
    mark("Address already in use"),
    mark("Broken pipe"),
    mark("Cannot allocate memory"),
    mark("Cannot assign requested address"),
    mark("Connection refused"),
    mark("Connection reset by peer"),
    mark("Connection timed out"),
    mark("Device or resource busy"),
    mark("Disk quota exceeded"),
    mark("File exists"),
    mark("File name too long"),
    mark("File too large"),
    mark("Input/output error"),
    mark("Invalid argument"),
    mark("Is a directory"),
    mark("Name or service not known"),
    mark("Network is unreachable"),
    mark("No route to host"),
    mark("No space left on device"),
    mark("No such device"),
    mark("No such file or directory"),
    mark("Not a directory"),
    mark("Operation not permitted"),
    mark("Permission denied"),
    mark("Read-only file system"),
    mark("Stale file handle"),
    mark("Too many levels of symbolic links"),
    mark("Too many open files"),
}


def _kept(values: dict[str, object]) -> dict[str, object]:
    """What may be kept with a text: an error, say, would hold what it was raised in."""
    return {
        name: value if isinstance(value, Said | int | float) else _text(value)
        for name, value in values.items()
    }


def _text(value: object) -> str:
    """What a value says; of what the system refused, why, without its number."""
    text = str((isinstance(value, OSError) and value.strerror) or value)
    return tr(text) if text in _REASONS else text


def in_language(code: str, text: str) -> str:
    """A text in another language than the one in use, as far as it knows what it says."""
    if not isinstance(text, Said):
        return text
    token = _asked.set(_read(code))
    try:
        return str(loads(dumps(text)))
    finally:
        _asked.reset(token)


def with_other(text: str, value: str, other: str) -> str:
    """A text in which a value that was put in is another one; as it is, if there is none such."""
    if not isinstance(text, Said) or not text.args or not isinstance(text.args[-1], dict):
        return text
    values = {name: other if held == value else held for name, held in text.args[-1].items()}
    return text.say(*text.args[:-1], values)


def listed(words: Sequence[str]) -> str:
    """Several words in a row, as a text that can be said anew: ``a, b, c``."""
    *some, last = words
    return tr("{some}, {last}", some=listed(some), last=last) if some else last


def alternatives(words: Sequence[str]) -> str:
    """The same, where one of them is meant: ``a, b or c``."""
    *some, last = words
    return tr("{some} or {last}", some=listed(some), last=last) if some else last


def together(words: Sequence[str]) -> str:
    """The same, where all of them are meant: ``a, b and c``."""
    *some, last = words
    return tr("{some} and {last}", some=listed(some), last=last) if some else last


def parts_of(text: str) -> Parts:
    """What a text says, as JSON: it can be kept, or go to a page, and be said there."""
    if not isinstance(text, Said) or (name := _NAMES.get(text.say)) is None:
        return str(text)
    return [name, *(_json(arg) for arg in text.args)]


def _json(arg: object) -> Parts:
    if isinstance(arg, dict):
        return {name: parts_of(v) if isinstance(v, str) else v for name, v in arg.items()}
    return parts_of(arg) if isinstance(arg, str) else arg  # type: ignore[return-value]


def said_from(parts: object, depth: int = 8) -> str:
    """The text of such parts, in the language in use; they may come from anywhere.

    Raises:
        ValueError: they are no such parts.
    """
    if isinstance(parts, str):
        return parts
    match parts:
        case ["tr", str(message), dict(values)] if depth:
            _check(message)
            return _tr(message, _from_json(values, depth))
        case ["ntr", str(one), str(many), int(count), dict(values)] if depth:
            _check(one, many)
            return _ntr(one, many, count, _from_json(values, depth))
        case ["decimal", float(value), int(digits)] if 0 <= digits < 10:
            return decimal(value, digits)
        case ["decimal", float(value), None]:
            return decimal(value)
    raise ValueError("these are not the parts of a text")


def _from_json(values: dict[str, object], depth: int) -> dict[str, object]:
    return {
        name: value if isinstance(value, int | float) else said_from(value, depth - 1)
        for name, value in values.items()
    }


def _check(*messages: str) -> None:
    """A message from outside puts values in, and nothing else."""
    for message in messages:
        for _, name, spec, conversion in Formatter().parse(message):
            if spec or conversion or not (name is None or name.isidentifier()):
                raise ValueError("this is not a text of emolive's")


def decimal(value: float, digits: int | None = None) -> str:
    """A number for people: ``1,234.5`` with `digits` after the point; None: as many as it has."""
    text = f"{value:g}" if digits is None else f"{value:,.{digits}f}"
    return Said.of(
        text.translate(_current().signs).replace("-", "−"), decimal, float(value), digits
    )


_NAMES: dict[Callable[..., str], str] = {_tr: "tr", _ntr: "ntr", decimal: "decimal"}


def decimal_mark() -> str:
    """What stands between a number's whole part and the rest, for people."""
    return _now.signs.get(ord("."), ".")


def day_text(at: datetime) -> str:
    """A day for people, in the language in use: ``2026-03-31``, ``31.03.2026``, ``31/03/2026``."""
    if _now.code == _ENGLISH:  # which of the two orders a reader expects cannot be known
        return f"{at:%Y-%m-%d}"
    return format_date(at, _DAYS.get(_now.code, "medium"), locale=_now.code)


_DAYS = {"de": "dd.MM.yyyy", "es": "dd/MM/yyyy"}
_MONTHS = {"de": "MM.yyyy", "es": "MM/yyyy"}


def time_text(at: datetime, *, seconds: bool = False) -> str:
    """A time of day for people: ``14:05``, with its `seconds`: ``14:05:09``."""
    if _now.code == _ENGLISH:
        return f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"
    return format_time(at, "medium" if seconds else "short", locale=_now.code)


def moment_text(at: datetime, *, seconds: bool = False) -> str:
    """Day and time for people."""
    return f"{day_text(at)} {time_text(at, seconds=seconds)}"


def month_text(at: datetime) -> str:
    """A month for people: ``2026-03``, ``03.2026``, ``03/2026``."""
    return format_date(at, _MONTHS.get(_now.code, "yyyy-MM"), locale=_now.code)


def language() -> str:
    """The code of the language in use."""
    return _now.code


def languages() -> tuple[str, ...]:
    """The languages there are, English first."""
    return (_ENGLISH, *sorted(path.stem for path in _FOLDER.glob("*.po")))


def language_name(code: str) -> str:
    """A language's name in that language."""
    try:
        return (Locale.parse(code).get_display_name(code) or code).capitalize()
    except (ValueError, UnknownLocaleError):
        return code


def use_language(
    wanted: str, of_system: Sequence[str] = (), instead: Mapping[str, str] | None = None
) -> None:
    """Speak a language from now on.

    `wanted` is a code, ``"system"``, or ``"pseudo"`` for tests; English where there is none such.
    `of_system`: the system's languages, the preferred one first; empty: those of the terminal.
    `instead`: texts that others stand in for here, with the same values.
    """
    global _now
    asked: Sequence[str] = (wanted,)
    if wanted == SYSTEM:
        asked = of_system or _of_terminal()
    # Numbers and dates stay English in the one for tests.
    found = _Language(catalogue=PseudoCatalogue()) if wanted == PSEUDO else _read(spoken(asked))
    _now = replace(found, instead=instead or {})


def _of_terminal() -> Sequence[str]:
    """The languages of the environment, as gettext reads it; on Windows else the user's own."""
    if set_ := next(filter(None, (os.environ.get(name) for name in _VARIABLES)), None):
        return set_.split(":")
    if sys.platform == "win32":
        import ctypes

        code = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return (locale.windows_locale.get(code, _ENGLISH),)
    return (locale.getlocale()[0] or _ENGLISH,)


_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def spoken(asked: Sequence[str]) -> str:
    """The first of some languages (``de-AT``) that there is; English where there is none."""
    codes = [code.replace("-", "_").split("_")[0].lower() for code in asked]
    return next((code for code in codes if code in languages()), _ENGLISH)


def texts_in(code: str, places: tuple[str, ...]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """A language's texts that stand in these files or folders, and its plurals by the singular."""
    texts: dict[str, str] = {}
    plurals: dict[str, list[str]] = {}
    if code == _ENGLISH:
        return texts, plurals
    with (_FOLDER / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    for message in catalogue:
        if not any(place.startswith(places) for place, _ in message.locations):
            continue
        if isinstance(message.id, str):
            texts[message.id] = str(message.string)
        else:
            plurals[message.id[0]] = [*(message.string or ())]
    return texts, plurals


@cache
def _read(code: str) -> _Language:
    if code == _ENGLISH:
        return _Language()
    with (_FOLDER / f"{code}.po").open("rb") as file:
        texts = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, texts)
    compiled.seek(0)
    signs = {ord("."): get_decimal_symbol(code), ord(","): get_group_symbol(code)}
    return _Language(code, gettext.GNUTranslations(compiled), signs)
