"""Drawings of the report, as SVG that takes its colours from the page: light, dark or printed."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from emolive.labels import swatch

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

# Hues that stay apart for colour-blind people, by the emotion whose tone in `emolive.labels` they
# are; the shape of the marker says the same again.
_HUES = ("sad", "angry", "disgust", "surprised", "fearful", "calm", "neutral", "happy")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", "-", "--", "-.", ":")
# Stand-ins that the SVG is searched for.
_INK, _MUTED, _GRID = "#010101", "#010102", "#010103"
_SERIES = tuple(f"#0101{0x10 + i:02x}" for i in range(len(_HUES)))
_NAMES = {_INK: "ink", _MUTED: "muted", _GRID: "grid"} | {
    colour: f"series-{i}" for i, colour in enumerate(_SERIES)
}
_STYLE: dict[RcKeyType, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "emolive",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _MUTED,
    "axes.titlecolor": _INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def series_tones() -> tuple[tuple[str, str], ...]:
    """The light and the dark tone of each series, ``#RRGGBB``, in order."""
    return tuple((swatch(h).light, swatch(h).dark) for h in _HUES)


def colour(i: int) -> str:
    """The stand-in for the i-th series."""
    return _SERIES[i % len(_SERIES)]


INK, MUTED = _INK, _MUTED


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Canvas, list[str]]]:
    """A canvas of so many inches, and a list that holds its SVG afterwards."""
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=(width, height), layout="constrained")
        result: list[str] = []
        yield canvas, result
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        result.append(_for_page(buffer.getvalue()))


