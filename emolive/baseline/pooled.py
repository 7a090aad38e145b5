"""One baseline from several bodies of evidence: of many files, or of all of a library's sources."""

from __future__ import annotations

from collections.abc import Iterable

from emolive.baseline.evidence import HALF_MINUTES, Evidence
from emolive.baseline.expected import ExpectedMix
from emolive.baseline.running import FixedBaseline
from emolive.types import Baseline


def pooled_baseline(
    source: str, parts: Iterable[tuple[Evidence, int]], expected: ExpectedMix,
    labels: tuple[str, ...], half_minutes: float = HALF_MINUTES,
) -> FixedBaseline:  # fmt: skip
    """What `parts` (evidence, and of how many sessions it is) say together of `source`.

    `half_minutes` of speech give half of the full strength.
    """
    known, sessions = Evidence.none(len(labels)), 0
    for evidence, count in parts:
        known = known.joined(evidence).thinned()
        sessions += count
    told = Baseline(source, known.minutes, sessions, known.strength(half_minutes), expected.neutral)
    return FixedBaseline(known.vector(expected, labels, half_minutes), told)
