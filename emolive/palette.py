"""Colours of the emotions, shared by the desktop and the terminal.

Near Okabe and Ito's hues, moved so that every pair stays apart for people with protanopia,
deuteranopia or tritanopia, with their grey taken by "neutral" (plain Okabe–Ito plus a grey leaves
grey and reddish purple almost equal). Each emotion has one tone per background. Colour is never
the only sign: names stand beside it, and silence and uncertain have patterns instead of colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


_SWATCHES = {
    "neutral": Swatch("#BCC4CE", "#CBD0D6"),
    "calm": Swatch("#70B4F8", "#7CB8FA"),
    "happy": Swatch("#F4D431", "#F6EE72"),
    "sad": Swatch("#1F4FA3", "#3463BC"),
    "angry": Swatch("#D5380A", "#E2440E"),
    "fearful": Swatch("#9A68D4", "#AB73E6"),
    "disgust": Swatch("#1C8A78", "#1FA591"),
    "surprised": Swatch("#EA8E08", "#E6A11A"),
}
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


def swatches(labels: Sequence[str]) -> tuple[Swatch, ...]:
    """One swatch per label, each used once as long as there are enough.

    Labels without a colour of their own take the free ones in order, then start over.
    """
    known = [_ALIASES.get(label.casefold(), label.casefold()) for label in labels]
    free = [name for name in _SWATCHES if name not in known] or list(_SWATCHES)
    chosen: list[Swatch] = []
    used = 0
    for name in known:
        if name in _SWATCHES:
            chosen.append(_SWATCHES[name])
        else:
            chosen.append(_SWATCHES[free[used % len(free)]])
            used += 1
    return tuple(chosen)


def swatch(label: str) -> Swatch:
    """The swatch of one label."""
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
