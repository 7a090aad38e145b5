"""Timelines for tests of exports: one that has everything, and any that there could be."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from emolive.session.records import AlertRecord, Annotation, Gap, GapKind, Note
from emolive.session.timeline import StreamAudio, Timeline, TimelineStream
from emolive.types import FloatArray, Prediction, Role, Segment, SpeechState
from tests.models import LABELS

RATE = 16_000
STARTED = datetime(2025, 3, 14, 9, 26, 53, 589_000, tzinfo=UTC)


def shares(leading: str, probability: float = 0.6) -> FloatArray:
    rest = (1 - probability) / (len(LABELS) - 1)
    return np.array([probability if label == leading else rest for label in LABELS], np.float32)


def window(stream: str, index: int, label: str | None, *, hop: int = 8_000) -> Prediction:
    """The window number `index`; a label of None is silence."""
    return Prediction(
        stream=stream,
        start_sample=index * hop,
        end_sample=index * hop + 48_000,
        probabilities=None if label is None else shares(label),
        state=SpeechState.SILENCE if label is None else SpeechState.SPEECH,
        label=label,
        confidence=0.0 if label is None else 0.6,
        speech_ratio=0.0 if label is None else 0.8,
        latency_s=0.01,
    )


def full(folder: Path = Path("/rec")) -> Timeline:
    """A two-channel session with everything in it; times are no whole milliseconds."""
    customer = ("happy", None, "angry", "angry", "sad")
    return Timeline(
        title='Call "7" <á & b>',
        source="Headset",
        model="tiny",
        labels=LABELS,
        rate=RATE,
        sample_rate=48_000,
        duration_s=5.0,
        streams=(
            TimelineStream(
                "agent",
                segments=(
                    Segment("agent", 0, 30_001, "not_inferred", 0.0),
                    Segment("agent", 30_001, 80_000, "silence", 0.0),
                ),
                role=Role.AGENT,
                emotion=False,
                audio=StreamAudio(folder / "1-agent.flac"),
            ),
            TimelineStream(
                "customer",
                windows=tuple(window("customer", i, label) for i, label in enumerate(customer)),
                segments=(
                    Segment("customer", 0, 27_997, "happy", 0.61),
                    Segment("customer", 27_997, 36_003, "silence", 0.0),
                    Segment("customer", 36_003, 60_000, "angry", 0.725),
                    Segment("customer", 60_000, 68_000, "uncertain", 0.3),
                    Segment("customer", 68_000, 80_000, "sad", 0.5),
                ),
                role=Role.CUSTOMER,
                audio=StreamAudio(folder / "2-customer.flac"),
            ),
        ),
        started_at=STARTED,
        annotations=(
            Annotation("a1", 1_001, 20_003, "happy", "laughs", "customer", "anna"),
            Annotation("a2", 15_000, 33_333, "very happy", "", "customer", "anna"),
            Annotation("a3", 40_000, 59_999, "angry", "", "customer", "ben"),
            Annotation("a4", 40_000, 80_000, None, 'she said "no"\nand hung up', None, ""),
        ),
        gaps=(Gap(70_000, 72_000, GapKind.OVERRUN), Gap(75_000, 76_001, GapKind.DISK, "agent")),
        alerts=(AlertRecord("anger", 50_000, "angry for 3 s", stream="customer"),),
        notes=(Note("nice call"), Note("turning point", at_sample=36_003)),
        tags=("billing", "Ärger"),
    )


def recording(path: Path, segments: tuple[tuple[int, int, str], ...] = ()) -> Timeline:
    """One stream of a file, two seconds long."""
    return Timeline(
        title=path.name,
        source=str(path),
        model="tiny",
        labels=LABELS,
        rate=RATE,
        sample_rate=44_100,
        duration_s=2.0,
        streams=(
            TimelineStream(
                "mono",
                windows=(window("mono", 0, "happy"),),
                segments=tuple(Segment("mono", a, b, label, 0.5) for a, b, label in segments),
                audio=StreamAudio(path),
            ),
        ),
    )


EMPTY = Timeline(
    title="",
    source="",
    model="tiny",
    labels=LABELS,
    rate=RATE,
    sample_rate=RATE,
    duration_s=0.0,
    streams=(TimelineStream("mono"),),
    started_at=STARTED,
)

# Anything a person can type or a file can be called, short of lone surrogates.
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
tidy = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@st.composite
def timelines(draw: st.DrawFn, label: st.SearchStrategy[str] = words, step: int = 1) -> Timeline:
    """Any session; all times are multiples of `step` samples.

    Annotations overlap as they like, streams may be without segments, names are odd.
    """

    def instant(least: int = 0) -> int:
        return least + step * draw(st.integers(0, 3_600 * RATE // step))

    def stretch() -> tuple[int, int]:
        start = instant()
        return start, start + step * draw(st.integers(1, 30 * RATE // step))

    labels = tuple(draw(st.lists(label, min_size=2, max_size=4, unique=True)))
    names = draw(st.lists(label, min_size=1, max_size=3, unique=True))
    said = st.sampled_from([*labels, "silence", "uncertain", "not_inferred"])
    streams = []
    for name in names:
        edges = sorted({step * draw(st.integers(0, 600 * RATE // step)) for _ in range(5)} | {0})
        segments = tuple(
            Segment(name, a, b, draw(said), draw(st.floats(0, 1))) for a, b in pairwise(edges)
        )
        streams.append(TimelineStream(name, segments=draw(st.sampled_from([(), segments]))))
    whose = st.sampled_from([*names, None, "gone"])
    annotations = [
        Annotation(
            str(number),
            *stretch(),
            draw(st.none() | st.sampled_from(labels) | label),
            draw(st.just("") | label),
            draw(whose),
            draw(st.just("") | label),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    gaps = [
        Gap(*stretch(), draw(st.sampled_from(GapKind)), draw(whose))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Timeline(
        title=draw(st.just("") | label),
        source=draw(label),
        model="tiny",
        labels=labels,
        rate=RATE,
        sample_rate=RATE,
        duration_s=instant() / RATE,
        streams=tuple(streams),
        started_at=draw(st.none() | st.just(STARTED)),
        annotations=tuple(annotations),
        gaps=tuple(gaps),
    )
