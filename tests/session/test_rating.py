from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.session.rating import RatingPen
from emolive.session.records import Dimension, Trace

RATE = 16_000
STEP = 640
V, A = Dimension.VALENCE, Dimension.AROUSAL


def values(pen: RatingPen, dimension: Dimension = V) -> np.ndarray:
    return next(t.values for t in pen.traces("anna") if t.dimension is dimension)


def test_what_is_held_fills_the_time_up_to_now_and_jumps_fill_nothing() -> None:
    pen = RatingPen(RATE, 4 * RATE)
    pen.begin()
    pen.hold(0, {V: 0.5, A: -0.5})
    pen.hold(round(0.2 * RATE), {V: 0.7, A: -0.2})
    pen.hold(2 * RATE, {V: 2.0, A: -9.0})
    found = values(pen)
    assert found.size == 100
    assert found[0] == np.float32(0.5)
    assert (found[1:6] == np.float32(0.7)).all()
    assert np.isnan(found[6:50]).all()
    assert found[50] == 1.0
    assert values(pen, A)[50] == -1.0
    assert np.isnan(found[51:]).all()


def test_a_take_replaces_only_what_it_passed_and_can_be_taken_back() -> None:
    before = np.linspace(-1, 1, 100).astype(np.float32)
    pen = RatingPen(RATE, 4 * RATE, [Trace("anna", V, STEP, before)])
    assert not pen.can_take_back
    pen.begin()
    for cell in range(10, 20):
        pen.hold(cell * STEP, {V: 0.0, A: 0.0})
    found = values(pen)
    assert (found[10:20] == 0).all()
    np.testing.assert_array_equal(found[:10], before[:10])
    np.testing.assert_array_equal(found[20:], before[20:])
    pen.take_back()
    np.testing.assert_array_equal(values(pen), before)
    assert np.isnan(values(pen, A)).all()


def test_another_grid_is_put_onto_this_one() -> None:
    pen = RatingPen(RATE, 4 * RATE, [Trace("anna", V, RATE, np.array([0.1, 0.2], np.float32))])
    found = values(pen)
    assert (found[:25] == np.float32(0.1)).all()
    assert (found[25:50] == np.float32(0.2)).all()
    assert np.isnan(found[50:]).all()


@given(st.lists(st.tuples(st.integers(-RATE, 6 * RATE), st.floats(-3, 3)), max_size=40))
def test_it_stays_inside_session_and_scale(moments: list[tuple[int, float]]) -> None:
    pen = RatingPen(RATE, 4 * RATE)
    pen.begin()
    for at, value in moments:
        pen.hold(at, {V: value, A: value})
    found = values(pen)
    assert found.size == 100
    held = found[~np.isnan(found)]
    assert bool(held.size) == bool(moments)
    assert (np.abs(held) <= 1).all()
    if moments:
        last = min(99, max(0, moments[-1][0] // STEP))
        assert found[last] == pytest.approx(min(1, max(-1, moments[-1][1])), abs=1e-6)