def _for_page(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    for stand_in, name in _NAMES.items():
        svg = svg.replace(stand_in, f"var(--{name})")
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    head = f'<svg role="img" class="plot" style="max-width:{float(width):.0f}pt" '
    head += f'viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" '
    head += 'xmlns:xlink="http://www.w3.org/1999/xlink">'
    return head + svg[svg.index(">") + 1 :]


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its standard deviation, in percent; published ones are drawn hollow."""

    name: str
    value: float
    sd: float | None
    published: bool = False


def _wrapped(name: str, width: int = 42) -> str:
    return "\n".join(textwrap.wrap(name, width))


def _lines(rows: Sequence[Dot] | Sequence[Interval]) -> int:
    """Lines of text that the rows' names take."""
    return sum(_wrapped(row.name).count("\n") + 1 for row in rows)


def dots(rows: Sequence[Dot], axis: str) -> str:
    """Values from the best at the top down, with bars of one standard deviation."""
    rows = sorted(rows, key=lambda r: r.value)
    with drawing(8.4, 0.75 + 0.17 * _lines(rows) + 0.13 * len(rows)) as (canvas, svg):
        axes = canvas.add_subplot()
        for y, row in enumerate(rows):
            tone = MUTED if row.published else colour(0)
            axes.errorbar(
                row.value,
                y,
                xerr=row.sd,
                fmt="D" if row.published else "o",
                color=tone,
                markerfacecolor="none" if row.published else tone,
                markersize=6,
                capsize=3,
            )
            edge = row.value + (row.sd or 0.0)
            axes.annotate(
                f"{row.value:.1f}", (edge, y), (6, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(rows)), [_wrapped(r.name) for r in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(axis)
        axes.set_xlim(0, min(100.0, max(r.value + (r.sd or 0.0) for r in rows) + 12))
    return svg[0]


@dataclass(frozen=True, slots=True)
class Curve:
    """A named curve."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


def conditions(curves: Sequence[Curve], names: Sequence[str], axis: str) -> str:
    """One line per model over listening conditions."""
    with drawing(8.4, 3.4) as (canvas, svg):
        axes = canvas.add_subplot()
        for i, curve in enumerate(curves):
            axes.plot(
                curve.x,
                curve.y,
                marker=MARKERS[i % len(MARKERS)],
                linestyle=DASHES[i % len(DASHES)],
                color=colour(i),
                label=_wrapped(curve.name, 34),
            )
        axes.set_xticks(range(len(names)), list(names))
        axes.set_ylim(bottom=0)
        axes.set_ylabel(axis)
        _legend(axes)
    return svg[0]


def lines(
    curves: Sequence[Curve], x_axis: str, y_axis: str, *, x_limits: tuple[float, float]
) -> str:
    """Smooth curves."""
    with drawing(8.4, 3.6) as (canvas, svg):
        axes = canvas.add_subplot()
        for i, curve in enumerate(curves):
            axes.plot(
                curve.x,
                curve.y,
                color=colour(i),
                linestyle=DASHES[i % len(DASHES)],
                linewidth=1.8,
                label=_wrapped(curve.name, 34),
            )
        axes.set_xlim(*x_limits)
        axes.set_xlabel(x_axis)
        axes.set_ylabel(y_axis)
        _legend(axes)
    return svg[0]


def diagonal(panels: Sequence[tuple[str, Sequence[tuple[float, float, int]]]]) -> str:
    """Reliability: confidence against accuracy, the area of a dot the number of windows."""
    with drawing(8.4, 3.9) as (canvas, svg):
        for i, (title, bins) in enumerate(panels):
            axes = canvas.add_subplot(1, len(panels), i + 1)
            axes.plot([0, 100], [0, 100], color=MUTED, linestyle="--", linewidth=1)
            total = sum(n for *_, n in bins)
            axes.plot([100 * c for c, _, _ in bins], [100 * a for _, a, _ in bins], color=colour(0))
            axes.scatter(
                [100 * c for c, _, _ in bins],
                [100 * a for _, a, _ in bins],
                s=[12 + 600 * n / total for *_, n in bins],
                color=colour(0),
                alpha=0.6,
            )
            axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal", title=title)
            axes.set_xlabel("confidence, %")
            axes.set_ylabel("right, %")
    return svg[0]


@dataclass(frozen=True, slots=True)
class Learning:
    """One recipe's training and validation accuracy by epoch, in percent."""

    name: str
    train: Curve
    validation: Curve


def learning(panels: Sequence[Learning]) -> str:
    """Small multiples of training curves with shared axes."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    with drawing(8.4, 0.5 + 2.3 * rows) as (canvas, svg):
        grid = canvas.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            axes.plot(panel.train.x, panel.train.y, color=colour(0), label=panel.train.name)
            axes.plot(
                panel.validation.x,
                panel.validation.y,
                color=colour(1),
                linestyle="--",
                marker="s",
                markersize=4,
                label=panel.validation.name,
            )
            axes.set_title(_wrapped(panel.name, 34), fontsize=9)
            axes.set_ylim(0, 100)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy, %")
        for axes in list(grid.flat)[max(0, len(panels) - columns) : len(panels)]:
            axes.set_xlabel("epoch")
        handles, labels = grid.flat[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper left", ncols=2)
    return svg[0]


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference with its interval, in points."""

    name: str
    value: float
    low: float
    high: float


def differences(rows: Sequence[Interval], axis: str) -> str:
    """Differences around zero, first at the top; solid where the interval leaves zero out."""
    with drawing(8.4, 0.75 + 0.17 * _lines(rows) + 0.13 * len(rows)) as (canvas, svg):
        axes = canvas.add_subplot()
        axes.axvline(0, color=INK, linewidth=1)
        for y, row in enumerate(reversed(rows)):
            decided = row.low > 0 or row.high < 0
            tone = colour(2) if row.low > 0 else colour(1) if row.high < 0 else MUTED
            axes.plot([row.low, row.high], [y, y], color=tone, linewidth=1.8)
            axes.plot(
                row.value,
                y,
                marker="o" if row.low > 0 else "s" if decided else "D",
                color=tone,
                markerfacecolor=tone if decided else "none",
            )
        axes.set_yticks(range(len(rows)), [_wrapped(r.name) for r in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(axis)
    return svg[0]
