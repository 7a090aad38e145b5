from __future__ import annotations

import numpy as np
import pytest

from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.replay import Replay
from tests.session.filled import RATE, activity, new_session, segment, window


@pytest.fixture
def session(library: Library) -> SessionInfo:
    writer = library.create(new_session("talk"), audio=False)
    for second in range(3, 11):
        writer.add_windows([window("customer", second * RATE, "happy")])
    writer.add_windows([window("agent", 5 * RATE, None)])
    writer.add_segments([segment("customer", 0, 4, "happy"), segment("customer", 4, 10, "sad")])
    writer.add_activity("customer", activity(1024, [False, True, True, False]))
    return writer.finish(10 * RATE)


def test_answers_come_with_the_middle_of_their_window(
    library: Library, session: SessionInfo
) -> None:
    replay = Replay(library, session)
    assert [a.end_sample for a in replay.answers(-1, 3 * RATE // 2)] == [3 * RATE]
    assert replay.answers(3 * RATE // 2, 5 * RATE // 2 - 1) == []
    both = replay.answers(3 * RATE, 4 * RATE)
    assert sorted(a.stream for a in both) == ["agent", "customer"]


def test_every_answer_comes_once_however_often_one_asks(
    library: Library, session: SessionInfo
) -> None:
    replay = Replay(library, session)
    times = np.random.default_rng(0).integers(0, 10 * RATE, 30).tolist()
    looks = sorted({-1, *times, 10 * RATE})
    seen = [a for i, _ in enumerate(looks[1:]) for a in replay.answers(looks[i], looks[i + 1])]
    assert len(seen) == 9


def test_segments_come_when_they_are_over(library: Library, session: SessionInfo) -> None:
    replay = Replay(library, session)
    assert [s.label for s in replay.closed(0, 4 * RATE)] == ["happy"]
    assert [s.label for s in replay.closed(4 * RATE, 10 * RATE)] == ["sad"]


@pytest.mark.parametrize(
    ("sample", "level", "speech"),
    [(0, -120, False), (1023, -120, False), (1024, -60, False), (1600, -43.3, True),
     (1024 + 4 * 512 - 1, -10, False), (1024 + 4 * 512, -120, False)],
)  # fmt: skip
def test_levels_are_those_of_the_moment(
    library: Library, session: SessionInfo, sample: int, level: float, speech: bool
) -> None:
    levels = {block.stream: block for block in Replay(library, session).levels(sample)}
    assert set(levels) == {"agent", "customer"}
    assert levels["customer"].level_dbfs == pytest.approx(level, abs=0.1)
    assert levels["customer"].speech == speech
    assert levels["agent"].level_dbfs == -120
