"""How far people agree with the model and with each other, weighted by time.

Every sample of audio is one rated item, which is exact and needs no choice of a frame: kappa does
not change when all items are repeated equally often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from emolive.session.coefficients import (
    Confusion,
    Item,
    concordance,
    fleiss_kappa,
    krippendorff_alpha,
    krippendorff_alpha_interval,
    rated_stretches,
    ratings,
)
from emolive.session.records import Annotation, Dimension, Trace
from emolive.session.timeline import Timeline
from emolive.types import Segment, SpeechState


@dataclass(frozen=True, slots=True)
class Agreement(Confusion):
    """One annotator against the model, whose label is the second of each pair.

    The model gave none where it was uncertain, or heard silence (unless the annotator labels
    silence, too): `undecided` samples. Where the annotator's own labels overlap and differ, nothing
    is compared: `contradictory`. Streams on which emotion is not inferred are left out.
    """

    annotator: str
    undecided: int
    contradictory: int

    @property
    def coverage(self) -> float:
        """The share of what the annotator labelled that the model decided on; 0.0 without any."""
        labelled = self.compared + self.undecided
        return self.compared / labelled if labelled else 0.0


def agreements(
    streams: Sequence[str], segments: Iterable[Segment], annotations: Iterable[Annotation]
) -> tuple[Agreement, ...]:
    """Every annotator who gave labels against the model, all streams together.

    Annotations about all streams count for each of `streams`; those of other tiers than the
    emotions' do not count: the model says nothing about them.
    """
    said = list(segments)
    labelled = [one for one in annotations if one.label and not one.tier]
    found = []
    for annotator in dict.fromkeys(one.annotator for one in labelled):
        ours = [one for one in labelled if one.annotator == annotator]
        silence_counts = any(one.label == SpeechState.SILENCE for one in ours)
        confusion: Counter[tuple[str, str]] = Counter()
        undecided = contradictory = 0
        for stream in streams:
            marks = ratings(one for one in ours if one.stream in (None, stream))
            spoken = ratings(one for one in said if one.stream == stream)
            for start, end, (people, answers) in rated_stretches((marks, spoken)):
                length = end - start
                model = answers[0] if answers else ""
                if not people:
                    continue
                if len(people) > 1:
                    contradictory += length
                elif _decided(model, silence_counts):
                    confusion[people[0], model] += length
                elif model != SpeechState.NOT_INFERRED:
                    undecided += length
        found.append(Agreement(dict(confusion), annotator, undecided, contradictory))
    return tuple(found)


def timeline_agreements(timeline: Timeline) -> tuple[Agreement, ...]:
    """`agreements` of a timeline."""
    names = [stream.name for stream in timeline.streams]
    return agreements(names, timeline.segments, timeline.annotations)


def _decided(model: str, silence_counts: bool) -> bool:
    if model == SpeechState.SILENCE:
        return silence_counts
    return model not in ("", SpeechState.UNCERTAIN, SpeechState.NOT_INFERRED)


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
        for start, end, said in rated_stretches(by):
            length = end - start
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
