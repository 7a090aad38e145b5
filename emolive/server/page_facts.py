"""What pages need to know: names, colours, definitions, and texts in their reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from emolive import __version__
from emolive.conversation.definitions import DEFINITIONS
from emolive.i18n import spoken, texts_in
from emolive.labels import emotion_name, is_negative, swatch
from emolive.server.host import ModelFacts
from emolive.types import Familiarity, SpeechState
from emolive.wording import familiarity_text, state_name, stream_name

_STREAMS = ("agent", "customer", "both", "mono", "left", "right")


def appearance(model: ModelFacts, labels: Sequence[str]) -> dict[str, Any]:
    """Names, colours and definitions; of these `labels`, or of the model's where there are none."""
    return {
        "version": __version__,
        "model": model.name,
        "hop_s": model.hop_s,
        "window_s": model.window_s,
        "telephone": dict(model.telephone),
        "labels": [_label(label) for label in labels or model.labels],
        "states": {state.value: state_name(state) for state in SpeechState},
        "streams": {stream: stream_name(stream) for stream in _STREAMS},
        "familiarity": {
            word.value: familiarity_text(word)
            for word in Familiarity
            if word is not Familiarity.FAMILIAR
        },
        "definitions": [
            {"field": d.field, "name": d.name, "unit": d.unit, "text": d.text, "source": d.source}
            for d in DEFINITIONS
        ],
    }


def _label(label: str) -> dict[str, Any]:
    colours = swatch(label)
    return {
        "label": label,
        "name": emotion_name(label),
        "light": colours.light,
        "dark": colours.dark,
        "ink_light": colours.ink(dark=False),
        "ink_dark": colours.ink(dark=True),
        "negative": is_negative(label),
    }


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
