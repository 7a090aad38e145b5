"""Emotions: one row each, with everything the program knows of one but its probability.

The usual palette, "safe", is near Okabe and Ito's hues, moved so that every pair of the bundled
model's emotions stays apart for people with protanopia, deuteranopia or tritanopia, with their grey
taken by "neutral" (plain Okabe–Ito plus a grey leaves grey and reddish purple almost equal). Colour
is never the only sign: names stand beside it, and silence and uncertain have patterns instead.
"vivid" has the hues that people expect, and is not made for colour blindness.

Positions are the mean pleasure and arousal ratings that Russell and Mehrabian report for emotion
words, on scales from -1 to 1: J. A. Russell, A. Mehrabian (1977), "Evidence for a three-factor
theory of emotions", Journal of Research in Personality 11, 273-294. The word for "calm" there is
"relaxed"; "neutral" is the origin, where neither dimension says anything.

A label that is in no row, a model's or a person's own, has the colour that follows from its name,
the same wherever and beside whatever it is shown, and no position.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from emolive.i18n import mark, tr
from emolive.types import SpeechState
from emolive.wording import state_name

_INK_DARK = "#10151C"
_INK_LIGHT = "#FFFFFF"


@dataclass(frozen=True, slots=True)
class Swatch:
    """One emotion's colour, ``#RRGGBB``, on a light and on a dark background."""

    light: str
    dark: str

    def fill(self, *, dark: bool) -> str:
        """The tone for that background."""
        return self.dark if dark else self.light

    def ink(self, *, dark: bool) -> str:
        """Text colour with the higher contrast on the fill."""
        fill = self.fill(dark=dark)
        return max((_INK_DARK, _INK_LIGHT), key=lambda ink: contrast(ink, fill))


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two ``#RRGGBB`` colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG relative luminance of ``#RRGGBB``, 0 to 1."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


PaletteName = Literal["safe", "vivid"]
POSITIONS_FROM = "Russell & Mehrabian (1977), J. Research in Personality 11:273–294"


@dataclass(frozen=True, slots=True)
class Position:
    """A point of the valence–arousal plane, -1 to 1 each."""

    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Emotion:
    """What is known of an emotion; `aliases` are the names that other models and corpora use."""

    name: str
    aliases: tuple[str, ...]
    safe: Swatch
    vivid: Swatch
    position: Position


def _row(name: str, safe: str, vivid: str, position: tuple[float, float], *aliases: str) -> Emotion:
    """Colours are given for a light and a dark background."""
    return Emotion(
        name, aliases, Swatch(*safe.split()), Swatch(*vivid.split()), Position(*position)
    )


_TABLE = (
    _row(mark("neutral"), "#BCC4CE #CBD0D6", "#AEB6C1 #B9C0CA", (0.00, 0.00)),
    _row(mark("calm"), "#70B4F8 #7CB8FA", "#4CB8C4 #55C7D3", (0.68, -0.46), "relaxed"),
    _row(mark("happy"), "#F4D431 #F6EE72", "#FFC928 #FFD54A", (0.81, 0.51), "happiness", "joy"),
    _row(mark("sad"), "#1F4FA3 #3463BC", "#3B6FD4 #5586E8", (-0.63, -0.27), "sadness"),
    _row(mark("angry"), "#D5380A #E2440E", "#E0313A #F0474F", (-0.51, 0.59), "anger"),
    _row(mark("fearful"), "#9A68D4 #AB73E6", "#8250C8 #9C6BE0", (-0.64, 0.60), "fear"),
    _row(mark("disgust"), "#1C8A78 #1FA591", "#6E9B2C #84B53A", (-0.60, 0.35), "disgusted"),
    _row(
        mark("surprised"), "#EA8E08 #E6A11A", "#F5822E #FF9648", (0.40, 0.67),
        "surprise", "pleasant surprise",
    ),
    _row(mark("bored"), "#7A5C43 #8F6F55", "#8A6A4F #A58468", (-0.65, -0.62), "boredom"),
    _row(mark("excited"), "#E0559B #F06BAE", "#E84FA0 #FF6DB6", (0.62, 0.75), "excitement"),
)  # fmt: skip
_ROWS = {name: row for row in _TABLE for name in (row.name, *row.aliases)}
# Those that the bundled model tells apart.
USUAL = tuple(row.name for row in _TABLE[:8])


def emotion(label: str) -> Emotion | None:
    """The row that a label means, by any of its names; None for an own label."""
    return _ROWS.get(label.strip().casefold().replace("_", " "))


def canonical(label: str) -> str:
    """The name under which a label's row stands; an own label itself."""
    row = emotion(label)
    return label if row is None else row.name


def names_of(label: str) -> tuple[str, ...]:
    """All names of a label, in small letters."""
    row = emotion(label)
    return (label.casefold(),) if row is None else (row.name, *row.aliases)


def emotion_name(label: str) -> str:
    """A label for people; names that no row begins with are shown as they are."""
    return tr(label) if canonical(label) == label and emotion(label) else label


def label_name(label: str) -> str:
    """What a stretch of a timeline shows, for people: an emotion, or that there is none."""
    return state_name(SpeechState(label)) if label in _NO_EMOTION else emotion_name(label)


_NO_EMOTION = {SpeechState.SILENCE, SpeechState.UNCERTAIN, SpeechState.NOT_INFERRED}


def position_of(label: str) -> Position | None:
    """Where an emotion lies, or None when no published position is known for its name."""
    row = emotion(label)
    return None if row is None else row.position


def is_negative(label: str) -> bool:
    """Whether an emotion is an unpleasant one, by its published place on the valence axis."""
    place = position_of(label)
    return place is not None and place.valence < 0


def swatch(
    label: str, palette: PaletteName = "safe", own: Mapping[str, str] | None = None
) -> Swatch:
    """A label's colours; `own` are ``#RRGGBB`` that people gave to labels, before the palette's."""
    colour = own and (own.get(label) or own.get(canonical(label)))
    if colour:
        return Swatch(colour, colour)
    row = emotion(label)
    if row is None:
        return _of_name(label.strip().casefold())
    return row.safe if palette == "safe" else row.vivid


def swatches(labels: Sequence[str]) -> tuple[Swatch, ...]:
    """The usual swatch of each label."""
    return tuple(swatch(label) for label in labels)


@cache
def _of_name(name: str) -> Swatch:
    """A hue, and one of three lightnesses, from the name alone; duller than the table's."""
    digest = hashlib.blake2s(name.encode()).digest()
    hue, step = int.from_bytes(digest[2:4], "big") / 65_536, digest[4] % 3

    def tone(lightness: float) -> str:
        rgb = colorsys.hls_to_rgb(hue, lightness, 0.42)
        return "#" + "".join(f"{round(255 * part):02X}" for part in rgb)

    return Swatch(tone(0.33 + 0.15 * step), tone(0.40 + 0.15 * step))
