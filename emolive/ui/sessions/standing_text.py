"""What labels are worth so far, in words."""

from __future__ import annotations

from collections.abc import Mapping

from emolive.adapt.judging import ENOUGH
from emolive.adapt.wording import gain_text, more_text, points
from emolive.adapt.workshop import Standing
from emolive.i18n import ntr, tr
from emolive.labels import emotion_name


def count_text(counts: Mapping[str, int]) -> str:
    """How many there are of which: "24 labels: 12 angry, 12 neutral", or "" for none."""
    if not counts:
        return ""
    each = ", ".join(f"{n} {emotion_name(name)}" for name, n in counts.items())
    return ntr("{count} label", "{count} labels", sum(counts.values())) + ": " + each


def worth_text(standing: Standing) -> str:
    """What they gain, measured; and what is still to be expected."""
    judged = standing.judgement
    lacking = more_text(standing.lacking)
    if judged is None:
        start = tr("Too few to measure what they gain.")
    elif judged.verdict == "better":
        start = tr("Measured gain so far: {gain}.", gain=gain_text(judged))
    else:
        start = tr("Gain so far: {gain}; not settled yet.", gain=gain_text(judged))
    if len(standing.counts) < 2:
        rest = tr("Most of the gain shows from {n} labels of each emotion on.", n=ENOUGH)
    elif lacking:
        rest = tr("Most of the gain shows from {n} of each on: {more}.", n=ENOUGH, more=lacking)
    elif standing.of_twice is not None:
        rest = tr(
            "Twice as many would gain {gain} points at most, by how it grew so far.",
            gain=points(standing.of_twice),
        )
    else:
        rest = tr("Each further label adds less than the ones before.")
    return f"{start} {rest}"
