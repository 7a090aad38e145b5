"""The emotions' colours as a style sheet, light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from emolive.labels import swatches
from emolive.session.timeline import Timeline

# Labels without a colour have a pattern of their own.
PATTERNS = ("silence", "uncertain", "not_inferred")


def coloured(timeline: Timeline) -> tuple[str, ...]:
    """The labels that have a colour: the model's, then those that only people gave."""
    given = (one.label for one in timeline.annotations if one.label and one.label not in PATTERNS)
    return tuple(dict.fromkeys((*timeline.labels, *given)))


def label_class(label: str, labels: Sequence[str]) -> str:
    """The style class of a label: ``k0``, ``k1``, ... or a pattern's name."""
    if label in labels:
        return f"k{labels.index(label)}"
    return label if label in PATTERNS else ""


def palette_css(labels: Sequence[str]) -> str:
    """Custom properties ``--c0`` (fill) and ``--i0`` (text on it), and a class for each label."""
    chosen = swatches(labels)

    def properties(dark: bool) -> str:
        return "".join(
            f"--c{i}:{swatch.fill(dark=dark)};--i{i}:{swatch.ink(dark=dark)};"
            for i, swatch in enumerate(chosen)
        )

    classes = "".join(f".k{i}{{--fill:var(--c{i});--ink:var(--i{i})}}" for i in range(len(chosen)))
    return (
        f":root{{{properties(False)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{properties(True)}}}}}{classes}"
    )
