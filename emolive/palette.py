"""Colours as ``#RRGGBB``, for light and dark backgrounds, and how far two stand apart."""

from __future__ import annotations

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
