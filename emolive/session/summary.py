"""What a session was like, in a few numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from emolive.types import Familiarity, Prediction, Segment, SpeechState

NO_EMOTION = frozenset(str(state) for state in SpeechState if state is not SpeechState.SPEECH)


@dataclass(frozen=True, slots=True)
class Peak:
    """Where an emotion was strongest: the window with its highest calibrated probability."""

    stream: str
    label: str
    at_sample: int
    probability: float


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """One stream's summary.

    `samples` is the time per label of the segments, silence and uncertain included, longest first;
    `dominant` the emotion with the most time (None: none was shown). `transitions` counts changes
    from one emotion to the next, uncertain or silent stretches between them or not, most frequent
    first. `peaks` has one entry per emotion that was ever answered. `familiarity` are
    `familiarity_shares` of its windows.
    """

    stream: str
    samples: Mapping[str, int]
    dominant: str | None
    transitions: tuple[tuple[str, str, int], ...]
    peaks: tuple[Peak, ...]
    familiarity: Mapping[Familiarity, float]


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """All streams' summaries, and the emotion with the most time over all of them."""

    dominant: str | None
    streams: tuple[StreamSummary, ...]


def summarize(
    streams: Iterable[str],
    labels: Sequence[str],
    windows: Sequence[Prediction],
    segments: Sequence[Segment],
) -> SessionSummary:
    """Sum up a timeline; `labels` are in the order of the windows' probabilities."""
    parts = tuple(
        _summarize_stream(
            stream,
            labels,
            [window for window in windows if window.stream == stream],
            [segment for segment in segments if segment.stream == stream],
        )
        for stream in streams
    )
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part.samples)
    return SessionSummary(dominant_of(total), parts)


def familiarity_shares(windows: Iterable[Prediction]) -> dict[Familiarity, float]:
    """The share of windows for each word on what the model was trained on; empty without any."""
    words = Counter(window.shift.word for window in windows if window.shift is not None)
    return {word: words[word] / words.total() for word in Familiarity if word in words}


def dominant_of(samples: Mapping[str, int]) -> str | None:
    """The emotion with the most time, by name where two have the same; None without any."""
    emotions = [(-time, label) for label, time in samples.items() if label not in NO_EMOTION]
    return min(emotions)[1] if emotions else None


def _summarize_stream(
    stream: str, labels: Sequence[str], windows: Sequence[Prediction], segments: Sequence[Segment]
) -> StreamSummary:
    times: Counter[str] = Counter()
    changes: Counter[tuple[str, str]] = Counter()
    last: str | None = None
    for segment in segments:
        times[segment.label] += segment.end_sample - segment.start_sample
        if segment.label in NO_EMOTION:
            continue
        if last is not None and last != segment.label:
            changes[last, segment.label] += 1
        last = segment.label
    return StreamSummary(
        stream,
        dict(times.most_common()),
        dominant_of(times),
        tuple((one, other, n) for (one, other), n in changes.most_common()),
        _peaks(stream, labels, windows),
        familiarity_shares(windows),
    )


def _peaks(stream: str, labels: Sequence[str], windows: Sequence[Prediction]) -> tuple[Peak, ...]:
    best: dict[str, Peak] = {}
    for window in windows:
        if window.probabilities is None or window.label is None:
            continue
        probability = float(window.probabilities[labels.index(window.label)])
        if window.label not in best or probability > best[window.label].probability:
            best[window.label] = Peak(stream, window.label, window.centre_sample, probability)
    return tuple(sorted(best.values(), key=lambda peak: -peak.probability))
