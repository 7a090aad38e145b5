"""The last minutes in numbers."""

from __future__ import annotations

import pytest

from emolive.history.model import MonitorModel, StreamModel
from emolive.history.trend import trend
from emolive.types import SpeechState
from tests.ui.feed import RATE, block, prediction, run_facts


def stream_of(moods: list[tuple[float, str | None]]) -> StreamModel:
    """Decisions of certain emotions (None: silence) for so many seconds each, every half second."""
    model = MonitorModel(run_facts())
    model.apply([block(0)])
    end = 3 * RATE
    for seconds, label in moods:
        for _ in range(round(2 * seconds)):
            state = SpeechState.SILENCE if label is None else SpeechState.SPEECH
            model.apply([prediction(end, state, label or "calm", 1.0)])
            end += RATE // 2
    return model.streams["mono"]


def test_shares_are_of_the_decided_time_and_changes_against_the_time_before() -> None:
    decisions = stream_of([(60, "calm"), (30, "calm"), (30, "angry")]).decisions
    found = trend(decisions, decisions.last_s, 60)
    assert found is not None
    shares = {share.label: share for share in found.shares}
    assert shares["angry"].share == pytest.approx(0.5, abs=0.02)
    assert shares["angry"].change == pytest.approx(0.5, abs=0.02)
    assert shares["calm"].change == pytest.approx(-0.5, abs=0.02)
    assert found.speech == 1.0
    assert sum(share.share for share in found.shares) == pytest.approx(1.0)


def test_silence_counts_as_time_but_not_as_an_emotion() -> None:
    decisions = stream_of([(15, "sad"), (45, None)]).decisions
    found = trend(decisions, decisions.last_s, 60)
    assert found is not None
    assert [share.label for share in found.shares] == ["sad"]
    assert found.silence == pytest.approx(0.75, abs=0.02)
    assert found.speech == pytest.approx(0.25, abs=0.02)


def test_a_change_needs_something_to_compare_with() -> None:
    decisions = stream_of([(40, "happy")]).decisions
    found = trend(decisions, decisions.last_s, 30)
    assert found is not None
    assert found.shares[0].change is None
    assert trend(stream_of([]).decisions, 10.0, 30) is None
