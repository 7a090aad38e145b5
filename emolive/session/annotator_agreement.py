"""How far several annotators of a session agree with each other, tier by tier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from emolive.session.agreement import ratings
from emolive.session.coefficients import (
    Confusion,
    Item,
    concordance,
    fleiss_kappa,
    krippendorff_alpha,
    krippendorff_alpha_interval,
)
from emolive.session.rated_time import rated_stretches
from emolive.session.records import Annotation, Dimension, Trace


@dataclass(frozen=True, slots=True)
class PairAgreement(Confusion):
    """Two annotators."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class TierAgreement:
    """All annotators of a tier ("": the emotions).

    `fleiss` is over what all of them labelled, `alpha` (Krippendorff's, nominal) over what at least
    two did; `shared` and `labelled_twice` are these times in samples. Where an annotator's own
    labels overlap and differ, that annotator gave none: `contradictory` samples of any of them.
    """

    tier: str
    annotators: tuple[str, ...]
    pairs: tuple[PairAgreement, ...]
    fleiss: float | None
    alpha: float | None
    shared: int
    labelled_twice: int
    contradictory: int


@dataclass(frozen=True, slots=True)
class TraceAgreement:
    """All annotators who rated a dimension continuously, over the time that each pair shares.

    `pairs`: two annotators and Lin's concordance. `alpha` is Krippendorff's for intervals.
    """

    dimension: Dimension
    annotators: tuple[str, ...]
    pairs: tuple[tuple[str, str, float | None], ...]
    alpha: float | None
    shared: int


def annotator_agreements(
    streams: Sequence[str], annotations: Iterable[Annotation]
) -> tuple[TierAgreement, ...]:
    """Every tier that more than one annotator labelled; marks about all streams count for each."""
    labelled = [one for one in annotations if one.label]
    found = []
    for tier in dict.fromkeys(one.tier for one in labelled):
        ours = [one for one in labelled if one.tier == tier]
        names = tuple(dict.fromkeys(sorted(one.annotator for one in ours)))
        if len(names) > 1:
            found.append(_of_tier(tier, names, streams, ours))
    return tuple(found)


def trace_agreements(traces: Iterable[Trace]) -> tuple[TraceAgreement, ...]:
    """Every dimension that more than one annotator rated on the same grid."""
    rated = list(traces)
    found = []
    for dimension in Dimension:
        ours = [one for one in rated if one.dimension is dimension]
        ours = [one for one in ours if one.step_samples == ours[0].step_samples]
        if len(ours) < 2:
            continue
        length = max(one.values.size for one in ours)
        table = np.full((len(ours), length), np.nan)
        for row, one in zip(table, ours, strict=True):
            row[: one.values.size] = one.values
        names = tuple(one.annotator for one in ours)
        pairs = tuple(
            (names[i], names[j], concordance(table[i].tolist(), table[j].tolist()))
            for i, j in combinations(range(len(ours)), 2)
        )
        step = ours[0].step_samples
        shared = int(((~np.isnan(table)).sum(axis=0) >= 2).sum()) * step
        alpha = krippendorff_alpha_interval(table, step)
        found.append(TraceAgreement(dimension, names, pairs, alpha, shared))
    return tuple(found)


def _of_tier(
    tier: str, names: tuple[str, ...], streams: Sequence[str], marks: Sequence[Annotation]
) -> TierAgreement:
    items: list[Item] = []
    confusion: dict[tuple[int, int], Counter[tuple[str, str]]] = {
        pair: Counter() for pair in combinations(range(len(names)), 2)
    }
    contradictory = 0
    for stream in streams:
        here = [one for one in marks if one.stream in (None, stream)]
        by = [ratings(one for one in here if one.annotator == name) for name in names]
        for length, said in rated_stretches(by):
            contradictory += length * any(len(labels) > 1 for labels in said)
            given = {i: labels[0] for i, labels in enumerate(said) if len(labels) == 1}
            if len(given) < 2:
                continue
            items.append((length, Counter(given.values())))
            for i, j in combinations(given, 2):
                confusion[i, j][given[i], given[j]] += length
    pairs = tuple(PairAgreement(table, names[i], names[j]) for (i, j), table in confusion.items())
    everybody = [n for n, counts in items if sum(counts.values()) == len(names)]
    return TierAgreement(
        tier,
        names,
        pairs,
        fleiss_kappa(items, len(names)),
        krippendorff_alpha(items),
        sum(everybody),
        sum(n for n, _ in items),
        contradictory,
    )
