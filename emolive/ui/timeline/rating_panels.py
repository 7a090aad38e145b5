"""What people rated continuously: a lane for valence and one for arousal, a curve for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emolive.i18n import decimal, mark, tr
from emolive.session.records import Dimension, Trace
from emolive.times import clock_text
from emolive.ui.timeline.curve_panel import Curve, CurvePanel

_COLOURS = ("accent", "warning", "danger", "muted", "text")


@dataclass(slots=True, eq=False)
class Ratings:
    """What is to be shown, one's own first, at `rate` samples per second; of all streams ("")."""

    rate: int = 1
    traces: tuple[Trace, ...] = ()
    name: str = ""


class RatingPanel(CurvePanel[Ratings]):
    """One dimension."""

    dimension: ClassVar[Dimension]

    @property
    def heading(self) -> str:
        """Its name, and whose curves there are, where there are several."""
        names = [trace.annotator for trace in self._ours()]
        return " · ".join([tr(self.menu), *(names if len(names) > 1 else ())])

    def limits(self) -> tuple[float, float] | None:
        """The whole scale."""
        return -1.0, 1.0

    def curves(self, start_s: float, end_s: float) -> Sequence[Curve]:
        """Everybody's, as far as they are in view."""
        self.caption = self.heading
        found = []
        for i, trace in enumerate(self._ours()):
            step = trace.step_samples / self.stream.rate
            first = max(0, int(start_s / step) - 1)
            last = min(trace.values.size, int(end_s / step) + 2)
            at_s = (np.arange(first, max(first, last), dtype=np.float64) + 0.5) * step
            colour = self.theme.colour(_COLOURS[i % len(_COLOURS)])
            found.append(Curve(at_s, trace.values[first:last], colour))
        return found

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """Everybody's value at that moment."""
        words = []
        for trace in self._ours():
            cell = int(at_s * self.stream.rate / trace.step_samples)
            if cell < trace.values.size and not np.isnan(trace.values[cell]):
                words.append(f"{trace.annotator}: {decimal(float(trace.values[cell]), 2)}")
        return f"<b>{clock_text(at_s)}</b> {tr(self.menu)} {', '.join(words)}" if words else ""

    def _ours(self) -> list[Trace]:
        return [trace for trace in self.stream.traces if trace.dimension is self.dimension]


class ValencePanel(RatingPanel):
    """From unpleasant to pleasant."""

    dimension, title, menu = Dimension.VALENCE, mark("Rated valence"), mark("Rated valence")


class ArousalPanel(RatingPanel):
    """From calm to aroused."""

    dimension, title, menu = Dimension.AROUSAL, mark("Rated arousal"), mark("Rated arousal")


RATING_PANELS: tuple[type[RatingPanel], ...] = (ValencePanel, ArousalPanel)
