"""The one seam through which every text for people passes, so that it can be translated.

Texts are written in English in the code: ``tr("Start")``, with values by name:
``tr("{count} windows", count=3)``. A language is a gettext catalogue,
``emolive/locale/<language>/LC_MESSAGES/emolive.mo``; English needs none. Extract the texts with
``xgettext --keyword=tr --keyword=ntr:1,2 --keyword=mark``.
"""

from __future__ import annotations

import gettext
import locale
from pathlib import Path
from typing import Final, Protocol

SYSTEM: Final = "system"
PSEUDO: Final = "pseudo"
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


# The language is the process's, as the locale is; set once, before the first window.
_catalogue: Catalogue = gettext.NullTranslations()


def tr(message: str, **values: object) -> str:
    """The text in the language in use, with `values` put in by name."""
    text = _catalogue.gettext(message)
    return text.format(**values) if values else text


def ntr(singular: str, plural: str, count: int, **values: object) -> str:
    """The text for a number; ``{count}`` is put in."""
    return _catalogue.ngettext(singular, plural, count).format(count=count, **values)


def mark(message: str) -> str:
    """Mark a text that is translated later, where it is shown."""
    return message


def languages() -> tuple[str, ...]:
    """The languages there are, English first."""
    found = sorted(path.parent.parent.name for path in _FOLDER.glob("*/LC_MESSAGES/emolive.mo"))
    return ("en", *found)


def use_language(language: str) -> None:
    """Speak `language` from now on: a code, ``"system"``, or ``"pseudo"`` for tests."""
    global _catalogue
    if language == PSEUDO:
        _catalogue = PseudoCatalogue()
        return
    if language == SYSTEM:
        language = locale.getlocale()[0] or "en"
    wanted = [language, language.split("_")[0]]
    _catalogue = gettext.translation("emolive", _FOLDER, wanted, fallback=True)
