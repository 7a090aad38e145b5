"""What the wall says, in the language of who looks at it."""

from __future__ import annotations

from functools import cache
from typing import Any

from emolive.i18n import spoken, texts_in

# Where texts stand that a page shows: its own, and what the server tells it.
_PLACES = (
    "emolive/server/",
    "emolive/alerts/",
    "emolive/engine/",
    "emolive/monitoring/",
    "emolive/inference/doubt.py",
    "emolive/i18n.py",
    "emolive/labels.py",
    "emolive/wording.py",
    "emolive/conversation/definitions.py",
)
_LONGEST = 500


def wall_texts(accepted: str) -> dict[str, Any]:
    """Texts for an ``Accept-Language`` header, or one language; none for English."""
    return _texts(language_of(accepted))


def language_of(accepted: str) -> str:
    """The language to speak for such a header; English without one."""
    return spoken(_in_order(accepted[:_LONGEST]))


@cache
def _texts(language: str) -> dict[str, Any]:
    texts, plurals = texts_in(language, _PLACES)
    return {"language": language, "texts": texts, "plurals": plurals}


def _in_order(accepted: str) -> list[str]:
    """The languages of an ``Accept-Language`` header, the preferred one first."""
    wanted: list[tuple[float, int, str]] = []
    for part in accepted.split(","):
        code, _, weight = part.partition(";")
        try:
            q = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            q = 0.0
        if q > 0:
            wanted.append((-q, len(wanted), code.strip()))
    return [code for _, _, code in sorted(wanted)]
