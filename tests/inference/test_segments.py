from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.inference.segments import Segmenter
from emolive.types import Prediction, Segment, SpeechState

WINDOW = 48_000
HOP = 8_000


def prediction(start: int, label: str, confidence: float = 0.5) -> Prediction:
    state = SpeechState(label) if label in ("silence", "uncertain") else SpeechState.SPEECH
    return Prediction(
        stream="left",
        start_sample=start,
        end_sample=start + WINDOW,
        probabilities=None,
        state=state,
        label=label if state is SpeechState.SPEECH else None,
        confidence=0.0 if label == "silence" else confidence,
        speech_ratio=1.0,
        latency_s=0.0,
    )


def segments_of(
    predictions: list[Prediction], end_sample: int, segmenter: Segmenter | None = None
) -> list[Segment]:
    segmenter = segmenter or Segmenter("left", HOP)
    closed = [segment for p in predictions for segment in segmenter.accept(p)]
    return closed + segmenter.finish(end_sample)


def test_equal_answers_are_merged_and_borders_lie_between_centres() -> None:
    labels = ["silence", "happy", "happy", "sad", "uncertain"]
    found = segments_of([prediction(i * HOP, label) for i, label in enumerate(labels)], 80_000)
    centre = WINDOW // 2
    assert [(s.start_sample, s.end_sample, s.label) for s in found] == [
        (0, centre + HOP // 2, "silence"),
        (centre + HOP // 2, centre + 5 * HOP // 2, "happy"),
        (centre + 5 * HOP // 2, centre + 7 * HOP // 2, "sad"),
        (centre + 7 * HOP // 2, 80_000, "uncertain"),
    ]
    assert {s.stream for s in found} == {"left"}


def test_a_segment_is_closed_when_the_answer_changes() -> None:
    segmenter = Segmenter("left", HOP)
    assert segmenter.accept(prediction(0, "happy")) == []
    assert segmenter.accept(prediction(HOP, "happy")) == []
    assert [s.label for s in segmenter.accept(prediction(2 * HOP, "sad"))] == ["happy"]
    assert [s.label for s in segmenter.finish(70_000)] == ["sad"]


def test_confidence_is_the_mean_over_the_windows() -> None:
    values = [0.4, 0.6, 0.8]
    found = segments_of([prediction(i * HOP, "happy", v) for i, v in enumerate(values)], 64_000)
    assert [s.confidence for s in found] == [pytest.approx(0.6)]


def test_windows_left_out_are_shared_by_both_sides() -> None:
    found = segments_of([prediction(0, "happy"), prediction(4 * HOP, "sad")], 100_000)
    assert found[0].end_sample == found[1].start_sample == WINDOW // 2 + 2 * HOP


def test_what_no_window_heard_is_uncertain() -> None:
    later = WINDOW + 10 * HOP
    found = segments_of([prediction(0, "happy"), prediction(later, "happy")], later + WINDOW)
    half = WINDOW // 2
    assert [(s.start_sample, s.end_sample, s.label, s.confidence) for s in found] == [
        (0, half + HOP // 2, "happy", 0.5),
        (half + HOP // 2, later + half - HOP // 2, "uncertain", 0.0),
        (later + half - HOP // 2, later + WINDOW, "happy", 0.5),
    ]


def test_nothing_predicted_nothing_said() -> None:
    assert Segmenter("left", HOP).finish(1_000) == []


def test_one_short_stream_is_one_segment() -> None:
    # A stream of 1 s is put in the middle of its window, which begins before it.
    found = segments_of([prediction(-16_000, "happy")], 16_000)
    assert [(s.start_sample, s.end_sample) for s in found] == [(0, 16_000)]


def test_order_is_checked() -> None:
    segmenter = Segmenter("left", HOP)
    segmenter.accept(prediction(HOP, "happy"))
    with pytest.raises(ValueError, match="time order"):
        segmenter.accept(prediction(HOP, "sad"))
    segmenter.accept(prediction(2 * HOP, "sad"))
    with pytest.raises(ValueError, match="cannot end"):
        segmenter.finish(100)


def test_after_finish_it_can_be_used_again() -> None:
    segmenter = Segmenter("left", HOP)
    segments_of([prediction(5 * HOP, "happy")], 100_000, segmenter)
    found = segments_of([prediction(0, "sad")], 50_000, segmenter)
    assert [(s.start_sample, s.end_sample, s.label) for s in found] == [(0, 50_000, "sad")]


@given(
    steps=st.lists(
        st.tuples(
            st.integers(1, 20),  # hops since the one before: skipped windows and holes included
            st.sampled_from(["happy", "sad", "silence", "uncertain"]),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=80,
    ),
    tail=st.integers(0, 30_000),
    hop=st.sampled_from([160, 1_600, 8_000, 15_840, 48_000]),
)
def test_segments_cover_the_stream_without_gaps(
    steps: list[tuple[int, str, float]], tail: int, hop: int
) -> None:
    starts = [0, *itertools.accumulate(n * hop for n, _, _ in steps[1:])]
    predictions = [
        prediction(start, label, confidence)
        for start, (_, label, confidence) in zip(starts, steps, strict=True)
    ]
    end = predictions[-1].end_sample + tail
    found = segments_of(predictions, end, Segmenter("left", hop))
    assert found[0].start_sample == 0
    assert found[-1].end_sample == end
    for segment in found:
        assert segment.start_sample < segment.end_sample
        assert 0.0 <= segment.confidence <= 1.0
    for one, two in itertools.pairwise(found):
        assert one.end_sample == two.start_sample
        assert one.label != two.label
    for p in predictions:
        at = next(s for s in found if s.start_sample <= p.centre_sample < s.end_sample)
        assert at.label == (p.label or str(p.state))
