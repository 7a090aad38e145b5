"""How far people and the model agree: Cohen's kappa, weighted by time.

Kappa is the agreement beyond what chance would give: (observed - expected) / (1 - expected), where
the expected agreement is that of two independent raters with the same shares of labels (J. Cohen,
"A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20(1),
1960). Here every sample of audio is one rated item, which is exact and needs no choice of a frame:
kappa does not change when all items are repeated equally often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from emolive.session.records import Annotation
from emolive.session.timeline import Timeline
from emolive.types import Segment, SpeechState


@dataclass(frozen=True, slots=True)
class Agreement:
    """One annotator against the model, in samples of time.

    `confusion` counts by (person's label, model's label), only where both gave one. The model gave
    none where it was uncertain, or heard silence (unless the annotator labels silence, too):
    `undecided`. Where the annotator's own labels overlap and differ, nothing is compared:
    `contradictory`. Streams on which emotion is not inferred are left out.
    """

    annotator: str
    confusion: Mapping[tuple[str, str], int]
    undecided: int
    contradictory: int

    @property
    def compared(self) -> int:
        """Samples that both labelled."""
        return sum(self.confusion.values())

    @property
    def coverage(self) -> float:
        """The share of what the annotator labelled that the model decided on; 0.0 without any."""
        labelled = self.compared + self.undecided
        return self.compared / labelled if labelled else 0.0

    @property
    def observed(self) -> float | None:
        """The share of the compared time with equal labels; None where nothing is compared."""
        if not self.compared:
            return None
        same = sum(n for (person, model), n in self.confusion.items() if person == model)
        return same / self.compared

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None where it has no value (see `cohen_kappa`)."""
        return cohen_kappa(self.confusion)


def cohen_kappa(confusion: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa of counts by (one rater's label, the other's).

    None where it is not defined: nothing is compared, or both used one and the same label only.
    """
    total = sum(confusion.values())
    one: Counter[str] = Counter()
    other: Counter[str] = Counter()
    same = 0
    for (first, second), count in confusion.items():
        one[first] += count
        other[second] += count
        same += count if first == second else 0
    chance = sum(count * other[label] for label, count in one.items())
    if total * total == chance:
        return None
    return (same * total - chance) / (total * total - chance)


def agreements(
    streams: Sequence[str], segments: Iterable[Segment], annotations: Iterable[Annotation]
) -> tuple[Agreement, ...]:
    """Every annotator who gave labels against the model, all streams together.

    Annotations about all streams count for each of `streams`.
    """
    said = list(segments)
    labelled = [one for one in annotations if one.label]
    found = []
    for annotator in dict.fromkeys(one.annotator for one in labelled):
        ours = [one for one in labelled if one.annotator == annotator]
        silence_counts = any(one.label == SpeechState.SILENCE for one in ours)
        confusion: Counter[tuple[str, str]] = Counter()
        undecided = contradictory = 0
        for stream in streams:
            marks = [one for one in ours if one.stream in (None, stream)]
            spoken = [one for one in said if one.stream == stream]
            for length, people, model in _stretches(marks, spoken):
                if len(people) > 1:
                    contradictory += length
                elif _decided(model, silence_counts):
                    confusion[people[0], model] += length
                elif model != SpeechState.NOT_INFERRED:
                    undecided += length
        found.append(Agreement(annotator, dict(confusion), undecided, contradictory))
    return tuple(found)


def timeline_agreements(timeline: Timeline) -> tuple[Agreement, ...]:
    """`agreements` of a timeline."""
    names = [stream.name for stream in timeline.streams]
    return agreements(names, timeline.segments, timeline.annotations)


def _decided(model: str, silence_counts: bool) -> bool:
    if model == SpeechState.SILENCE:
        return silence_counts
    return model not in ("", SpeechState.UNCERTAIN, SpeechState.NOT_INFERRED)


def _stretches(
    marks: Sequence[Annotation], segments: Sequence[Segment]
) -> Iterable[tuple[int, tuple[str, ...], str]]:
    """Cut one stream's time wherever a mark or a segment begins or ends.

    Yields, where there is a mark: samples, the marks' different labels, and the model's label ("":
    there is no segment).
    """
    # At each edge what ends, then what begins: +1 or -1 of a label.
    marked: dict[int, Counter[str]] = {}
    spoken: dict[int, Counter[str]] = {}
    for mark in marks:
        assert mark.label is not None
        marked.setdefault(mark.start_sample, Counter())[mark.label] += 1
        marked.setdefault(mark.end_sample, Counter())[mark.label] -= 1
    for segment in segments:
        spoken.setdefault(segment.start_sample, Counter())[segment.label] += 1
        spoken.setdefault(segment.end_sample, Counter())[segment.label] -= 1
    people: Counter[str] = Counter()
    model: Counter[str] = Counter()
    for start, end in pairwise(sorted({*marked, *spoken})):
        people.update(marked.get(start, {}))
        model.update(spoken.get(start, {}))
        labels = tuple(label for label, count in people.items() if count > 0)
        if labels:
            now = next((label for label, count in model.items() if count > 0), "")
            yield end - start, labels, now
