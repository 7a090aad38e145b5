"""Two timelines of one recording side by side: where they agree, and how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from emolive.history.rings import DecisionRing
from emolive.session.coefficients import Confusion, rated_stretches, ratings
from emolive.session.library import Library
from emolive.session.session_history import SessionHistory, decisions_of
from emolive.session.summary import NO_EMOTION
from emolive.types import Segment


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of one stream to which each timeline gives one label."""

    stream: str
    start_sample: int
    end_sample: int
    old: str
    new: str

    @property
    def samples(self) -> int:
        """Its length."""
        return self.end_sample - self.start_sample


@dataclass(frozen=True, slots=True)
class Comparison(Confusion):
    """What two timelines, the old and the new, say over the time that both cover.

    All streams together. `stretches` are in order of stream and time, neighbours differ.
    """

    stretches: tuple[Interval, ...]

    @property
    def emotion_agreement(self) -> float | None:
        """As `observed`, of the time to which both give an emotion."""
        return Confusion(
            {
                pair: samples
                for pair, samples in self.confusion.items()
                if not NO_EMOTION.intersection(pair)
            }
        ).observed

    @property
    def changed(self) -> tuple[Interval, ...]:
        """The stretches with different labels."""
        return tuple(stretch for stretch in self.stretches if stretch.old != stretch.new)

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels of either, the most frequent first."""
        count: Counter[str] = Counter()
        for (old, new), samples in self.confusion.items():
            count[old] += samples
            count[new] += samples
        return tuple(label for label, _ in count.most_common())

    def old_samples(self, label: str) -> int:
        """How long the old timeline has this label."""
        return sum(n for (old, _), n in self.confusion.items() if old == label)

    def new_samples(self, label: str) -> int:
        """How long the new timeline has this label."""
        return sum(n for (_, new), n in self.confusion.items() if new == label)


def compare(old: Iterable[Segment], new: Iterable[Segment]) -> Comparison:
    """Compare two timelines of the same recording; only streams that both have count.

    Segments of one stream must not overlap within a timeline.
    """
    before, after = _by_stream(old), _by_stream(new)
    stretches = [
        stretch
        for stream in before
        if stream in after
        for stretch in _merged(_overlaps(stream, before[stream], after[stream]))
    ]
    samples: Counter[tuple[str, str]] = Counter()
    for stretch in stretches:
        samples[stretch.old, stretch.new] += stretch.samples
    return Comparison(dict(samples), tuple(stretches))


def _by_stream(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    ordered = sorted(segments, key=attrgetter("stream", "start_sample"))
    return {stream: list(group) for stream, group in groupby(ordered, key=attrgetter("stream"))}


def _overlaps(stream: str, old: Iterable[Segment], new: Iterable[Segment]) -> Iterator[Interval]:
    for start, end, (before, after) in rated_stretches((ratings(old), ratings(new))):
        if before and after:
            yield Interval(stream, start, end, before[0], after[0])


def _merged(stretches: Iterable[Interval]) -> Iterator[Interval]:
    last: Interval | None = None
    for stretch in stretches:
        if last is not None and (last.end_sample, last.old, last.new) == (
            stretch.start_sample,
            stretch.old,
            stretch.new,
        ):
            last = Interval(last.stream, last.start_sample, stretch.end_sample, last.old, last.new)
            continue
        if last is not None:
            yield last
        last = stretch
    if last is not None:
        yield last


@dataclass(frozen=True, slots=True, eq=False)
class OtherTimeline:
    """What another model says about a session: its answers for each stream, and how far it agrees.

    `problems` are sentences about sound that broke off.
    """

    model: str
    hop_s: float
    decisions: dict[str, DecisionRing]
    comparison: Comparison
    problems: tuple[str, ...] = ()


def analyse_again(
    library: Library,
    session: SessionHistory,
    model: Path | None,
    progress: Callable[[float, float], None],
) -> OtherTimeline:
    """Analyse a session's sound with `model` (None: the bundled one), at the session's hop.

    Takes long and belongs on a worker; what `progress` raises ends it.

    Raises:
        EmoliveError: the model cannot be used, or there is no sound.
    """
    from emolive.engine.config import EngineConfig
    from emolive.inference.loading import load_classifier
    from emolive.session.reanalysis import reanalyze
    from emolive.speech.silero import SileroVad

    classifier = load_classifier(model)
    try:
        found = reanalyze(
            library,
            session.info,
            classifier,
            SileroVad(),
            EngineConfig(hop_s=session.hop_s),
            progress,
        )
    finally:
        classifier.close()
    old = [segment for stream in session.streams for segment in stream.segments]
    return OtherTimeline(
        found.metadata.name,
        session.hop_s,
        {
            name: decisions_of(
                [window for window in found.windows if window.stream == name],
                found.metadata.labels,
                session.info.rate,
            )
            for name in found.streams
        },
        found.compare(old),
        found.problems,
    )
