"""From decisions to shapes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.history import stacking
from emolive.history.rings import (
    NO_LABEL,
    SILENCE,
    SPEECH,
    UNCERTAIN,
    DecisionRing,
    DecisionRows,
)
from tests.ui.feed import LABELS, mood_events

HOP_S = 0.5


def conversation(seconds: float, seed: int = 0) -> DecisionRows:
    ring = DecisionRing(LABELS, 16_000, 10_000)
    for answer in mood_events(seconds, seed=seed):
        ring.append(answer)
    return ring.rows(0, seconds)


def rows(*states: tuple[float, int, int]) -> DecisionRows:
    """Decisions at these times, in these states, with these labels."""
    shares = np.full((len(states), 2), 0.5, np.float32)
    shares[[state == SILENCE for _, state, _ in states]] = 0.0
    return DecisionRows(
        np.array([at for at, _, _ in states]),
        shares,
        np.array([state for _, state, _ in states], np.uint8),
        np.array([label for _, _, label in states], np.uint8),
        shares.max(axis=1),
    )


def test_spans_meet_in_the_middle_and_leave_holes_empty() -> None:
    given_rows = rows(
        (1.0, SPEECH, 0),
        (1.5, SPEECH, 0),
        (2.0, SPEECH, 1),
        (2.5, SILENCE, NO_LABEL),
        (8.0, UNCERTAIN, NO_LABEL),
    )
    spans = list(stacking.spans(given_rows, HOP_S))
    assert [(s.start_s, s.end_s, s.state, s.label) for s in spans] == [
        (0.75, 1.75, SPEECH, 0),
        (1.75, 2.25, SPEECH, 1),
        (2.25, 2.75, SILENCE, NO_LABEL),
        (7.75, 8.25, UNCERTAIN, NO_LABEL),
    ]


def test_a_skipped_window_is_bridged_and_a_longer_absence_is_not() -> None:
    bridged = rows((1.0, SPEECH, 0), (2.0, SPEECH, 0))
    torn = rows((1.0, SPEECH, 0), (3.0, SPEECH, 0))
    assert len(list(stacking.spans(bridged, HOP_S))) == 1
    assert len(list(stacking.spans(torn, HOP_S))) == 2
    assert len(list(stacking.trajectories(torn, HOP_S))) == 2


def test_silence_interrupts_a_stretch_and_uncertain_does_not() -> None:
    given_rows = rows(
        (1.0, SPEECH, 0),
        (1.5, UNCERTAIN, NO_LABEL),
        (2.0, SPEECH, 0),
        (2.5, SILENCE, NO_LABEL),
        (3.0, SPEECH, 0),
    )
    at = [stretch.at_s.tolist() for stretch in stacking.trajectories(given_rows, HOP_S)]
    assert at == [[0.75, 1.0, 1.5, 2.0, 2.25], [2.75, 3.0, 3.25]]


@given(seed=st.integers(0, 50), seconds=st.floats(3.0, 120.0))
def test_a_whole_conversation_is_covered(seed: int, seconds: float) -> None:
    given_rows = conversation(seconds, seed)
    spans = list(stacking.spans(given_rows, HOP_S))
    assert spans[0].start_s == pytest.approx(1.25)
    assert spans[-1].end_s == pytest.approx(given_rows.centre_s[-1] + 0.25)
    for one, other in pairwise(spans):
        assert one.end_s == other.start_s
        assert (one.state, one.label) != (other.state, other.label)
    for stretch in stacking.trajectories(given_rows, HOP_S):
        assert (np.diff(stretch.tops, axis=1) >= 0).all()
        np.testing.assert_allclose(stretch.tops[:, -1], 1.0, atol=4e-3)  # half precision


@given(seed=st.integers(0, 50), column_s=st.floats(0.6, 30.0))
def test_condensed_columns_say_what_their_decisions_said(seed: int, column_s: float) -> None:
    full = conversation(90, seed)
    few = stacking.condense(full, column_s)
    columns = np.floor(full.centre_s / column_s)
    assert len(few) == len(np.unique(columns))
    for i, column in enumerate(np.unique(columns)):
        inside = columns == column
        assert few.centre_s[i] == pytest.approx((column + 0.5) * column_s)
        counts = np.bincount(full.state[inside], minlength=3)
        assert counts[few.state[i]] == counts.max()
        voiced = inside & (full.state != SILENCE)
        if few.state[i] != SILENCE:
            expected = full.probabilities[voiced].mean(axis=0)
            np.testing.assert_allclose(few.probabilities[i], expected, rtol=1e-4, atol=1e-6)
        if few.state[i] == SPEECH:
            labels = full.label[inside & (full.state == SPEECH)]
            assert (labels == few.label[i]).sum() == np.bincount(labels).max()
        else:
            assert few.label[i] == NO_LABEL


def test_nothing_gives_nothing() -> None:
    empty = conversation(0)
    assert len(stacking.condense(empty, 1.0)) == 0
    assert list(stacking.spans(empty, HOP_S)) == []
    assert list(stacking.trajectories(empty, HOP_S)) == []
