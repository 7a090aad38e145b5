"""How far people and the model agree: Cohen's kappa, weighted by time.

Every sample of audio is one rated item, which is exact and needs no choice of a frame: kappa does
not change when all items are repeated equally often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emolive.session.coefficients import Confusion
from emolive.session.rated_time import Rating, rated_stretches
from emolive.session.records import Annotation
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
            marks = ratings([one for one in ours if one.stream in (None, stream)])
            spoken = [
                (one.start_sample, one.end_sample, one.label)
                for one in said
                if one.stream == stream
            ]
            for length, (people, answers) in rated_stretches((marks, spoken)):
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


def ratings(marks: Iterable[Annotation]) -> list[Rating]:
    """Labelled marks as ratings."""
    return [(one.start_sample, one.end_sample, one.label) for one in marks if one.label]


def _decided(model: str, silence_counts: bool) -> bool:
    if model == SpeechState.SILENCE:
        return silence_counts
    return model not in ("", SpeechState.UNCERTAIN, SpeechState.NOT_INFERRED)
