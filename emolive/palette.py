"""Colours of the emotions, shared by the desktop and the terminal.

The usual palette, "safe", is near Okabe and Ito's hues, moved so that every pair stays apart for
people with protanopia, deuteranopia or tritanopia, with their grey taken by "neutral" (plain
Okabe–Ito plus a grey leaves grey and reddish purple almost equal). Each emotion has one tone per
background. Colour is never the only sign: names stand beside it, and silence and uncertain have
patterns instead of colours.
"vivid" has the hues that people expect, and is not made for colour blindness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

PaletteName = Literal["safe", "vivid"]

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


_SAFE = {
    "neutral": Swatch("#BCC4CE", "#CBD0D6"),
    "calm": Swatch("#70B4F8", "#7CB8FA"),
    "happy": Swatch("#F4D431", "#F6EE72"),
    "sad": Swatch("#1F4FA3", "#3463BC"),
    "angry": Swatch("#D5380A", "#E2440E"),
    "fearful": Swatch("#9A68D4", "#AB73E6"),
    "disgust": Swatch("#1C8A78", "#1FA591"),
    "surprised": Swatch("#EA8E08", "#E6A11A"),
}
_VIVID = {
    "neutral": Swatch("#AEB6C1", "#B9C0CA"),
    "calm": Swatch("#4CB8C4", "#55C7D3"),
    "happy": Swatch("#FFC928", "#FFD54A"),
    "sad": Swatch("#3B6FD4", "#5586E8"),
    "angry": Swatch("#E0313A", "#F0474F"),
    "fearful": Swatch("#8250C8", "#9C6BE0"),
    "disgust": Swatch("#6E9B2C", "#84B53A"),
    "surprised": Swatch("#F5822E", "#FF9648"),
}
_PALETTES: Mapping[PaletteName, Mapping[str, Swatch]] = {"safe": _SAFE, "vivid": _VIVID}
# The same emotions under the names that other models use.
_ALIASES = {
    "anger": "angry",
    "boredom": "calm",
    "disgusted": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}


def swatches(
    labels: Sequence[str],
    palette: PaletteName = "safe",
    own: Mapping[str, str] | None = None,
) -> tuple[Swatch, ...]:
    """One swatch per label, each used once as long as there are enough.

    Labels without a colour of their own take the free ones in order, then start over.

    Args:
        labels: names of the classes.
        palette: where colours come from.
        own: ``#RRGGBB`` for some labels, the same on both backgrounds, before the palette's.
    """
    table = _PALETTES[palette]
    known = [_ALIASES.get(label.casefold(), label.casefold()) for label in labels]
    free = [name for name in table if name not in known] or list(table)
    chosen: list[Swatch] = []
    used = 0
    for label, name in zip(labels, known, strict=True):
        if own and (colour := own.get(label)):
            chosen.append(Swatch(colour, colour))
        elif name in table:
            chosen.append(table[name])
        else:
            chosen.append(table[free[used % len(free)]])
            used += 1
    return tuple(chosen)


def swatch(label: str) -> Swatch:
    """The usual swatch of one label."""
    return swatches((label,))[0]


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
