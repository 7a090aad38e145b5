"""What the window shows, from events."""

from __future__ import annotations

from itertools import pairwise

import pytest

from emolive.history.model import FollowClock, MonitorModel
from emolive.types import EngineState, SpeechState
from tests.memory import array_bytes
from tests.ui.feed import BLOCK, RATE, block, mood_events, prediction, run_facts, status


def model(**options: float) -> MonitorModel:
    return MonitorModel(run_facts(), **options)


def ends(first_s: float, last_s: float) -> range:
    return range(round(first_s * RATE), round(last_s * RATE) + 1, RATE // 2)


def test_streams_appear_with_the_first_status_in_its_order() -> None:
    made = model()
    made.apply([status(EngineState.STARTING, ())])
    assert not made.streams
    made.apply([status(EngineState.RUNNING, ("left", "right")), block(0, stream="right")])
    assert list(made.streams) == ["left", "right"]
    assert made.end_s == BLOCK / RATE


def test_since_is_when_state_and_label_began_to_hold() -> None:
    made = model()
    made.apply(prediction(end) for end in ends(3.0, 5.0))
    current = made.streams["mono"].current
    assert current is not None
    assert (current.label, current.since_s) == ("angry", 0.0)
    made.apply(prediction(end, label="happy", share=0.5) for end in ends(5.5, 8.0))
    current = made.streams["mono"].current
    assert current is not None
    # The window that ended at 5.5 s speaks for the half second around 4.0 s.
    assert (current.label, current.since_s) == ("happy", 3.75)
    assert current.leading == "happy"
    made.apply(prediction(end, SpeechState.SILENCE) for end in ends(8.5, 9.0))
    current = made.streams["mono"].current
    assert current is not None
    assert (current.state, current.probabilities, current.since_s) == (
        SpeechState.SILENCE,
        None,
        6.75,
    )


def test_memory_stays_flat_over_hours() -> None:
    made = model()
    made.apply([block(0)])
    stream = made.streams["mono"]
    size = array_bytes(stream.decisions, stream.levels, stream.spectrogram)
    assert size < 12e6
    made.apply(mood_events(9 * 3600))
    made.apply(block(at * RATE) for at in range(0, 9 * 3600, 30))
    assert array_bytes(stream.decisions, stream.levels, stream.spectrogram) == size
    assert made.oldest_s == pytest.approx(3600, abs=2)
    assert stream.decisions.rows(0, 1e9).centre_s[-1] == pytest.approx(9 * 3600 - 1.5)


def test_a_gap_in_the_audio_stays_empty() -> None:
    made = model()
    made.apply([block(0, RATE), block(5 * RATE, RATE)])
    level, _, _ = made.streams["mono"].levels.cells(0, 60)
    assert (level[:10] == -24).all()
    assert (level[10:50] != level[10:50]).all()  # not a number
    assert (level[50:60] == -24).all()


def test_shown_time_flows_evenly_and_never_ahead_of_the_audio() -> None:
    clock = FollowClock(slack_s=0.25)
    shown = []
    for frame in range(300):
        wall = frame / 30
        arrived = int(wall / 0.1) * 0.1  # audio comes every 100 ms
        shown.append(clock.step(arrived, wall))
        assert arrived - 0.25 <= shown[-1] <= arrived
    steps = [b - a for a, b in pairwise(shown[60:])]
    assert max(steps) < 0.05
    assert clock.step(100.0, 11.0) == pytest.approx(99.75)  # a jump is followed at once
