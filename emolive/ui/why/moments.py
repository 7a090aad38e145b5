"""Which window is meant when somebody points at a time."""

from __future__ import annotations

from emolive.explain.moment import Moment
from emolive.history.rings import DecisionRing
from emolive.types import AnalysisFacts


def moment_at(
    decisions: DecisionRing, facts: AnalysisFacts, stream: str, at_s: float, label: str | None
) -> Moment | None:
    """The window of the stream's decision nearest to `at_s`, and the class to be asked about.

    None where nothing was classified. `label` None: the decided class, or the most probable one.
    """
    row = decisions.nearest(at_s, 1.5 * facts.hop_s)
    if not len(row) or not row.probabilities[0].any():
        return None
    if label is None:
        decided = int(row.label[0])
        best = int(row.probabilities[0].argmax())
        label = facts.labels[decided if decided < len(facts.labels) else best]
    centre = round(float(row.centre_s[0]) * facts.rate)
    start = centre - facts.window_samples // 2
    return Moment(stream, start, start + facts.window_samples, label)
