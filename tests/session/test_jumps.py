from __future__ import annotations

import pytest

from emolive.session.replay import next_segment
from emolive.types import Segment

SEGMENTS = [
    Segment("agent", 0, 100, "happy", 0.5),
    Segment("agent", 100, 200, "angry", 0.5),
    Segment("agent", 200, 300, "happy", 0.5),
    Segment("customer", 150, 250, "happy", 0.5),
    Segment("agent", 400, 500, "happy", 0.5),
]


@pytest.mark.parametrize(
    ("sample", "stream", "start"),
    [(-1, None, 0), (0, None, 150), (150, None, 200), (150, "agent", 200), (399, None, 400)],
)
def test_forwards(sample: int, stream: str | None, start: int) -> None:
    found = next_segment(SEGMENTS, "happy", sample, stream=stream)
    assert found is not None
    assert found.start_sample == start


@pytest.mark.parametrize(("sample", "start"), [(500, 400), (499, 200), (299, 150), (249, 0)])
def test_backwards(sample: int, start: int) -> None:
    found = next_segment(SEGMENTS, "happy", sample, backwards=True)
    assert found is not None
    assert found.start_sample == start


def test_there_may_be_none() -> None:
    assert next_segment(SEGMENTS, "happy", 400) is None
    assert next_segment(SEGMENTS, "sad", 0) is None
    assert next_segment(SEGMENTS, "angry", 150, backwards=True) is None
