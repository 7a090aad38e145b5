"""What a page needs to know of the model and the language, so that it has no copy of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emolive import __version__
from emolive.conversation.definitions import DEFINITIONS
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
