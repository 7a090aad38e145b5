"""The voice over time: pitch with its range, intensity, formants, speech rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np

from emolive.explain.voice_tracks import Track
from emolive.history.streams import Named
from emolive.i18n import decimal, mark, tr
from emolive.times import clock_text
from emolive.types import FloatArray
from emolive.ui.timeline.curve_panel import Curve, CurvePanel


class VoiceSource(Named, Protocol):
    """A stream's voice: tracks on a fixed grid."""

    @property
    def step_s(self) -> float:
        """Seconds of a column."""

    @property
    def problem(self) -> str:
        """Why there is nothing, in one sentence, or ""."""

    def cells(self, first: int, last: int, every: int = 1) -> FloatArray:
        """Columns ``first, first + every, ... < last``, float32 ``(len(Track), n)``.

        NaN for nothing (yet).
        """


class VoicePanel(CurvePanel[VoiceSource]):
    """One measure over time. `key` names it in settings; `unit` stands behind values."""

    key: ClassVar[str]
    tracks: ClassVar[tuple[Track, ...]]
    unit: ClassVar[str]
    digits: ClassVar[int] = 0
    dots: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """For people."""
        return tr(self.menu)

    @property
    def heading(self) -> str:
        """Name and unit."""
        return f"{self.name}, {tr(self.unit)}"

    def curves(self, start_s: float, end_s: float) -> Sequence[Curve]:
        """The kind's tracks."""
        step = self.stream.step_s
        first, last = max(0, math.floor(start_s / step)), math.ceil(end_s / step) + 1
        # Two values a pixel, the same ones wherever the view is; a dot is wider than that.
        most = self.axis.width // 2 if self.dots else 2 * self.axis.width
        every = max(1, (last - first) // max(1, most))
        first -= first % every
        cells = self.stream.cells(first, last, every)
        self._say(self.stream.problem)
        at_s = (np.arange(first, last, every, dtype=np.float64) + 0.5) * step
        colours = ("accent", "warning", "danger")
        return [
            Curve(at_s, cells[track], self.theme.colour(colours[i]), self.dots)
            for i, track in enumerate(self.tracks)
        ]

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """The exact values of that moment."""
        values = self._values(at_s)
        if np.isnan(values).all():
            return ""
        return f"<b>{clock_text(at_s)}</b> {self.name}: {self._words(values)}"

    def _values(self, at_s: float) -> FloatArray:
        first = int(at_s / self.stream.step_s)
        values: FloatArray = self.stream.cells(first, first + 1)[list(self.tracks), 0]
        return values

    def _words(self, values: FloatArray) -> str:
        return f"{decimal(values[0], self.digits)} {tr(self.unit)}"

    def _say(self, problem: str) -> None:
        if problem:
            self.caption = f"{self.name}: {problem}"


class PitchPanel(VoicePanel):
    """Fundamental frequency; the band is where it lies for 80 % of the voice in view."""

    title = mark("Pitch over time, {name}")
    menu = mark("Pitch")
    key, tracks = "pitch", (Track.PITCH,)
    unit = mark("Hz")

    def band(self, curves: Sequence[Curve]) -> tuple[float, float] | None:
        """From the 10th to the 90th percentile, which the caption names."""
        values = curves[0].values
        voiced = values[~np.isnan(values)]
        if voiced.size < 10:
            return None
        low, high = (float(one) for one in np.percentile(voiced, (10, 90)))
        self.caption = tr(
            "Pitch {low}–{high} Hz, range {range} semitones",
            low=f"{low:.0f}",
            high=f"{high:.0f}",
            range=decimal(12 * math.log2(high / low), 1),
        )
        return low, high


class IntensityPanel(VoicePanel):
    """Intensity after Praat."""

    title = mark("Intensity over time, {name}")
    menu = mark("Intensity")
    key, tracks = "intensity", (Track.INTENSITY,)
    follow_ms = 117
    unit = mark("dBFS")
    digits = 1


class FormantPanel(VoicePanel):
    """The first three formants, where there is voice."""

    title = mark("Formants over time, {name}")
    menu = mark("Formants")
    key, tracks = "formants", (Track.F1, Track.F2, Track.F3)
    follow_ms = 134
    unit = mark("Hz")
    dots = True

    def _words(self, values: FloatArray) -> str:
        found = [
            f"F{number} {value:.0f}"
            for number, value in enumerate(values.tolist(), 1)
            if not math.isnan(value)
        ]
        return f"{' · '.join(found)} {tr(self.unit)}"


class RatePanel(VoicePanel):
    """Syllables per second of sound, an estimate."""

    title = mark("Speech rate over time, {name}")
    menu = mark("Speech rate")
    key, tracks = "rate", (Track.RATE,)
    follow_ms = 151
    unit = mark("syllables/s, estimated")
    digits = 1


VOICE_PANELS: tuple[type[VoicePanel], ...] = (
    PitchPanel,
    IntensityPanel,
    FormantPanel,
    RatePanel,
)
