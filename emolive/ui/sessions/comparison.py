"""Where two models answer the same, and where they do not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QWidget

from emolive.history.rings import NO_LABEL, DecisionRing, DecisionRows
from emolive.i18n import decimal, tr
from emolive.session.comparison import Comparison, OtherTimeline
from emolive.times import clock_text
from emolive.ui.controls import label, push_button
from emolive.ui.layouts import hbox
from emolive.ui.theme import Theme
from emolive.ui.timeline.panel import TimePanel
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.wording import percent

STRIP_HEIGHT = 12
_COLUMN_PX = 2


class AgreementStrip(TimePanel):
    """Full where two timelines differ, a thin line where they say the same."""

    grid = None  # none: it is narrow

    def __init__(
        self,
        axis: TimeAxis,
        theme: Theme,
        one: DecisionRing,
        other: DecisionRing,
        hop_s: float,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(axis, theme, parent)
        self._rings = (one, other)
        self._hop_s = hop_s
        self.setFixedHeight(STRIP_HEIGHT)
        self.setAccessibleName(tr("Where the models differ"))

    def y_ticks(self) -> list[tuple[float, str]]:
        """Its name, in the place of a scale."""
        return [(0.5, tr("differ"))]

    def paint_content(self, painter: QPainter, start: int, stop: int, scale: float) -> None:
        """Draw columns of 2 px in one of two ways; columns without both answers stay empty."""
        column = max(1, round(_COLUMN_PX * scale))
        first = (self.axis.start_px + start) // column - 1
        last = (self.axis.start_px + stop) // column + 2
        columns = np.arange(first, last)
        at_s = (columns.astype(np.float64) + 0.5) * (column * self.axis.seconds_per_px)
        same = self._same(at_s)
        height = self._image.height()
        differ, equal = self.theme.colour("warning"), self.theme.colour("faint")
        thin = max(1, round(2 * scale))
        for at, verdict in zip(columns.tolist(), same.tolist(), strict=True):
            left = at * column - self.axis.start_px
            if verdict == 0:
                painter.fillRect(left, 0, column, height, differ)
            elif verdict == 1:
                painter.fillRect(left, (height - thin) // 2, column, thin, equal)

    def describe(self, at_s: float, height: float) -> str:  # noqa: ARG002
        """Whether they differ there."""
        verdict = int(self._same(np.array([at_s]))[0])
        if verdict < 0:
            return ""
        text = tr("both models say the same") if verdict else tr("the models differ")
        return f"<b>{clock_text(at_s)}</b> {text}"

    def _same(self, at_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
        """1 where both say the same, 0 where not, -1 where one says nothing."""
        margin = 2 * self._hop_s
        codes = [
            _codes(ring.rows(float(at_s[0]) - margin, float(at_s[-1]) + margin), at_s, margin)
            for ring in self._rings
        ]
        labels = self._rings[0].labels
        # By name: the other model may have the classes in another order.
        mapping = np.array(
            [labels.index(name) if name in labels else 100 + i
             for i, name in enumerate(self._rings[1].labels)]
        )  # fmt: skip
        other = _mapped(mapping, codes[1])
        same: npt.NDArray[np.int8] = (codes[0] == other).astype(np.int8)
        same[(codes[0] < 0) | (other < 0)] = -1
        return same


def _mapped(mapping: npt.NDArray[np.int_], codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    inside = (codes >= 0) & (codes < len(mapping))
    return np.where(inside, mapping[np.where(inside, codes, 0)], codes).astype(np.int64)


def _codes(
    rows: DecisionRows, at_s: npt.NDArray[np.float64], within_s: float
) -> npt.NDArray[np.int64]:
    """For each time the nearest decision: a class index, NO_LABEL + state, or -1 for none."""
    if not len(rows):
        return np.full(len(at_s), -1, np.int64)
    after = np.clip(np.searchsorted(rows.centre_s, at_s), 1, max(1, len(rows) - 1))
    after = np.minimum(after, len(rows) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(rows.centre_s[before] - at_s) <= np.abs(rows.centre_s[after] - at_s)
    nearest = np.where(nearer, before, after)
    label = rows.label[nearest].astype(np.int64)
    state = rows.state[nearest].astype(np.int64)
    codes = np.where(label == NO_LABEL, NO_LABEL + state, label)
    codes[np.abs(rows.centre_s[nearest] - at_s) > within_s] = -1
    return codes


class ComparisonBar(QFrame):
    """One line."""

    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setProperty("severity", "info")
        self.text = label("", self, wrap=True)
        hbox(
            (self.text, 1),
            push_button(tr("End comparison"), self, self.ended.emit),
            within=self,
            margins=(14, 5, 6, 5),
        )
        self.hide()

    def show_other(self, old: str, other: OtherTimeline | None) -> None:
        """Say how far the models agree; None hides the bar."""
        self.setVisible(other is not None)
        if other is None:
            return
        text = tr("Above: {old} (stored).  Below: {new}.", old=old, new=other.model)
        parts = [text, *agreement_words(other.comparison), *other.problems]
        self.text.setText("  ".join(parts))


def agreement_words(comparison: Comparison) -> list[str]:
    """How far two timelines agree, in sentences."""
    if comparison.observed is None:
        return [tr("They have no time in common.")]
    words = [tr("Same answer {share} of the time.", share=percent(comparison.observed))]
    if comparison.kappa is not None:
        words.append(tr("Cohen's κ {kappa}.", kappa=decimal(comparison.kappa, 2)))
    if comparison.emotion_agreement is not None:
        words.append(
            tr(
                "Where both name an emotion: {share}.",
                share=percent(comparison.emotion_agreement),
            )
        )
    return words
